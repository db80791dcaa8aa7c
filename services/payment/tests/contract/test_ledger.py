"""The ledger on a real store: written with the payment, chained by many at once and through deaths, and sound."""

import asyncio
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from domain_kit.ids import new_id
from domain_kit.money import Money
from domain_kit.repository import Cause
from mongo_store import Database, Journal, open_database
from mongo_store.schema import prepare
from payment_service.composition import SCHEMA
from payment_service.domain.attempt import Attempt
from payment_service.domain.bookkeeping import Deal, captured
from payment_service.domain.chain import BLOCK_SIZE, canonical
from payment_service.domain.gateways import GatewayRefund, Intent, IntentState, MethodKind, Progress
from payment_service.domain.payment import Payment, begun
from payment_service.domain.payment_books import Books
from payment_service.domain.terms import Terms, TermsBook
from payment_service.domain.verification import Anchor, Fault
from payment_service.outbound import ledger as stored
from payment_service.outbound.bookkeeping import INVOICES_DUE, UNCHAINED
from payment_service.outbound.ledger import BLOCKS, MongoLedger, entries_of, verified
from payment_service.outbound.repositories import MongoPayments

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
ORGANIZER = "organizers/o"
CHAIN_AND_DIE = """
import asyncio, os, sys
from domain_kit.crash_points import arm
from mongo_store import Journal, open_database
from payment_service.outbound.ledger import MongoLedger

async def main():
    async with open_database(sys.argv[1], sys.argv[2]) as database:
        ledger = MongoLedger(Journal(database))
        arm({"USHER_CRASH_AT": sys.argv[3], "USHER_CRASH_ALLOWED": "yes"})
        while await ledger.chain():
            pass

asyncio.run(main())
"""


@pytest.fixture
async def database(mongodb: str) -> AsyncIterator[Database]:
    async with open_database(mongodb, f"ledger_{new_id()}") as database:
        await prepare(database, SCHEMA)
        yield database


@pytest.fixture
def ledger(database: Database) -> MongoLedger:
    return MongoLedger(Journal(database))


async def waiting(database: Database, count: int, *, first: int = 0, seed: int = 1) -> None:
    """Facts that wait to be chained, two entries each."""
    amounts = random.Random(seed)
    documents = []
    for number in range(first, first + count):
        money = Money(amounts.randrange(100, 10_000), "CAD")
        deal = Deal(f"payments/{number}", ORGANIZER, "stripe", money, f"pi_{number}", "", Terms(250))
        entries = captured(deal, NOW + timedelta(milliseconds=number), Money(0, "CAD"))
        documents.append(
            {"_id": f"payments/{number}@000002", "time": NOW, "entries": [canonical(each) for each in entries]}
        )
    await database.collection(UNCHAINED).insert_many(documents)


async def chain_all(ledger: MongoLedger) -> None:
    while await ledger.chain():
        pass


async def paid_and_refunded(payments: MongoPayments) -> Payment:
    id = new_id()
    attempt = Attempt(1, "stripe", "card", MethodKind.TOKEN, f"key{id}", NOW, reference=f"pi_{id}")
    payment, made = begun(
        Payment(f"payments/{id}", id, "users/u", ORGANIZER, Money(1999, "CAD"), (attempt,), NOW, NOW)
    )  # fmt: skip
    await payments.create(payment, made, cause=Cause(new_id()))
    paid = Intent(attempt.reference, IntentState.SUCCEEDED)
    await payments.update(payment.name, lambda it: it.answered(paid, NOW), cause=Cause(new_id()))
    await payments.update(payment.name, lambda it: it.with_refund("r", None, "", "u", NOW), cause=Cause(new_id()))
    told = GatewayRefund("re_1", Progress.SUCCEEDED)
    return await payments.update(payment.name, lambda it: it.refund_answered("r", told, NOW), cause=Cause(new_id()))


async def test_each_change_of_a_payment_brings_its_entries_in_the_same_commit(
    database: Database, ledger: MongoLedger
) -> None:
    books = Books(TermsBook(Terms(1000)), lambda _, amount: Money(50, amount.currency))
    payment = await paid_and_refunded(MongoPayments(Journal(database), books=books))
    await chain_all(ledger)
    found, following = await ledger.page(ORGANIZER, 0, 50)
    assert [each.entry.kind.value for each in reversed(found)] == [
        "captured", "platform-fee", "refund-requested", "refund-completed", "platform-fee-returned",
    ]  # fmt: skip
    assert following == 0
    assert {each.entry.payment for each in found} == {payment.name}
    assert set((await ledger.balances(ORGANIZER)).values()) == {0}
    assert await ledger.balances("gateways/stripe") == {
        ("gateways/stripe/clearing", "CAD"): -50, ("gateways/stripe/fees", "CAD"): 50,
    }  # fmt: skip
    assert await database.collection(INVOICES_DUE).count_documents({}) == 2
    assert (await verified(database)).findings == []


async def test_many_who_chain_at_once_make_one_chain(database: Database, mongodb: str) -> None:
    """INVARIANT: no gap, no fork, nothing twice, whoever believes to hold the lease."""
    await waiting(database, 200)
    async with open_database(mongodb, database.name) as other:
        ledgers = [MongoLedger(Journal(each)) for each in (database, other, database)]

        async def chain_until_none_wait(ledger: MongoLedger) -> None:
            while await database.collection(UNCHAINED).count_documents({}):
                await ledger.chain()

        await asyncio.gather(*map(chain_until_none_wait, ledgers))
    told = await verified(database)
    assert (told.findings, told.head.count) == ([], 400)
    sizes = [len(each["entries"]) async for each in database.collection(BLOCKS).find({}, sort=[("_id", 1)])]
    assert sizes == [BLOCK_SIZE, BLOCK_SIZE]


@pytest.mark.parametrize("point", ["ledger.before_chained", "store.before_commit:2", "ledger.after_chained:2"])
async def test_a_process_that_dies_while_it_chains_leaves_a_chain_that_another_goes_on_with(
    database: Database, ledger: MongoLedger, mongodb: str, point: str
) -> None:
    await waiting(database, 150)
    command = [sys.executable, "-c", CHAIN_AND_DIE, mongodb, database.name, point]
    died = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert died.returncode == -9, died.stderr
    assert (await verified(database)).findings == []
    await chain_all(ledger)
    told = await verified(database)
    assert (told.findings, told.head.count) == ([], 300)


async def test_a_fact_that_is_booked_again_is_in_the_chain_once(database: Database, ledger: MongoLedger) -> None:
    await waiting(database, 3)
    await chain_all(ledger)
    await waiting(database, 5)
    await chain_all(ledger)
    told = await verified(database)
    assert (told.findings, told.head.count) == ([], 10)


async def test_pages_hold_each_entry_of_an_owner_once_newest_first(
    database: Database, ledger: MongoLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("payment_service.domain.chain.BLOCK_SIZE", 7)
    await waiting(database, 40)
    await chain_all(ledger)
    seen: list[int] = []
    before = 0
    while True:
        found, before = await ledger.page(ORGANIZER, before, 9)
        seen += [each.number for each in found]
        if not before:
            break
    assert seen == list(range(80, 0, -1))
    assert (await ledger.page("organizers/other", 0, 9)) == ([], 0)
    assert len([each async for each in entries_of(database, "gateways/stripe", NOW, NOW + timedelta(days=1))]) == 40
    assert len(await ledger.since(ORGANIZER, NOW + timedelta(milliseconds=30))) == 20


async def test_what_somebody_does_to_the_stored_ledger_is_found(database: Database, ledger: MongoLedger) -> None:
    await waiting(database, 150)
    await chain_all(ledger)
    sound = (await verified(database)).head
    blocks, ends = database.collection(BLOCKS), database.collection(stored.ENDS)
    first, second = [each async for each in blocks.find({}, sort=[("_id", 1)])]

    async def faults(anchor: Anchor | None = None) -> set[Fault]:
        return {each.fault for each in (await verified(database, anchor)).findings}

    await blocks.delete_one({"_id": second["_id"]})
    assert await faults() == {Fault.HEAD, Fault.BALANCE}
    await blocks.insert_one(second)
    await blocks.update_one({"_id": 1}, {"$set": {"entries.4": first["entries"][4].replace(b"stripe", b"strife")}})
    assert await faults() == {Fault.ALTERED, Fault.BALANCE, Fault.MISFILED}
    await blocks.replace_one({"_id": 1}, first)
    await database.collection(stored.BALANCES).update_one({"_id": "platform/fees|CAD"}, {"$inc": {"amount": 1}})
    assert await faults() == {Fault.BALANCE}
    await database.collection(stored.BALANCES).update_one({"_id": "platform/fees|CAD"}, {"$inc": {"amount": -1}})
    await ends.update_one({"_id": "head"}, {"$set": {"count": 299}})
    assert await faults() == {Fault.HEAD}
    await ends.update_one({"_id": "head"}, {"$set": {"count": 300}})
    assert await faults(Anchor(300, sound.link)) == set()
    assert await faults(Anchor(300, bytes(32))) == {Fault.ANCHOR}


async def test_a_ledger_that_grows_while_it_is_verified_is_sound(database: Database, ledger: MongoLedger) -> None:
    await waiting(database, 600)

    async def grow() -> None:
        await chain_all(ledger)

    growing = asyncio.create_task(grow())
    while not growing.done():
        assert (await verified(database)).findings == []
    await growing
    assert (await verified(database)).head.count == 1200


async def test_an_audit_finds_sums_that_are_not_zero_and_with_a_walk_what_was_altered(
    database: Database, ledger: MongoLedger
) -> None:
    await waiting(database, 3)
    before = await stored.audit(database, walk=False)
    assert before is not None
    assert before.waiting == 3
    await chain_all(ledger)
    sound = await stored.audit(database, walk=True)
    assert sound is not None
    assert (sound.findings, sound.waiting, sound.walked) == ([], 0, True)
    await database.collection(stored.BALANCES).update_one({}, {"$inc": {"amount": 5}})
    looked, walked = await stored.audit(database, walk=False), await stored.audit(database, walk=True)
    assert looked is not None
    assert walked is not None
    assert list(looked.findings) == ["balances sum to 5 CAD"]
    assert any(each.startswith("BALANCE") for each in walked.findings)

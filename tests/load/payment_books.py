"""Whether sandbox, ledger, payments and bookings tell of the same money."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from sale import database_uri, event_of

from local_stack.readiness import LOOPBACK
from local_stack.stack import Stack
from mongo_store import open_database
from payment_service.domain.chain import numbered
from payment_service.domain.ledger import AccountKind, Entry, FactKind
from payment_service.outbound.ledger import BLOCKS, verified
from payment_service.outbound.ledger_documents import block_of

# Gateway and currency → how often, and how many minor units.
Sums = Mapping[tuple[str, str], tuple[int, int]]


@dataclass(frozen=True)
class Books:
    """What each of the four says. paid, confirmed: names of bookings. findings: what is wrong in the ledger itself."""

    sandbox: Sums
    ledger: Sums
    payments: Sums
    paid: Sequence[str] = ()
    confirmed: Sequence[str] = ()
    findings: Sequence[str] = field(default_factory=tuple)


async def read_books(stack: Stack, gateways: Sequence[str], events: Sequence[str]) -> Books:
    """As they stand; all has to be at rest."""
    uri = database_uri(stack)
    async with open_database(uri, "usher_payment") as database:
        verifier = await verified(database)
        ledger = [_captured(each.entry) async for document in database.collection(BLOCKS).find({})
                  for each in numbered(block_of(document)) if each.entry.kind is FactKind.CAPTURED]  # fmt: skip
        documents = [each async for each in database.collection("payments").find({"state": "SUCCEEDED"})]
    async with open_database(uri, "usher_booking") as database:
        found = database.collection("bookings").find({"state": "CONFIRMED"}, {"event": 1})
        confirmed = [each["_id"] async for each in found if each["event"] in events]
    sandbox: dict[tuple[str, str], tuple[int, int]] = {}
    place = f"http://{LOOPBACK}:{stack.state().ports['sandbox']}/_sandbox"
    async with httpx.AsyncClient(trust_env=False) as client:
        for gateway in gateways:
            for currency, sums in (await client.get(f"{place}/{gateway}/totals")).json()["currencies"].items():
                if sums["charges"]:
                    sandbox[gateway, currency] = sums["charges"], sums["charged"] - sums["refunded"]
    paid = [each for each in documents if event_of(each["booking"]) in events]
    return Books(
        sandbox, _sums(ledger), _sums([_of_payment(each) for each in paid]),
        [each["booking"] for each in paid], confirmed, [str(each) for each in verifier.findings],
    )  # fmt: skip


def violations(books: Books) -> list[str]:
    """What is wrong, one sentence each. INVARIANT: charges = ledger = payments SUCCEEDED = bookings CONFIRMED."""
    problems = [f"ledger: {each}" for each in books.findings]
    told = {"sandbox": books.sandbox, "ledger": books.ledger, "payments": books.payments}
    for key in sorted({key for sums in told.values() for key in sums}):
        each = {name: sums.get(key, (0, 0)) for name, sums in told.items()}
        if len(set(each.values())) > 1:
            words = ", ".join(f"{name} {count} of {units}" for name, (count, units) in each.items())
            problems.append(f"{key[0]} {key[1]}: {words}")
    twice = [name for name, count in Counter(books.paid).items() if count > 1]
    if twice:
        problems.append(f"{len(twice)} bookings are paid twice, first {twice[0]}")
    if other := set(books.paid) ^ set(books.confirmed):
        problems.append(f"{len(other)} bookings are paid or confirmed but not both, first {min(other)}")
    return problems


def _captured(entry: Entry) -> tuple[str, str, int]:
    (taken,) = [each for each in entry.postings if each.account.kind is AccountKind.CLEARING]
    return taken.account.owner.removeprefix("gateways/"), taken.amount.currency, taken.amount.minor_units


def _of_payment(document: Mapping[str, Any]) -> tuple[str, str, int]:
    return document["attempts"][-1]["gateway"], document["amount"]["currency"], document["amount"]["minor_units"]


def _sums(moved: Sequence[tuple[str, str, int]]) -> Sums:
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for gateway, currency, units in moved:
        count, whole = sums.get((gateway, currency), (0, 0))
        sums[gateway, currency] = count + 1, whole + units
    return sums

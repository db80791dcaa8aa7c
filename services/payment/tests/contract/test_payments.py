"""Payments and their open work in a real store: what is unique, what is due, and who takes it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain_kit.ids import new_id
from domain_kit.money import Money
from domain_kit.refusals import Aborted, AlreadyExists
from domain_kit.repository import Cause
from mongo_store import Database, Journal, open_database
from mongo_store.schema import prepare
from payment_service.composition import SCHEMA
from payment_service.domain.attempt import Attempt
from payment_service.domain.gateways import (
    Delivery,
    Failure,
    FailureKind,
    GatewayRefund,
    Intent,
    IntentState,
    MethodKind,
    Notice,
    Progress,
)
from payment_service.domain.payment import Outcome, Payment, begun
from payment_service.domain.payment_settings import PaymentSettings
from payment_service.domain.webhook_inbox import FIRST_WAIT, GIVE_UP
from payment_service.outbound.former import NOTES, adopt_former_notes
from payment_service.outbound.open_work import MongoOpenWork
from payment_service.outbound.payment_settings import MongoPaymentSettings
from payment_service.outbound.repositories import COLLECTION, NO_WORK, MongoPayments
from payment_service.outbound.webhook_inbox import MongoWebhookInbox
from resource_api import etag_of

NOW = datetime(2027, 3, 1, tzinfo=UTC)


@pytest.fixture
async def database(mongodb: str) -> AsyncIterator[Database]:
    async with open_database(mongodb, f"payments_{new_id()}") as database:
        await prepare(database, SCHEMA)
        await prepare(database, SCHEMA)
        yield database


@pytest.fixture
def payments(database: Database) -> MongoPayments:
    return MongoPayments(Journal(database))


async def stored(payments: MongoPayments, booking: str = "", reference: str = "") -> Payment:
    id = new_id()
    attempt = Attempt(1, "stripe", "card", MethodKind.TOKEN, f"key{id}", NOW, reference=reference or f"pi_{id}")
    payment, made = begun(
        Payment(f"payments/{id}", booking or id, "users/u", "organizers/o", Money(1, "CAD"), (attempt,), NOW, NOW)
    )
    return await payments.create(payment, made, cause=Cause(new_id()))


async def moved(payments: MongoPayments, payment: Payment, state: IntentState) -> Payment:
    intent = Intent(payment.current.reference, state)
    return await payments.update(payment.name, lambda it: it.answered(intent, NOW), cause=Cause(new_id()))


async def test_a_booking_has_one_open_payment_and_another_after_it_was_called_off(payments: MongoPayments) -> None:
    first = await stored(payments, "b")
    with pytest.raises(AlreadyExists):
        await stored(payments, "b")
    assert await payments.open_for("b", 0) == first
    await moved(payments, first, IntentState.CANCELLED)
    second = await stored(payments, "b")
    late = await moved(payments, first, IntentState.SUCCEEDED)
    assert (late.open, await payments.open_for("b", 0)) == (False, second)


async def test_bookings_asked_about_at_once_get_their_own_undecided_payments(payments: MongoPayments) -> None:
    bookings = [f"b{number}" for number in range(20)]
    made = {each: await stored(payments, each) for each in bookings}
    await moved(payments, made["b1"], IntentState.CANCELLED)
    paid = await moved(payments, made["b2"], IntentState.SUCCEEDED)
    found = await asyncio.gather(*(payments.undecided_for(each) for each in [*bookings, "b3", "b2", "nobody's"]))
    assert paid.open
    expected = [[made[each]] if each not in ("b1", "b2") else [] for each in bookings]
    assert [list(each) for each in found] == [*expected, [made["b3"]], [], []]


async def test_a_payment_is_found_by_its_orders_keys_and_references(payments: MongoPayments) -> None:
    first = await stored(payments, reference="pi_1")
    await stored(payments, reference="pi_2")
    for key, reference in (("", "pi_1"), (first.current.key, ""), (first.current.key, "pi_1")):
        assert await payments.with_order("stripe", key, reference) == first
    assert await payments.with_order("stripe", "", "pi_3") is None
    assert await payments.with_order("paypal", "", "pi_1") is None
    assert await payments.with_order("stripe", "", "") is None


async def test_due_work_is_taken_by_one_process_and_put_off(payments: MongoPayments, database: Database) -> None:
    work = MongoOpenWork(database)
    names = [(await stored(payments)).name for _ in range(12)]
    assert await work.take(NOW + timedelta(seconds=59), 20) == []
    later = NOW + timedelta(minutes=2)
    taken = await asyncio.gather(*(work.take(later, 20) for _ in range(3)))
    assert sorted(name for some in taken for name in some) == sorted(names)
    assert await work.take(later, 20) == []
    assert len(await work.take(later + timedelta(minutes=2), 20)) == 12


async def test_finished_and_abandoned_payments_are_not_looked_at(payments: MongoPayments, database: Database) -> None:
    work = MongoOpenWork(database)
    await moved(payments, await stored(payments), IntentState.SUCCEEDED)
    await stored(payments)
    for days in (8, 9, 9000):
        assert await work.take(NOW + timedelta(days=days), 20) == []


async def test_what_is_in_hand_stays_due_and_takes_nobodys_place(payments: MongoPayments, database: Database) -> None:
    work, later = MongoOpenWork(database), NOW + timedelta(minutes=2)
    first, second, third = [(await stored(payments)).name for _ in range(3)]
    assert await work.take(later, 1, {first, second}) == [third]
    assert sorted(await work.take(later, 9)) == [first, second]


async def test_what_an_earlier_release_has_noted_is_looked_at_also_while_it_still_runs(
    payments: MongoPayments, database: Database
) -> None:
    """INVARIANT: money on its way is asked after, whichever release has written that it is."""
    work, kept, notes = MongoOpenWork(database), database.collection(COLLECTION), database.collection(NOTES)

    async def as_formerly() -> str:
        name = (await stored(payments)).name
        await kept.update_one({"_id": name}, {"$unset": dict.fromkeys(NO_WORK, "")})
        await notes.insert_one({"_id": name, "work": "URGENT", "since": NOW, "due": NOW + timedelta(seconds=1)})
        return name

    one, settled = await as_formerly(), await as_formerly()
    await moved(payments, await payments.get(settled), IntentState.SUCCEEDED)
    await adopt_former_notes(database)
    assert await work.take(NOW + timedelta(seconds=2), 9) == [one]
    another = await as_formerly()
    assert await work.take(NOW + timedelta(seconds=2), 9) == []
    assert another in await work.take(NOW + timedelta(minutes=2), 9)
    assert await notes.count_documents({}) == 0


async def test_those_who_wait_are_told_when_money_begins_to_move(database: Database) -> None:
    told: list[bool] = []
    payments = MongoPayments(Journal(database), on_urgent=lambda: told.append(True))
    payment = await stored(payments)
    assert not told
    await payments.update(payment.name, lambda it: it.attempted("tok", NOW), cause=Cause(new_id()))
    assert told


async def test_a_page_of_a_user_holds_only_theirs(payments: MongoPayments) -> None:
    mine = await stored(payments)
    whose = {"payer": "users/u", "booking": mine.booking, "organizer": "organizers/o"}
    for field, value in whose.items():
        assert (await payments.list_page({field: value}, None, 10)).items == [mine]
        assert (await payments.list_page({field: f"{value}x"}, None, 10)).items == []


async def test_a_token_and_an_address_are_stored_but_recorded_nowhere(
    payments: MongoPayments, database: Database
) -> None:
    payment = await stored(payments)

    def asked(it: Payment) -> Outcome:
        after, made = it.attempted("tok_hidden", NOW)
        return replace(after, buyer_email="hidden@usher.example"), made

    await payments.update(payment.name, asked, cause=Cause(new_id()))
    assert (await payments.get(payment.name)).token == "tok_hidden"
    names = await database.client[database.name].list_collection_names()
    for name in set(names) - {"payments"}:
        assert "hidden" not in str(await database.collection(name).find({}).to_list(None))


DELIVERY = Delivery(b"{}", {"stripe-signature": "s", "authorization": "hidden"}, "http://shop/hooks?x=1")


async def test_a_webhook_is_kept_once_and_taken_by_one_process(database: Database) -> None:
    failure = Failure("refused", "No.", FailureKind.GATEWAY)
    intent = Intent("pi_1", IntentState.OPEN, failure=failure, captured=Money(5, "CAD"), disputed=True, lost=True,
        disputed_amount=Money(4, "CAD"), dispute_fee=Money(1500, "CAD"), dispute="dp_1", trace="t",
    )  # fmt: skip
    refunds = {"a" * 32: GatewayRefund("re_1", Progress.FAILED)}
    inbox, notice = MongoWebhookInbox(database), Notice("evt_1", "key", "pi_1", refunds, intent)
    given = await asyncio.gather(*(inbox.keep("stripe", [notice], DELIVERY, NOW) for _ in range(5)))
    [kept] = [each for some in given for each in some]
    assert (kept.gateway, kept.notice, kept.tries) == ("stripe", notice, 0)
    assert await inbox.take(NOW, 9) == []
    later = NOW + FIRST_WAIT
    [first] = [each for some in await asyncio.gather(*(inbox.take(later, 9) for _ in range(4))) for each in some]
    assert first == kept
    assert await inbox.take(later, 9) == []
    [again] = await inbox.take(later + FIRST_WAIT, 9)
    assert again.tries == 1
    await inbox.done(again)
    assert await inbox.keep("stripe", [notice], DELIVERY, NOW) == []
    assert await inbox.take(later + timedelta(hours=2), 9) == []
    [document] = await database.collection("webhooks").find({}).to_list(None)
    assert (document["body"], document["url"]) == (b"{}", DELIVERY.url)
    assert "hidden" not in str(document)


async def test_a_webhook_about_nothing_is_kept_and_not_applied_and_one_about_an_unknown_order_is_given_up(
    database: Database,
) -> None:
    inbox = MongoWebhookInbox(database)
    assert await inbox.keep("stripe", [], DELIVERY, NOW) == []
    assert await inbox.keep("stripe", [Notice("evt_2")], DELIVERY, NOW) == []
    assert await inbox.take(NOW + timedelta(hours=1), 9) == []
    await inbox.keep("stripe", [Notice("evt_3", "nobody")], DELIVERY, NOW)
    assert await inbox.take(NOW + GIVE_UP + timedelta(seconds=1), 9) == []
    assert await database.collection("webhooks").count_documents({"open": True}) == 0


async def test_a_webhook_that_tells_nothing_new_is_kept_and_done_with_in_one_write(database: Database) -> None:
    inbox, notices = MongoWebhookInbox(database), [Notice("evt_1", "key", paid=True), Notice("evt_2", "key")]
    [open_one] = await inbox.keep("stripe", notices, DELIVERY, NOW, applied=["evt_1"])
    assert open_one.notice.id == "evt_2"
    assert [each.notice.id for each in await inbox.take(NOW + FIRST_WAIT, 9)] == ["evt_2"]
    kept = await database.collection("webhooks").find({}, sort=[("_id", 1)]).to_list(None)
    assert [(each["notice"], each["open"], each["body"]) for each in kept] == [
        ("evt_1", False, DELIVERY.body), ("evt_2", True, DELIVERY.body),
    ]  # fmt: skip


async def test_a_payment_is_known_by_its_orders_where_it_was_written(
    payments: MongoPayments, database: Database
) -> None:
    payment = await stored(payments, reference="pi_1")
    assert payments.name_of("stripe", "", "pi_1") == payment.name
    assert payments.name_of("stripe", payment.current.key, "pi_2") == payment.name
    assert payments.name_of("stripe", "", "") is None
    assert payments.name_of("paypal", "", "pi_1") is None
    assert MongoPayments(Journal(database)).name_of("stripe", "", "pi_1") is None


async def test_settings_of_an_organizer_are_said_once_and_changed_by_their_etag(database: Database) -> None:
    settings = MongoPaymentSettings(Journal(database))
    usual = await settings.of("organizers/o")
    assert (usual, usual.name) == (PaymentSettings("organizers/o/paymentSettings"), "organizers/o/paymentSettings")
    wanted = PaymentSettings(pinned="stripe")
    with pytest.raises(Aborted, match="ETAG_MISMATCH"):
        await settings.change("organizers/o", wanted, etag=etag_of(3), cause=Cause(new_id()))
    cause = Cause("once")
    said = await settings.change("organizers/o", wanted, etag=etag_of(0), cause=cause)
    assert (said.pinned, said.version) == ("stripe", 1)
    assert await settings.of("organizers/o") == said
    other = await settings.change("organizers/o", PaymentSettings(), etag=etag_of(1), cause=Cause(new_id()))
    assert (other.pinned, other.version) == ("", 2)
    with pytest.raises(Aborted, match="ETAG_MISMATCH"):
        await settings.change("organizers/o", wanted, etag=etag_of(1), cause=Cause(new_id()))

"""Payments and their open work in a real store: what is unique, what is due, and who takes it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain_kit.ids import new_id
from domain_kit.money import Money
from domain_kit.refusals import AlreadyExists
from domain_kit.repository import Cause
from mongo_store import Database, Journal, open_database
from payment_service.domain.gateway import Intent, IntentState
from payment_service.domain.payment import Payment, begun
from payment_service.outbound.open_work import MongoOpenWork
from payment_service.outbound.repositories import MongoPayments, ensure_indexes

NOW = datetime(2027, 3, 1, tzinfo=UTC)


@pytest.fixture
async def database(mongodb: str) -> AsyncIterator[Database]:
    async with open_database(mongodb, f"payments_{new_id()}") as database:
        await ensure_indexes(database)
        await ensure_indexes(database)
        yield database


@pytest.fixture
def payments(database: Database) -> MongoPayments:
    return MongoPayments(Journal(database))


async def stored(payments: MongoPayments, booking: str = "", reference: str = "") -> Payment:
    id = new_id()
    payment, made = begun(
        f"payments/{id}", booking or id, "users/u", "organizers/o", Money(1, "CAD"), "stripe",
        Intent(reference or f"pi_{id}", IntentState.OPEN), NOW,
    )  # fmt: skip
    return await payments.create(payment, made, cause=Cause(new_id()))


async def moved(payments: MongoPayments, payment: Payment, state: IntentState) -> Payment:
    intent = Intent(payment.gateway_reference, state)
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


async def test_an_intent_belongs_to_one_payment(payments: MongoPayments) -> None:
    first = await stored(payments, reference="pi_1")
    with pytest.raises(AlreadyExists):
        await stored(payments, reference="pi_1")
    assert await payments.with_reference("stripe", "pi_1") == first
    assert await payments.with_reference("stripe", "pi_2") is None


async def test_due_work_is_taken_by_one_process_and_put_off(payments: MongoPayments, database: Database) -> None:
    work = MongoOpenWork(database)
    names = [(await stored(payments)).name for _ in range(12)]
    assert await work.take(NOW, 20) == []
    assert await work.next_due() == NOW + timedelta(minutes=1)
    later = NOW + timedelta(minutes=2)
    taken = await asyncio.gather(*(work.take(later, 20) for _ in range(3)))
    assert sorted(name for some in taken for name in some) == sorted(names)
    assert await work.take(later, 20) == []


async def test_finished_and_abandoned_payments_are_not_looked_at(payments: MongoPayments, database: Database) -> None:
    work = MongoOpenWork(database)
    await moved(payments, await stored(payments), IntentState.SUCCEEDED)
    assert await work.next_due() is None
    await stored(payments)
    assert await work.take(NOW + timedelta(days=8), 20) == []
    assert await work.next_due() is None


async def test_those_who_wait_are_told_when_money_begins_to_move(database: Database) -> None:
    told: list[bool] = []
    payments = MongoPayments(Journal(database), on_urgent=lambda: told.append(True))
    payment = await stored(payments)
    assert not told
    await payments.update(payment.name, lambda it: it.attempted(NOW), cause=Cause(new_id()))
    assert told


async def test_a_page_of_a_user_holds_only_theirs(payments: MongoPayments) -> None:
    mine = await stored(payments)
    assert (await payments.list_page("users/u", None, 10)).items == [replace(mine)]
    assert (await payments.list_page("users/x", None, 10)).items == []

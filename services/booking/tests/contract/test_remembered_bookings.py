"""A lane acts on the bookings it has just written without reading them, and never on what others have made of them."""

import asyncio
from dataclasses import replace

import pytest

from booking_service.domain.booking import Booking
from booking_service.domain.commands import Cancel, ClaimPayment, Confirm
from booking_service.domain.offer import OfferState
from booking_service.domain.states import BookingState
from booking_service.domain.terms import BookingTerms
from booking_service.outbound.desk import BatchDesk
from booking_service.outbound.documents import PEOPLE
from booking_service.outbound.lanes import Lanes
from booking_service.outbound.repositories import MongoBookings
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, NotFound
from testkit.memory import MemoryJournal


class Counted(MemoryJournal):
    """Knows what was read; `before_reading`: what happens before a collection is."""

    def __init__(self, clock):
        super().__init__(clock)
        self.read_from = []
        self.before_reading = {}

    async def find(self, collection, *arguments, **options):
        self.read_from.append(collection)
        if (something := self.before_reading.pop(collection, None)) is not None:
            await something
        return await super().find(collection, *arguments, **options)


def free(make):
    return make.offer(make.type(price=Money(0, "EUR")), capacities={"hall": 5})


@pytest.fixture
def journal(clock):
    return Counted(clock)


@pytest.fixture
async def one(make, journal):
    lanes = Lanes([BatchDesk(journal)])
    await lanes.submit(make.project(free(make)), make.cause())
    return lanes


@pytest.fixture
def other(journal):
    """Another replica."""
    return Lanes([BatchDesk(journal)])


@pytest.fixture
async def held(one, other, make):
    """By the one; the other has seen the event, and so remembers it."""
    await other.submit(make.hold("users/2"), make.cause())
    return await one.submit(make.hold("users/1"), make.cause())


async def stored(journal, name):
    return await MongoBookings(journal).get(name)


async def test_what_was_just_held_is_confirmed_and_cancelled_without_a_read(one, held, make, journal):
    journal.read_from.clear()
    confirmed = await one.submit(Confirm(make.EVENT, held.name, make.Issuer()), make.cause())
    cancelled = await one.submit(Cancel(make.EVENT, held.name, ""), make.cause())
    assert (confirmed.state, cancelled.state) == (BookingState.CONFIRMED, BookingState.CANCELLED)
    assert journal.read_from == []
    assert (await stored(journal, held.name)).state is BookingState.CANCELLED


async def test_what_another_replica_has_cancelled_is_not_confirmed(one, other, held, make, journal):
    await other.submit(Cancel(make.EVENT, held.name, ""), make.cause())
    with pytest.raises(FailedPrecondition) as refusal:
        await one.submit(Confirm(make.EVENT, held.name, make.Issuer()), make.cause())
    assert refusal.value.reason == "BOOKING_CANCELLED"
    assert (await stored(journal, held.name)).state is BookingState.CANCELLED


async def test_who_asks_again_is_told_what_another_replica_has_done_since(one, other, held, make):
    claim = ClaimPayment(make.EVENT, held.name, "payments/1", held.total, make.Issuer())
    assert (await one.submit(claim, make.cause())).state is BookingState.CONFIRMED
    await other.submit(Cancel(make.EVENT, held.name, ""), make.cause())
    assert (await one.submit(claim, make.cause())).state is BookingState.CANCELLED
    with pytest.raises(FailedPrecondition) as refusal:
        await one.submit(Confirm(make.EVENT, held.name, make.Issuer()), make.cause())
    assert refusal.value.reason == "BOOKING_CANCELLED"


async def test_an_event_that_another_replica_has_heard_is_called_off_confirms_nothing(one, other, held, make, journal):
    off = replace(free(make), state=OfferState.CANCELLED, version=2)
    await other.submit(make.project(off), make.cause())
    with pytest.raises(FailedPrecondition) as refusal:
        await one.submit(Confirm(make.EVENT, held.name, make.Issuer()), make.cause())
    assert refusal.value.reason == "EVENT_CANCELLED"
    assert (await stored(journal, held.name)).state is BookingState.HELD


async def test_a_booking_nobody_has_made_is_looked_for(one, held, make):
    with pytest.raises(NotFound):
        await one.submit(Confirm(make.EVENT, f"{held.name}0", make.Issuer()), make.cause())


async def test_what_is_read_before_and_after_another_replicas_commit_is_no_fault(one, other, make, journal):
    """The booking still held, and its buyer's tally already without it."""
    limited = replace(free(make), terms=BookingTerms(most_per_person=3), version=2)
    await one.submit(make.project(limited), make.cause())
    held = await one.submit(make.hold("users/1"), make.cause())
    await other.submit(make.hold("users/2"), make.cause())
    journal.before_reading[PEOPLE] = one.submit(Cancel(make.EVENT, held.name, ""), make.cause())
    cancelled = await other.submit(Cancel(make.EVENT, held.name, ""), make.cause())
    assert journal.before_reading == {}
    assert (cancelled.state, cancelled.version) == (BookingState.CANCELLED, 2)


async def test_what_stays_a_fault_is_told_after_some_looks_and_fails_nobody_else(one, held, make, journal, monkeypatch):
    def broken(*_):
        raise ValueError("broken")

    monkeypatch.setattr(Cancel, "decide", broken)
    journal.read_from.clear()
    wanted = [make.hold("users/3"), Cancel(make.EVENT, held.name, ""), make.hold("users/4")]
    told = await asyncio.gather(*(one.submit(each, make.cause()) for each in wanted), return_exceptions=True)
    assert [type(each) for each in told] == [Booking, ValueError, Booking]
    assert len(journal.read_from) < 20

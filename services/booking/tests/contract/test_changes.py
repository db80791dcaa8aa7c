"""Changes, their expiry and closing over the in-memory journal and over the embedded database: one suite."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from booking_service.domain.commands import Cancel, Change, ClaimPayment, Confirm, TransferTicket, TryChange
from booking_service.domain.offer import EventDate
from booking_service.domain.questions import Attendee
from booking_service.domain.selling import Wanted
from booking_service.domain.states import BookingState, TicketState
from booking_service.domain.terms import BookingTerms
from booking_service.handlers.close_bookings import close_bookings
from booking_service.handlers.expire_holds import expire_holds
from booking_service.outbound.desk import expiry_cause
from booking_service.outbound.repositories import MongoBookings, MongoStocks
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition


@pytest.fixture
async def lanes(make, journal):
    lanes = make.lanes_on(journal)
    free = make.type("free", price=Money(0, "EUR"))
    offer = make.offer(make.type(), free, terms=BookingTerms(change_allowed=True), capacities={"hall": 9})
    await lanes.submit(make.project(offer), make.cause())
    return lanes


async def confirmed(make, lanes, kind="standard", count=1):
    booking = await lanes.submit(make.hold(**{kind: count}), make.cause())
    if not booking.total:
        return await lanes.submit(Confirm(make.EVENT, booking.name, make.Issuer()), make.cause())
    paid = ClaimPayment(make.EVENT, booking.name, f"payments/{booking.name[-26:]}", booking.total, make.Issuer())
    return await lanes.submit(paid, make.cause())


def change(make, booking, remove=(), **add):
    wanted = tuple(Wanted(f"{make.EVENT}/ticketTypes/{kind}", count) for kind, count in add.items())
    return Change(make.EVENT, booking.name, remove, (), wanted, True, make.Issuer(), timedelta(minutes=10))


async def taken(journal, make):
    return (await MongoStocks(journal).stock(make.EVENT)).inventory.taken


async def test_every_change_that_is_not_paid_ends_and_frees_what_it_took(make, journal, lanes, clock):
    booking, bookings = await confirmed(make, lanes), MongoBookings(journal)
    for more in (2, 3):
        await lanes.submit(change(make, booking, standard=more), make.cause())
        assert await taken(journal, make) == {"hall": 1 + more}
        assert await expire_holds(bookings, lanes, expiry_cause, now=clock()) == 0
        clock.advance(minutes=10)
        assert await expire_holds(bookings, lanes, expiry_cause, now=clock()) == 1
        assert await taken(journal, make) == {"hall": 1}
    assert not await bookings.due_holds(clock(), 10)


async def test_a_change_whose_time_is_over_keeps_nobody_from_booking(make, journal, lanes, clock):
    booking = await confirmed(make, lanes)
    await lanes.submit(change(make, booking, standard=8), make.cause())
    with pytest.raises(FailedPrecondition, match="SOLD_OUT"):
        await lanes.submit(make.hold(standard=8), make.cause())
    clock.advance(minutes=10)
    assert await lanes.submit(make.hold(standard=8), make.cause())
    assert (await MongoBookings(journal).get(booking.name)).pending is None


async def test_two_changes_at_once_take_places_for_one(make, journal, lanes):
    """INVARIANT: a booking has at most one pending change, on whichever replica it is asked for."""
    other = make.lanes_on(journal)
    booking = await confirmed(make, lanes)
    results = await asyncio.gather(
        *(each.submit(change(make, booking, standard=2), make.cause()) for each in (lanes, other, lanes)),
        return_exceptions=True,
    )
    assert sorted(getattr(each, "reason", "held") for each in results) == ["CHANGE_PENDING", "CHANGE_PENDING", "held"]
    assert await taken(journal, make) == {"hall": 3}


async def test_a_ticket_is_passed_on_once_on_whichever_replica_and_a_repeat_gets_the_same_ticket(make, journal, lanes):
    """INVARIANT: a ticket becomes one other ticket, in one commit with its end."""
    other, booking = make.lanes_on(journal), await confirmed(make, lanes)
    ticket = booking.tickets[0].name

    def to(name):
        attendee = Attendee(name, f"{name}@example.org")
        return TransferTicket(make.EVENT, booking.name, ticket, attendee, False, make.Issuer())

    cause = make.cause("transfer", b"payload")
    asked = (lanes.submit(to("bob"), cause), other.submit(to("bob"), cause), other.submit(to("eve"), make.cause()))
    results = await asyncio.gather(*asked, return_exceptions=True)
    done = [each for each in results if not isinstance(each, Exception)]
    assert {each.reason for each in results if isinstance(each, Exception)} == {"TICKET_VOID"}
    after = await MongoBookings(journal).get(booking.name)
    assert done == [after] * len(done) != []
    assert [each.state for each in after.tickets] == [TicketState.VOID, TicketState.VALID]
    assert after.history[-1].action == "TicketTransferred"
    assert await taken(journal, make) == {"hall": 1}


async def test_a_repeated_change_gets_the_first_answer_and_a_trial_leaves_nothing(make, journal, lanes):
    booking = await confirmed(make, lanes, count=3)
    command, cause = change(make, booking, (booking.tickets[0].name,)), make.cause("change", b"payload")
    tried = await lanes.submit(TryChange(command), make.cause())
    assert (await MongoBookings(journal).get(booking.name)) == booking
    first = await lanes.submit(command, cause)
    assert await lanes.submit(command, cause) == first
    assert tried.price_change == first.price_change
    assert (first.version, first.history[-1].action) == (3, "BookingChanged")
    assert await taken(journal, make) == {"hall": 2}


async def test_bookings_of_what_is_over_are_closed_page_by_page_and_once(make, journal, lanes, clock):
    here = [await confirmed(make, lanes, "free") for _ in range(5)]
    off = await confirmed(make, lanes, "free")
    await lanes.submit(Cancel(make.EVENT, off.name, ""), make.cause())
    bookings, stocks = MongoBookings(journal), MongoStocks(journal)

    async def close():
        return await close_bookings(bookings, stocks, lanes, now=clock(), page=2)

    assert await close() == 0
    clock.advance(days=11)
    assert await close() == 1
    states = [(await bookings.get(each.name)).state for each in (*here, off)]
    assert states == [BookingState.NO_SHOW] * 5 + [BookingState.CANCELLED]
    versions = [(await bookings.get(each.name)).version for each in here]
    assert await close() == 0
    assert [(await bookings.get(each.name)).version for each in here] == versions


async def test_an_event_that_was_put_off_is_closed_after_its_new_end(make, journal, lanes, clock):
    booking = await confirmed(make, lanes, "free")
    bookings, stocks = MongoBookings(journal), MongoStocks(journal)
    offer = await stocks.offer(make.EVENT)
    later = replace(offer, version=2, end_time=offer.end_time + timedelta(days=30))
    await lanes.submit(make.project(later), make.cause())
    clock.advance(days=11)
    assert await close_bookings(bookings, stocks, lanes, now=clock()) == 0
    clock.advance(days=30)
    assert await close_bookings(bookings, stocks, lanes, now=clock()) == 1
    assert (await bookings.get(booking.name)).state is BookingState.NO_SHOW


async def test_a_booking_of_a_date_that_was_removed_is_closed_when_all_is_over(make, journal, lanes, clock):
    bookings, stocks = MongoBookings(journal), MongoStocks(journal)
    offer = await stocks.offer(make.EVENT)
    early, late = (
        EventDate(f"{make.EVENT}/dates/{day}", "", clock() + timedelta(days=day), clock() + timedelta(days=day + 1))
        for day in (1, 20)
    )
    await lanes.submit(make.project(replace(offer, version=2, dates=(early, late))), make.cause())
    wanted = (Wanted(f"{make.EVENT}/ticketTypes/free", 1, late.name),)
    booking = await lanes.submit(replace(make.hold(), wanted=wanted), make.cause())
    await lanes.submit(Confirm(make.EVENT, booking.name, make.Issuer()), make.cause())
    await lanes.submit(make.project(replace(offer, version=3, dates=(early,))), make.cause())
    for days, closed in ((3, BookingState.CONFIRMED), (8, BookingState.NO_SHOW)):
        clock.advance(days=days)
        assert await close_bookings(bookings, stocks, lanes, now=clock()) == 1
        assert (await bookings.get(booking.name)).state is closed
    assert await close_bookings(bookings, stocks, lanes, now=clock()) == 0

"""Which bookings give documents, and what a calendar is told."""

from dataclasses import replace

import pytest

from booking_service.domain.booking import Ticket
from booking_service.domain.offer import EventDate, OfferState
from booking_service.domain.states import BookingState, TicketState
from booking_service.domain.ticket_papers import MOST_PRINTED, calendar_entries_of, tickets_to_print
from domain_kit.refusals import FailedPrecondition


def calendar_entry_of(booking, offer):
    (entry,) = calendar_entries_of(booking, offer)
    return entry


@pytest.fixture
def confirmed(make):
    _, booking = make.held(standard=2)
    tickets = [Ticket(f"{booking.name}/tickets/{mark}", "t", "Standard", mark) for mark in "ab"]
    return replace(booking.confirmed(tickets, "", make.NOW), version=2)


def reason_of(booking):
    with pytest.raises(FailedPrecondition) as refused:
        tickets_to_print(booking)
    return refused.value.reason


def test_the_tickets_of_a_confirmed_booking_are_printed_used_ones_too(make, confirmed):
    used = confirmed.scanned(confirmed.tickets[0].name, make.NOW, None, make.NOW)
    assert [each.code for each in tickets_to_print(used)] == ["a", "b"]


def test_void_tickets_are_left_out(confirmed):
    void, valid = replace(confirmed.tickets[0], state=TicketState.VOID), confirmed.tickets[1]
    assert tickets_to_print(replace(confirmed, tickets=(void, valid))) == (valid,)
    assert reason_of(replace(confirmed, tickets=(void,))) == "TICKET_VOID"


def test_what_was_passed_on_is_printed_for_organizers_only(confirmed):
    own, given = confirmed.tickets
    half = replace(confirmed, transferred=(given.name,))
    assert tickets_to_print(half) == (own, given)
    assert tickets_to_print(half, by_buyer=True) == (own,)
    with pytest.raises(FailedPrecondition, match="TICKET_TRANSFERRED"):
        tickets_to_print(replace(half, transferred=(own.name, given.name)), by_buyer=True)


def test_a_buyer_gets_no_calendar_entry_for_a_date_that_was_passed_on(make, confirmed):
    days = [EventDate(f"{make.EVENT}/dates/{each}", each, make.NOW, make.NOW) for each in ("one", "two")]
    tickets = [replace(each, date=day.name) for each, day in zip(confirmed.tickets, days, strict=True)]
    lines = [replace(confirmed.lines[0], quantity=1, date=day.name) for day in days]
    booking = replace(confirmed, tickets=tuple(tickets), lines=tuple(lines), transferred=(tickets[0].name,))
    offer = make.offer(dates=tuple(days))
    assert [each.date for each in calendar_entries_of(booking, offer)] == [each.name for each in days]
    assert [each.date for each in calendar_entries_of(booking, offer, by_buyer=True)] == [days[1].name]
    with pytest.raises(FailedPrecondition, match="TICKET_TRANSFERRED"):
        calendar_entries_of(replace(booking, transferred=tuple(each.name for each in tickets)), offer, by_buyer=True)


def test_a_booking_without_tickets_says_why(make, confirmed):
    _, held = make.held()
    assert reason_of(held) == "BOOKING_NOT_CONFIRMED"
    assert reason_of(held.expired(make.NOW)) == "BOOKING_EXPIRED"
    assert reason_of(confirmed.cancelled("ill", 0, make.NOW)[0]) == "BOOKING_CANCELLED"


def test_a_document_that_would_not_fit_into_an_answer_is_refused(confirmed):
    many = replace(confirmed, tickets=confirmed.tickets[:1] * (MOST_PRINTED + 1))
    assert reason_of(many) == "TOO_MANY_TICKETS"
    assert len(tickets_to_print(replace(many, tickets=many.tickets[1:]))) == MOST_PRINTED


def test_a_calendar_entry_grows_with_every_change_of_booking_and_event(make, confirmed):
    """RFC 5545, 3.8.7.4."""
    offer = make.offer()
    first = calendar_entry_of(confirmed, offer)
    moved = calendar_entry_of(confirmed, replace(offer, version=offer.version + 1))
    off = calendar_entry_of(replace(confirmed.cancelled("ill", 0, make.NOW)[0], version=3), offer)
    assert moved.sequence > first.sequence
    assert off.sequence > first.sequence
    assert (first.called_off, moved.called_off, off.called_off) == (False, False, True)


@pytest.mark.parametrize("state", [OfferState.CANCELLED, OfferState.DELETED])
def test_a_cancelled_event_calls_the_entry_off(make, confirmed, state):
    assert calendar_entry_of(confirmed, make.offer(state=state)).called_off


def test_what_was_never_confirmed_is_no_entry(make):
    _, held = make.held()
    for booking, reason in ((held, "BOOKING_NOT_CONFIRMED"), (held.expired(make.NOW), "BOOKING_EXPIRED")):
        assert booking.state in {BookingState.HELD, BookingState.EXPIRED}
        with pytest.raises(FailedPrecondition, match=reason):
            calendar_entry_of(booking, make.offer())


def test_each_booked_date_of_a_series_is_an_entry_and_a_cancelled_one_is_called_off(make, confirmed):
    dates = [f"{make.EVENT}/dates/{mark}" for mark in ("friday", "saturday", "gone")]
    told = [EventDate(name, "", make.NOW, make.NOW, cancelled=name == dates[1]) for name in dates[:2]]
    line = confirmed.lines[0]
    booked = replace(confirmed, lines=tuple(replace(line, date=name) for name in (*dates, dates[0])))
    entries = calendar_entries_of(booked, make.offer(dates=tuple(told)))
    assert [(each.date, each.called_off) for each in entries] == list(zip(dates, (False, True, True), strict=True))

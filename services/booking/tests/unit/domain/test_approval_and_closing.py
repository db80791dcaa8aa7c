"""The organizer's approval, and what becomes of bookings when the event is over."""

from dataclasses import replace
from datetime import timedelta

import pytest

from booking_service.domain import domain_events as facts
from booking_service.domain.commands import Approve, Cancel, CheckIn, Close, Confirm, NoteClosed, Reject
from booking_service.domain.commands.close import ended, next_close
from booking_service.domain.offer import EventDate, OfferState
from booking_service.domain.questions import Answer, Question, QuestionKind
from booking_service.domain.states import BookingState, TicketState
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition


def waiting(make, **changes):
    stock, booking = make.held(make.stock(make.offer(make.type(approval_required=True, **changes))), standard=2)
    assert booking.state is BookingState.PENDING_APPROVAL
    return stock, booking


def happened(outcome):
    return [step.happened for step in outcome.steps]


def approve(make, booking):
    return Approve(make.EVENT, booking.name, make.Issuer())


def test_a_booking_that_waits_begins_with_a_request_in_place_of_a_hold(make):
    asked = make.decide(make.hold(standard=1), make.stock(make.offer(make.type(approval_required=True))))
    assert happened(asked) == [facts.BookingApprovalRequested()]
    assert asked.answer.state is BookingState.PENDING_APPROVAL
    plain = make.decide(make.hold(standard=1), make.stock(make.offer(make.type())))
    assert happened(plain) == [facts.BookingHeld()]


def test_an_approved_booking_is_held_afresh_to_be_paid(make):
    stock, booking = waiting(make)
    later = make.NOW + timedelta(days=2)
    outcome = make.decide(approve(make, booking), stock, booking, now=later)
    assert happened(outcome) == [facts.BookingApproved()]
    assert (outcome.answer.state, outcome.answer.hold_expire_time) == (
        BookingState.HELD, later + timedelta(days=3),
    )  # fmt: skip
    assert outcome.stock is stock


def test_an_approved_booking_that_costs_nothing_is_confirmed_with_its_tickets(make):
    stock, booking = waiting(make, price=Money(0, "EUR"))
    outcome = make.decide(approve(make, booking), stock, booking)
    assert happened(outcome) == [facts.BookingApproved(), facts.BookingConfirmed()]
    assert (outcome.answer.state, len(outcome.answer.tickets)) == (BookingState.CONFIRMED, 2)


def test_an_approved_booking_whose_answers_are_missing_is_held_until_it_is_confirmed_with_them(make):
    question = Question(f"{make.EVENT}/questions/q", "Age?", QuestionKind.TEXT, required=True)
    kind = make.type(approval_required=True, price=Money(0, "EUR"))
    stock, booking = make.held(make.stock(make.offer(kind, questions=(question,))), standard=2)
    outcome = make.decide(approve(make, booking), stock, booking)
    assert happened(outcome) == [facts.BookingApproved()]
    held = outcome.answer
    assert (held.state, held.hold_expire_time) == (BookingState.HELD, make.NOW + timedelta(days=3))
    confirm = Confirm(make.EVENT, booking.name, make.Issuer())
    with pytest.raises(FailedPrecondition, match="ANSWERS_REQUIRED"):
        make.decide(confirm, outcome.stock, held)
    answered = replace(held, answers=(Answer(question.name, "7"),))
    assert happened(make.decide(confirm, outcome.stock, answered)) == [facts.BookingConfirmed()]


def test_a_rejected_booking_is_cancelled_with_its_reason_and_frees_its_places(make):
    stock, booking = waiting(make)
    outcome = make.decide(Reject(make.EVENT, booking.name, "full"), stock, booking)
    assert happened(outcome) == [facts.BookingRejected("full")]
    assert (outcome.answer.state, outcome.answer.cancel_reason) == (BookingState.CANCELLED, "full")
    assert outcome.stock.inventory.taken == {}


@pytest.mark.parametrize("late", [False, True])
def test_what_does_not_wait_or_waited_too_long_is_not_decided_on(make, late):
    if late:
        (stock, booking), now, reason = waiting(make), make.NOW + timedelta(days=3), "BOOKING_EXPIRED"
    else:
        (stock, booking), now, reason = make.held(), make.NOW, "BOOKING_HELD"
    for command in (approve(make, booking), Reject(make.EVENT, booking.name, "")):
        with pytest.raises(FailedPrecondition) as refused:
            make.decide(command, stock, booking, now=now)
        assert refused.value.reason == reason


def test_nothing_is_approved_for_an_event_that_is_off(make):
    stock, booking = waiting(make)
    stock = replace(stock, offer=replace(stock.offer, state=OfferState.CANCELLED))
    with pytest.raises(FailedPrecondition, match="EVENT_CANCELLED"):
        make.decide(approve(make, booking), stock, booking)


def confirmed(make):
    stock, booking = make.held(make.stock(make.offer(make.type(price=Money(0, "EUR")))))
    return stock, make.decide(Confirm(make.EVENT, booking.name, make.Issuer()), stock, booking).answer


@pytest.mark.parametrize(
    ("came", "fact", "state"),
    [
        (False, facts.BookingNoShow(), BookingState.NO_SHOW),
        (True, facts.BookingCompleted(), BookingState.COMPLETED),
    ],
)
def test_when_the_event_is_over_it_is_said_whether_anybody_came(make, came, fact, state):
    stock, booking = confirmed(make)
    ticket = booking.tickets[0]
    if came:
        booking = make.decide(CheckIn(make.EVENT, booking.name, ticket.name, ticket.code), stock, booking).answer
    close, end = Close(make.EVENT, booking.name), stock.offer.end_time
    assert not make.decide(close, stock, booking, now=end - timedelta(milliseconds=1)).steps
    over = make.decide(close, stock, booking, now=end)
    assert (happened(over), over.answer.state) == ([fact], state)
    assert over.stock is stock
    assert not make.decide(close, stock, over.answer, now=end).steps


def test_a_booking_that_is_not_confirmed_is_not_closed(make):
    stock, booking = confirmed(make)
    off = make.decide(Cancel(make.EVENT, booking.name, ""), stock, booking).answer
    assert not make.decide(Close(make.EVENT, booking.name), stock, off, now=stock.offer.end_time).steps
    assert off.tickets[0].state is TicketState.VOID


def test_a_booking_of_a_series_is_closed_after_its_own_date(make):
    stock, booking = confirmed(make)
    date = EventDate(f"{make.EVENT}/dates/a", "A", make.NOW, make.NOW + timedelta(hours=1))
    stock = replace(stock, offer=replace(stock.offer, dates=(date,)))
    booking = replace(booking, lines=(replace(booking.lines[0], date=date.name),))
    assert make.decide(Close(make.EVENT, booking.name), stock, booking, now=date.end_time).steps


def test_every_end_is_dealt_with_once_and_a_later_one_again(make):
    date = EventDate(f"{make.EVENT}/dates/a", "A", make.NOW, make.NOW + timedelta(hours=1))
    offer = make.offer(dates=(date,))
    assert next_close(offer, None) == date.end_time
    assert ended(offer, None, date.end_time) == [date.name]
    assert next_close(offer, date.end_time) == offer.end_time
    assert ended(offer, date.end_time, offer.end_time) == [""]
    assert next_close(offer, offer.end_time) is None
    stock = make.stock(offer)
    noted = make.decide(NoteClosed(make.EVENT, offer.end_time), stock).stock
    assert noted.inventory.closed == offer.end_time
    assert make.decide(NoteClosed(make.EVENT, date.end_time), noted).stock is noted

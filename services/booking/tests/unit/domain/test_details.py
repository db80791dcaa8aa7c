from dataclasses import replace
from datetime import timedelta

import pytest

from booking_service.domain import domain_events as facts
from booking_service.domain.commands import AttendeeAt, Cancel, ChangeDetails, ClaimPayment
from booking_service.domain.offer import EventDate
from booking_service.domain.pricing.changes import UnitAt
from booking_service.domain.questions import UNKNOWN, Answer, Attendee, Question, QuestionKind
from booking_service.domain.selling import Wanted
from domain_kit.refusals import FailedPrecondition, InvalidArgument, NotFound

Q = "events/01jz000000000000000000evnt/questions/diet"
ADA, BOB = Attendee("Ada", "ada@example.org"), Attendee("Bob")


@pytest.fixture
def offer(make):
    pair = make.type("pair", bundle={f"{make.EVENT}/ticketTypes/standard": 2})
    return make.offer(make.type(), pair, questions=(Question(Q, "Diet?", QuestionKind.TEXT),))


def change(make, booking, *attendees, answers=None, **changes):
    return ChangeDetails(make.EVENT, booking.name, answers, attendees, **changes)


def paid(make, stock, booking):
    outcome = make.decide(
        ClaimPayment(make.EVENT, booking.name, "payments/1", booking.total, make.Issuer()), stock, booking
    )
    return outcome.stock, replace(outcome.answer, version=2)


def at(line, number, attendee):
    return AttendeeAt(attendee, place=UnitAt(line, number))


def test_before_the_payment_names_stand_in_the_line_and_come_to_the_tickets(make, offer):
    stock, booking = make.held(make.stock(offer), standard=3)
    outcome = make.decide(change(make, booking, at(0, 1, ADA), answers=(Answer(Q, "none"),)), stock, booking)
    named = replace(outcome.answer, version=2)
    assert named.lines[0].attendees == (UNKNOWN, ADA)
    assert named.answers == (Answer(Q, "none"),)
    assert [step.happened for step in outcome.steps] == [facts.BookingDetailsChanged()]
    assert [ticket.attendee for ticket in paid(make, stock, named)[1].tickets] == [UNKNOWN, ADA, UNKNOWN]


def test_after_the_payment_a_ticket_carries_its_new_attendee_and_what_was_not_named_stays(make, offer):
    stock, booking = paid(make, *make.held(make.stock(offer), standard=2, pair=1))
    first, second, *pair = booking.tickets
    command = change(make, booking, AttendeeAt(ADA, ticket=first.name), at(1, 0, BOB))
    after = make.decide(command, stock, booking).answer
    assert [ticket.attendee for ticket in after.tickets] == [ADA, UNKNOWN, BOB, BOB]
    assert [line.attendees for line in after.lines] == [(ADA,), (BOB,)]
    assert after.answers == booking.answers
    one = make.decide(
        change(make, after, AttendeeAt(ADA, ticket=pair[0].name)), stock, replace(after, version=3)
    ).answer
    assert [ticket.attendee for ticket in one.tickets] == [ADA, UNKNOWN, ADA, BOB]
    assert one.lines[1].attendees == (BOB,)
    assert second.attendee == UNKNOWN


def test_the_same_details_again_change_nothing(make, offer):
    stock, booking = make.held(make.stock(offer), standard=1)
    after = replace(make.decide(change(make, booking, at(0, 0, ADA)), stock, booking).answer, version=2)
    assert make.decide(change(make, after, at(0, 0, ADA)), stock, after).steps == ()


def test_wrong_details_are_named_and_change_nothing(make, offer):
    stock, booking = make.held(make.stock(offer), standard=1)
    wrong = change(
        make, booking, at(0, 0, Attendee("", "x", (Answer(Q, "y"),))), answers=(Answer(Q, " "),)
    )  # fmt: skip
    with pytest.raises(InvalidArgument, match="ANSWER_INVALID") as refused:
        make.decide(wrong, stock, booking)
    assert [each.field for each in refused.value.violations] == [
        "answers.answers[0].text", "attendees[0].attendee.email", "attendees[0].attendee.answers[0].question",
    ]  # fmt: skip
    for place in ((0, 1), (1, 0)):
        with pytest.raises(NotFound):
            make.decide(change(make, booking, at(*place, ADA)), stock, booking)
    with pytest.raises(NotFound):
        make.decide(change(make, booking, AttendeeAt(ADA, ticket=f"{booking.name}/tickets/none")), stock, booking)


def test_once_it_has_begun_only_the_organizer_changes_who_comes(make, offer):
    stock, booking = paid(make, *make.held(make.stock(offer), standard=1))
    command = change(make, booking, at(0, 0, ADA))
    just_before = offer.start_time - timedelta(milliseconds=1)
    assert make.decide(command, stock, booking, now=just_before).steps
    with pytest.raises(FailedPrecondition, match="EVENT_HAS_BEGUN"):
        make.decide(command, stock, booking, now=offer.start_time)
    assert make.decide(replace(command, by_organizer=True), stock, booking, now=offer.start_time).steps


def test_of_a_series_the_booked_date_counts(make, offer):
    late = offer.start_time + timedelta(days=3)
    date = EventDate(f"{make.EVENT}/dates/late", "Late", late, late + timedelta(hours=1))
    series = replace(offer, dates=(date,), end_time=date.end_time)
    hold = replace(make.hold(), wanted=[Wanted(offer.ticket_types[0].name, 1, date.name)])
    outcome = make.decide(hold, make.stock(series))
    stock, booking = paid(make, outcome.stock, replace(outcome.answer, version=1))
    command = change(make, booking, at(0, 0, ADA))
    assert make.decide(command, stock, booking, now=late - timedelta(seconds=1)).steps
    with pytest.raises(FailedPrecondition, match="EVENT_HAS_BEGUN"):
        make.decide(command, stock, booking, now=late)


def test_what_has_ended_does_not_change(make, offer):
    stock, booking = make.held(make.stock(offer), standard=1)
    command = change(make, booking, at(0, 0, ADA))
    with pytest.raises(FailedPrecondition, match="BOOKING_EXPIRED"):
        make.decide(command, stock, booking, now=make.NOW + timedelta(minutes=10))
    off = replace(make.decide(Cancel(make.EVENT, booking.name, ""), stock, booking).answer, version=2)
    with pytest.raises(FailedPrecondition, match="BOOKING_CANCELLED"):
        make.decide(command, stock, off)

"""Who comes, and what they answered, becomes known or changes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from booking_service.domain import domain_events as facts
from booking_service.domain.answers import (
    all_types,
    answer_problems,
    attendee_problems,
    bytes_of,
    check_length,
    refuse_wrong,
    types_of,
)
from booking_service.domain.booking import Booking, Line, Ticket, void_ticket
from booking_service.domain.commands.command import OnBooking
from booking_service.domain.offer import Offer
from booking_service.domain.outcome import Outcome, Step, changed, unchanged
from booking_service.domain.passing_on import passed_on, refuse_passed_on
from booking_service.domain.pricing.changes import UnitAt
from booking_service.domain.questions import UNKNOWN, Answer, Attendee
from booking_service.domain.records import View
from booking_service.domain.states import BookingState, TicketState
from domain_kit.refusals import FailedPrecondition, FieldViolation, NotFound


@dataclass(frozen=True, slots=True)
class AttendeeAt:
    """Who comes with a ticket: the one of that name, or whatever stands at a place of the booking."""

    attendee: Attendee
    ticket: str = ""
    place: UnitAt | None = None


@dataclass(frozen=True, slots=True)
class ChangeDetails(OnBooking):
    """Change answers and attendees. answers None: those of the booking stay. by_organizer: also when it has begun."""

    event: str
    booking: str
    answers: tuple[Answer, ...] | None
    attendees: tuple[AttendeeAt, ...]
    by_organizer: bool = False
    etag: str = ""
    recorded: ClassVar[bool] = True

    def decide(self, view: View, now: datetime) -> Outcome:
        """NotFound; InvalidArgument ANSWER_INVALID, DETAILS_TOO_LONG; FailedPrecondition EVENT_HAS_BEGUN, TICKET_VOID,
        TICKET_TRANSFERRED, BOOKING_CANCELLED, BOOKING_EXPIRED.
        """
        booking, offer = view.get(Booking, self.booking), view.stock.known_offer()
        _refuse_ended(booking, now)
        problems: list[FieldViolation] = []
        after = booking
        if self.answers is not None:
            types = all_types(booking.lines)
            problems += answer_problems(offer, types, self.answers, "answers.answers", per_ticket=False)
            after = replace(after, answers=self.answers)
        for number, each in enumerate(self.attendees):
            line = _line_of(booking, each)
            problems += attendee_problems(offer, types_of(line), each.attendee, f"attendees[{number}].attendee")
            after = with_attendee(after, each)
        refuse_wrong(problems)
        if not self.by_organizer:
            refuse_passed_on([each for each in passed_on(booking) if _renamed(each, after.ticket(each.name))])
            _refuse_begun(offer, self._touched(booking), now)
        check_length(bytes_of(after.answers, _attendees(after)))
        if after == booking:
            return unchanged(view.stock, booking)
        return changed(view.stock, Step(facts.BookingDetailsChanged(), replace(after, update_time=now)))

    def _touched(self, booking: Booking) -> Sequence[Line]:
        return booking.lines if self.answers is not None else [_line_of(booking, each) for each in self.attendees]


def _renamed(before: Ticket, after: Ticket) -> bool:
    """Answers for whoever comes with it may be given; who that is is not changed."""
    was, is_now = before.attendee, after.attendee
    return (was.display_name, was.email) != (is_now.display_name, is_now.email)


def _refuse_ended(booking: Booking, now: datetime) -> None:
    state = BookingState.EXPIRED if booking.hold_is_over(now) else booking.state
    if not state.takes_places:
        raise FailedPrecondition(
            f"BOOKING_{state.name}", f"A booking that is {state.name.lower()} does not change.",
            metadata={"state": state.name},
        )  # fmt: skip


def _refuse_begun(offer: Offer, lines: Sequence[Line], now: datetime) -> None:
    starts = {date.name: date.start_time for date in offer.dates}
    begins = min((starts.get(line.date, offer.start_time) for line in lines), default=offer.start_time)
    if now >= begins:
        raise FailedPrecondition(
            "EVENT_HAS_BEGUN", "Once it has begun only the organizer changes who comes.",
            metadata={"start_time": begins.isoformat().replace("+00:00", "Z")},
        )  # fmt: skip


def _line_of(booking: Booking, change: AttendeeAt) -> Line:
    """NotFound; FailedPrecondition TICKET_VOID."""
    if change.ticket:
        ticket = booking.ticket(change.ticket)
        if ticket.state is TicketState.VOID:
            raise void_ticket(ticket)
        return booking.lines[ticket.unit.line]
    place = change.place
    if place is None or place.line >= len(booking.lines) or place.unit >= booking.lines[place.line].quantity:
        at = "" if place is None else f"/lines/{place.line}/{place.unit}"
        raise NotFound.named(f"{booking.name}{at}")
    return booking.lines[place.line]


def with_attendee(booking: Booking, change: AttendeeAt) -> Booking:
    """In the tickets, and in the line for as long as all tickets of the place have the same."""
    at = booking.ticket(change.ticket).unit if change.ticket else change.place

    def meant(ticket: Ticket) -> bool:
        named = ticket.name == change.ticket if change.ticket else ticket.unit == at
        return named and ticket.state is not TicketState.VOID

    tickets = tuple(replace(each, attendee=change.attendee) if meant(each) else each for each in booking.tickets)
    booking = replace(booking, tickets=tickets)
    if at is None or any(each.unit == at and each.attendee != change.attendee for each in tickets):
        return booking
    lines = [
        replace(line, attendees=_put(line, at.unit, change.attendee)) if number == at.line else line
        for number, line in enumerate(booking.lines)
    ]
    return replace(booking, lines=tuple(lines))


def _put(line: Line, place: int, attendee: Attendee) -> tuple[Attendee, ...]:
    known = [*line.attendees, *[UNKNOWN] * (place + 1 - len(line.attendees))]
    known[place] = attendee
    while known and known[-1] == UNKNOWN:
        known.pop()
    return tuple(known)


def _attendees(booking: Booking) -> list[Attendee]:
    told = [ticket.attendee for ticket in booking.tickets]
    return told or [attendee for line in booking.lines for attendee in line.attendees]

"""Messages of AttendeeService: requests from protobuf, progress to it."""

from datetime import timedelta
from typing import TypedDict

from booking_service.domain.commands import AttendeeAt
from booking_service.domain.contacts import Contact
from booking_service.domain.pricing.changes import UnitAt
from booking_service.domain.questions import Answer
from booking_service.domain.selling import Wanted
from booking_service.handlers.import_attendees import Progress
from booking_service.inbound.messages import answers_from_wire, attendee_from_wire
from usher.booking.v1 import attendee_service_pb2 as pb

LONGEST_HOLD = timedelta(days=30)
MOST_PROBLEMS = 100


class Details(TypedDict):
    """What changes about a booking."""

    answers: tuple[Answer, ...] | None
    attendees: tuple[AttendeeAt, ...]


class Group(TypedDict):
    """What is booked for whom."""

    buyer: str
    contact: Contact
    wanted: list[Wanted]
    answers: tuple[Answer, ...]
    complimentary: bool
    currency: str
    hold_for: timedelta
    reason: str


def details_from_wire(request: pb.ChangeBookingDetailsRequest) -> Details:
    """Answers None: they stay."""
    answers = answers_from_wire(request.answers.answers) if request.HasField("answers") else None
    return Details(answers=answers, attendees=tuple(_change_from_wire(each) for each in request.attendees))


def group_from_wire(request: pb.CreateGroupBookingRequest) -> Group:
    """A complimentary one is held for no time at all."""
    lasting = request.invoice.hold_duration.ToTimedelta() or LONGEST_HOLD
    wanted = [
        Wanted(line.ticket_type, line.quantity, line.date, tuple(line.seats),
               tuple(attendee_from_wire(each) for each in line.attendees), line.accessible_seats)
        for line in request.lines
    ]  # fmt: skip
    return Group(
        buyer=request.user,
        contact=Contact(request.contact.display_name, request.contact.email),
        wanted=wanted,
        answers=answers_from_wire(request.answers),
        complimentary=request.HasField("complimentary"),
        currency=request.currency_code,
        hold_for=lasting,
        reason=request.reason,
    )


def progress_to_wire(progress: Progress) -> pb.ImportAttendeesResponse:
    """The first problems only."""
    return pb.ImportAttendeesResponse(
        total_count=progress.total,
        checked_count=progress.checked,
        imported_count=progress.imported,
        errors=[
            pb.AttendeeImportError(line=each.number, field=each.field, reason=each.reason, description=each.description)
            for each in progress.problems[:MOST_PROBLEMS]
        ],
        done=progress.done,
        bookings=progress.bookings,
    )


def _change_from_wire(change: pb.AttendeeChange) -> AttendeeAt:
    place = UnitAt(change.place.line, change.place.number) if change.HasField("place") else None
    return AttendeeAt(attendee_from_wire(change.attendee), change.ticket, place)

"""Requests, from protobuf."""

from collections.abc import Iterable

from booking_service.domain.ports import Condition
from booking_service.domain.questions import Answer, Attendee
from booking_service.domain.selling import Wanted
from resource_api import Choice, FilterFields, Text
from usher.booking.v1 import booking_pb2, booking_service_pb2

STATE_PREFIX = "BOOKING_STATE_"
_STATES = [value.name for value in booking_pb2.BookingState.DESCRIPTOR.values if value.number]
_FILTER = FilterFields({"state": Choice(_STATES), "buyer": Text()})


def wanted_from_wire(
    request: booking_service_pb2.CreateBookingRequest | booking_service_pb2.QuoteBookingRequest,
) -> list[Wanted]:
    """The lines asked for."""
    return lines_from_wire(request.booking.lines)


def lines_from_wire(lines: Iterable[booking_pb2.BookingLine]) -> list[Wanted]:
    """What is wanted of each type."""
    return [
        Wanted(
            line.ticket_type, line.quantity, line.date, tuple(line.seats),
            tuple(attendee_from_wire(each) for each in line.attendees), line.accessible_seats,
        )
        for line in lines
    ]  # fmt: skip


def attendee_from_wire(attendee: booking_pb2.Attendee) -> Attendee:
    """Who comes."""
    return Attendee(attendee.display_name, attendee.email, answers_from_wire(attendee.answers))


def answers_from_wire(answers: Iterable[booking_pb2.Answer]) -> tuple[Answer, ...]:
    """What was answered."""
    return tuple(Answer(each.question, each.text) for each in answers)


def conditions_from_filter(text: str) -> list[Condition]:
    """InvalidArgument FILTER_INVALID."""
    return [
        Condition(
            each.field,
            str(each.value).removeprefix(STATE_PREFIX if each.field == "state" else ""),
            each.operator == "=",
        )
        for each in _FILTER.parse(text)
    ]

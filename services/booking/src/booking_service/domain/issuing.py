"""Issues the tickets of a booking, all of them or those that a change added."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from booking_service.domain import domain_events as facts
from booking_service.domain.booking import Booking, Content, Line, Ticket
from booking_service.domain.lines import Rearranged, taken_out
from booking_service.domain.pricing.breakdown import PriceBreakdown, tax_difference
from booking_service.domain.pricing.changes import UnitAt
from booking_service.domain.pricing.tender import breakdown_in
from booking_service.domain.questions import UNKNOWN
from booking_service.domain.states import TicketState


class TicketIssuer(Protocol):
    """Makes tickets nobody else can make."""

    def issue(self, booking: str) -> tuple[str, str]:
        """Name and code of a new ticket of this booking."""


def issue_tickets(booking: Booking, issuer: TicketIssuer) -> list[Ticket]:
    """One ticket for each place, in the order of the lines; of a bundle one for each ticket that it consists of."""
    return [
        ticket for number, line in enumerate(booking.lines) for place in range(line.quantity)
        for ticket in tickets_of(booking.name, line, UnitAt(number, place), issuer)
    ]  # fmt: skip


def issue_at(
    booking: Booking, before: Booking, places: Rearranged, issuer: TicketIssuer
) -> tuple[Booking, facts.BookingChanged]:
    """With the tickets that a change added issued, and the fact that tells which left and which came."""
    new = [
        ticket for place in places.new
        for ticket in tickets_of(booking.name, booking.lines[place.line], place, issuer)
    ]  # fmt: skip
    removed = tuple(
        each.name for each in before.tickets
        if each.state is not TicketState.VOID and each.unit not in places.places
    )  # fmt: skip
    gone = {
        UnitAt(number, unit) for number, line in enumerate(before.lines) for unit in range(line.quantity)
    } - places.places.keys()
    left, came = taken_out(before.lines, gone), taken_out(booking.lines, places.new)
    currency = booking.total.currency
    fact = facts.BookingChanged(
        removed,
        tuple(each.name for each in new),
        removed_lines=_changed_lines(left),
        added_lines=_changed_lines(came),
        taxes=tax_difference(_price(came, currency), _price(left, currency)),
    )
    if booking.exchange_rate is not None:
        bases = (breakdown_in(_price(lines, currency), None) for lines in (came, left))
        fact = replace(fact, base_taxes=tax_difference(*bases))
    return replace(booking, tickets=(*booking.tickets, *new)), fact


def _changed_lines(lines: Sequence[Line]) -> tuple[facts.ChangedLine, ...]:
    return tuple(
        facts.ChangedLine(each.ticket_type, each.date, each.quantity, each.total, each.base_total) for each in lines
    )


def _price(lines: Sequence[Line], currency: str) -> PriceBreakdown:
    return PriceBreakdown(currency, tuple(each.priced() for each in lines))


def tickets_of(booking: str, line: Line, unit: UnitAt, issuer: TicketIssuer) -> list[Ticket]:
    """The tickets of one unit of a line."""
    place = unit.unit
    attendee = line.attendees[place] if place < len(line.attendees) else UNKNOWN
    each = len(line.seats) // line.quantity
    seats = iter(line.seats[place * each : (place + 1) * each])
    contents: Sequence[Content] = line.contents or (Content(line.ticket_type, line.display_name, 1, seated=True),)
    tickets = []
    for content in contents:
        for _ in range(content.count):
            name, code = issuer.issue(booking)
            tickets.append(
                Ticket(
                    name, content.ticket_type, content.display_name, code, date=line.date,
                    seat=next(seats, "") if content.seated else "", attendee=attendee, unit=unit,
                )
            )  # fmt: skip
    return tickets

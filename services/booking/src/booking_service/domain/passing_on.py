"""Tickets of a booking that were passed on: they are somebody else's, and who paid has no say in them any more."""

from collections.abc import Collection

from booking_service.domain.booking import Booking, Ticket
from booking_service.domain.offer import Offer
from booking_service.domain.refunding import date_is_off
from booking_service.domain.states import TicketState
from domain_kit.refusals import FailedPrecondition


def passed_on(booking: Booking) -> list[Ticket]:
    """Those that are valid, or were used."""
    if not booking.transferred:
        return []
    names = frozenset(booking.transferred)
    return [each for each in booking.tickets if each.name in names and each.state is not TicketState.VOID]


def not_the_buyers(booking: Booking, offer: Offer | None) -> list[Ticket]:
    """Those that its buyer may not give back; what nobody can come with any more goes back to who paid."""
    return [each for each in passed_on(booking) if offer is None or not date_is_off(offer, each.date)]


def refuse_passed_on(tickets: Collection[Ticket]) -> None:
    """FailedPrecondition TICKET_TRANSFERRED for the first."""
    for ticket in tickets:
        raise FailedPrecondition(
            "TICKET_TRANSFERRED",
            "This ticket was passed on: it is its new holder's, and only the organizer can change that.",
            metadata={"ticket": ticket.name},
        )


def refuse_if_passed_on(booking: Booking, name: str) -> None:
    """The same, for the ticket of that name."""
    refuse_passed_on([each for each in passed_on(booking) if each.name == name])

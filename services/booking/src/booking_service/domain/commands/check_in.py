"""Somebody comes to the gate."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from booking_service.domain import domain_events as facts
from booking_service.domain.booking import Booking
from booking_service.domain.commands.command import Found, OnBooking
from booking_service.domain.outcome import Outcome, Step, changed
from booking_service.domain.records import Key, View
from booking_service.domain.stock import Stock
from domain_kit.refusals import NotFound


@dataclass(frozen=True, slots=True)
class CheckIn(OnBooking):
    """Admit the bearer of a ticket."""

    event: str
    booking: str
    ticket: str
    code: str
    etag: str = ""
    recorded: ClassVar[bool] = True

    def needs(self, stock: Stock, found: Found) -> Sequence[Key]:  # noqa: ARG002
        """The booking alone."""
        return (self.subject,)

    def decide(self, view: View, now: datetime) -> Outcome:
        """FailedPrecondition TICKET_CHECKED_IN, TICKET_VOID; NotFound, also for a code that was replaced."""
        booking = view.get(Booking, self.booking)
        if booking.ticket(self.ticket).code != self.code:
            raise NotFound.named(self.ticket)
        after = booking.checked_in(self.ticket, now)
        return changed(view.stock, Step(facts.TicketCheckedIn(self.ticket), after))

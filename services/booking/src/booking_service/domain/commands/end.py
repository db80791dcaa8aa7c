"""A booking ends before the event does."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from booking_service.domain import domain_events as facts
from booking_service.domain.booking import Booking
from booking_service.domain.commands.command import OnBooking, refuse_late
from booking_service.domain.occupancy import vacated
from booking_service.domain.outcome import Outcome, Step, changed, unchanged
from booking_service.domain.records import View
from booking_service.domain.states import BookingAction, BookingState


@dataclass(frozen=True, slots=True)
class Cancel(OnBooking):
    """Call a booking off and free its places."""

    event: str
    booking: str
    reason: str
    etag: str = ""
    recorded: ClassVar[bool] = True

    def decide(self, view: View, now: datetime) -> Outcome:
        """NotFound; FailedPrecondition TICKET_CHECKED_IN, BOOKING_EXPIRED."""
        booking = view.get(Booking, self.booking)
        if booking.state is BookingState.CANCELLED:
            return unchanged(view.stock, booking)
        if booking.hold_is_over(now):
            refuse_late(booking, BookingAction.CANCEL, now)
        after, fact = booking.cancelled(self.reason, now)
        stock, tallies = vacated(view, booking)
        return changed(stock, Step(fact, after), tallies=tallies)


@dataclass(frozen=True, slots=True)
class Expire(OnBooking):
    """End a hold whose time has run out; nothing where it has not, or is no hold any more."""

    event: str
    booking: str
    etag: str = ""
    recorded: ClassVar[bool] = False

    def decide(self, view: View, now: datetime) -> Outcome:
        """NotFound."""
        booking = view.get(Booking, self.booking)
        if not booking.hold_is_over(now):
            return unchanged(view.stock, booking)
        stock, tallies = vacated(view, booking)
        return changed(stock, Step(facts.BookingExpired(), booking.expired(now)), tallies=tallies)

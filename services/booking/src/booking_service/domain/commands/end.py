"""A booking ends before the event does."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from booking_service.domain import domain_events as facts
from booking_service.domain.booking import Booking
from booking_service.domain.commands.command import OnBooking, change_dropped, refuse_late
from booking_service.domain.occupancy import all_vacated, vacated
from booking_service.domain.outcome import Outcome, Step, changed, unchanged
from booking_service.domain.passing_on import not_the_buyers, refuse_passed_on
from booking_service.domain.records import View
from booking_service.domain.refunding import cancellation_refund
from booking_service.domain.resale import refuse_reserved
from booking_service.domain.states import BookingAction, BookingState


@dataclass(frozen=True, slots=True)
class Cancel(OnBooking):
    """Call a booking off and free its places. basis_points: of what was paid that goes back; None: by the
    terms, as its buyer may.
    """

    event: str
    booking: str
    reason: str
    etag: str = ""
    basis_points: int | None = None
    recorded: ClassVar[bool] = True

    def decide(self, view: View, now: datetime) -> Outcome:
        """NotFound; FailedPrecondition TICKET_CHECKED_IN, TICKET_TRANSFERRED, BOOKING_EXPIRED, RESALE_RESERVED."""
        booking = view.get(Booking, self.booking)
        if booking.state is BookingState.CANCELLED:
            return unchanged(view.stock, booking)
        if booking.hold_is_over(now):
            refuse_late(booking, BookingAction.CANCEL, now)
        refuse_reserved(view, booking, now)
        if self.basis_points is None:
            refuse_passed_on(not_the_buyers(booking, view.stock.offer))
        refund = cancellation_refund(booking, view.stock.offer, self.basis_points, now)
        after, fact = booking.cancelled(self.reason, refund, now)
        stock, tallies = all_vacated(view, booking)
        return changed(stock, Step(fact, after), tallies=tallies)


@dataclass(frozen=True, slots=True)
class Expire(OnBooking):
    """End a hold or a pending change whose time has run out; nothing where it has not, or is not there any more."""

    event: str
    booking: str
    etag: str = ""
    recorded: ClassVar[bool] = False

    def decide(self, view: View, now: datetime) -> Outcome:
        """NotFound."""
        booking = view.get(Booking, self.booking)
        if booking.change_is_over(now):
            step, stock, tallies = change_dropped(view, booking, now)
            return changed(stock, step, tallies=tallies)
        if not booking.hold_is_over(now):
            return unchanged(view.stock, booking)
        stock, tallies = vacated(view, booking)
        return changed(stock, Step(facts.BookingExpired(), booking.expired(now)), tallies=tallies)

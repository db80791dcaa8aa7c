"""What a booking was for is over."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from booking_service.domain import domain_events as facts
from booking_service.domain.booking import Booking
from booking_service.domain.commands.command import OnBooking, change_dropped
from booking_service.domain.outcome import Outcome, Step, changed, unchanged
from booking_service.domain.records import Record, View
from booking_service.domain.refunding import end_of
from booking_service.domain.states import LIFE, BookingAction, BookingState


@dataclass(frozen=True, slots=True)
class Close(OnBooking):
    """Say whether anybody came, once the event or the last date of the booking is over; nothing before."""

    event: str
    booking: str
    etag: str = ""
    recorded: ClassVar[bool] = False

    def decide(self, view: View, now: datetime) -> Outcome:
        """NotFound."""
        booking, offer = view.get(Booking, self.booking), view.stock.known_offer()
        over = all(end_of(offer, line.date) <= now for line in booking.lines)
        if not over or not LIFE.allows(booking.state, BookingAction.CLOSE):
            return unchanged(view.stock, booking)
        steps: list[Step] = []
        stock, tallies = view.stock, list[Record]()
        if booking.pending is not None:
            step, stock, tallies = change_dropped(view, booking, now)
            steps, booking = [step], replace(booking, pending=None, hold_expire_time=None)
        after = replace(booking, state=LIFE.after(booking.state, BookingAction.CLOSE), update_time=now)
        came = after.state is BookingState.COMPLETED
        steps.append(Step(facts.BookingCompleted() if came else facts.BookingNoShow(), after))
        return changed(stock, *steps, tallies=tallies)

"""A change that waits to be paid is withdrawn."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from booking_service.domain.booking import Booking
from booking_service.domain.commands.command import OnBooking, change_dropped, refuse_late
from booking_service.domain.outcome import Outcome, changed
from booking_service.domain.records import View
from booking_service.domain.states import BookingAction
from domain_kit.refusals import FailedPrecondition


@dataclass(frozen=True, slots=True)
class WithdrawChange(OnBooking):
    """Leave the booking as it was. One whose time is over, and that nobody has dropped yet, ends as it would have."""

    event: str
    booking: str
    reason: str = ""
    etag: str = ""
    recorded: ClassVar[bool] = True

    def decide(self, view: View, now: datetime) -> Outcome:
        """NotFound; FailedPrecondition NO_CHANGE_PENDING, BOOKING_CANCELLED, BOOKING_EXPIRED, …"""
        booking = view.get(Booking, self.booking)
        refuse_late(booking, BookingAction.CHANGE, now)
        if booking.pending is None:
            raise FailedPrecondition(
                "NO_CHANGE_PENDING", "No change waits to be paid.", metadata={"state": booking.state.name}
            )
        withdrawn = not booking.change_is_over(now)
        step, stock, tallies = change_dropped(view, booking, now, withdrawn=withdrawn, reason=self.reason)
        return changed(stock, step, tallies=tallies)

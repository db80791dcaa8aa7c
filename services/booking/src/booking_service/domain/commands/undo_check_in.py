"""An admission is taken back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from booking_service.domain.booking import Booking
from booking_service.domain.commands.command import Found, OnBooking
from booking_service.domain.commands.scanning import (
    Scanned,
    known_list,
    known_scans,
    record_scans,
    scanning_keys,
)
from booking_service.domain.outcome import Outcome
from booking_service.domain.records import Key, View
from booking_service.domain.scans import judge
from booking_service.domain.states import LIFE, BookingAction
from booking_service.domain.stock import Stock
from domain_kit.refusals import FailedPrecondition


@dataclass(frozen=True, slots=True)
class UndoCheckIn(OnBooking):
    """Take the last admission of a ticket on a list back; its scan does not count any more, whatever comes later."""

    event: str
    booking: str
    ticket: str
    check_in_list: str
    reason: str
    etag: str = ""
    recorded: ClassVar[bool] = True

    def needs(self, stock: Stock, found: Found) -> Sequence[Key]:  # noqa: ARG002
        """The booking, the list and its counts, the ticket's scans."""
        return scanning_keys(self.event, self.booking, self.check_in_list, [self.ticket], found)

    def decide(self, view: View, now: datetime) -> Outcome:
        """NotFound; FailedPrecondition NOT_CHECKED_IN, BOOKING_COMPLETED once the event is closed."""
        rules, booking = known_list(view, self.check_in_list), view.get(Booking, self.booking)
        booking.ticket(self.ticket)
        before = known_scans(view, self.ticket)
        last = judge(before.on(self.check_in_list), rules).presence.entry
        if last is None:
            raise FailedPrecondition(
                "NOT_CHECKED_IN", "Nobody was admitted with this ticket.", metadata={"ticket": self.ticket}
            )
        LIFE.after(booking.state, BookingAction.UNDO_CHECK_IN)
        scanned = Scanned(before, replace(before, undone=(*before.undone, last)), self.reason)
        done = record_scans(view, booking, scanned, self.check_in_list, now)
        return Outcome(view.stock, done.booking, done.steps, done.tallies)

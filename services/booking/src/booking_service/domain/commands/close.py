"""What bookings were for is over."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from booking_service.domain import domain_events as facts
from booking_service.domain.booking import Booking
from booking_service.domain.commands.command import Found, OnBooking, change_dropped
from booking_service.domain.deadlines import is_over
from booking_service.domain.offer import Offer
from booking_service.domain.outcome import Outcome, Step, changed, unchanged
from booking_service.domain.records import Key, Record, View
from booking_service.domain.states import LIFE, BookingAction, BookingState
from booking_service.domain.stock import Stock


def ended(offer: Offer, since: datetime | None, now: datetime) -> list[str]:
    """Dates that ended after `since`, "" for the event itself."""
    ends = [("", offer.end_time), *((date.name, date.end_time) for date in offer.dates)]
    return [name for name, end in ends if end <= now and (since is None or since < end)]


def next_close(offer: Offer, closed: datetime | None) -> datetime | None:
    """When bookings are to be closed next: the first end that is not yet dealt with."""
    ends = [offer.end_time, *(date.end_time for date in offer.dates)]
    return min((end for end in ends if closed is None or closed < end), default=None)


@dataclass(frozen=True, slots=True)
class NoteClosed:
    """All bookings of what ended until then are closed."""

    event: str
    until: datetime
    etag: str = ""
    subject: Key | None = None
    recorded: ClassVar[bool] = False

    def needs(self, stock: Stock, found: Found) -> Sequence[Key]:  # noqa: ARG002
        """The stock is enough."""
        return ()

    def decide(self, view: View, now: datetime) -> Outcome:  # noqa: ARG002
        """Never goes back."""
        inventory = view.stock.inventory
        if inventory.closed is not None and self.until <= inventory.closed:
            return unchanged(view.stock, None)
        return Outcome(view.stock.holding(replace(inventory, closed=self.until)))


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
        if not is_over(offer, booking.lines, now) or not LIFE.allows(booking.state, BookingAction.CLOSE):
            return unchanged(view.stock, booking)
        steps: list[Step] = []
        stock, tallies = view.stock, list[Record]()
        if booking.pending is not None:
            step, stock, tallies = change_dropped(view, booking, now)
            steps, booking = [step], replace(booking, pending=None, price_change=None, hold_expire_time=None)
        after = replace(booking, state=LIFE.after(booking.state, BookingAction.CLOSE), update_time=now)
        came = after.state is BookingState.COMPLETED
        steps.append(Step(facts.BookingCompleted() if came else facts.BookingNoShow(), after))
        return changed(stock, *steps, tallies=tallies)

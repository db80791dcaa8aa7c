"""Bookings made before their event had limits for one person count for their buyers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from booking_service.domain import domain_events as facts
from booking_service.domain.booking import Booking
from booking_service.domain.commands.command import Found, OnBooking
from booking_service.domain.occupancy import counted, is_to_be_counted, uncounted_keys
from booking_service.domain.outcome import Outcome, Step, changed, unchanged
from booking_service.domain.records import Key, View
from booking_service.domain.stock import Stock


@dataclass(frozen=True, slots=True)
class CountBooking(OnBooking):
    """Count a booking for its buyer, also beyond the limits; nothing where it counts or counts for nobody."""

    event: str
    booking: str
    etag: str = ""
    recorded: ClassVar[bool] = False

    def needs(self, stock: Stock, found: Found) -> Sequence[Key]:
        """As of any booking, whose resale offers and entry may have a say, and the tally of its buyer."""
        booking, keys = found.get((Booking, self.booking)), OnBooking.needs(self, stock, found)
        return [*keys, *(uncounted_keys(stock, booking) if isinstance(booking, Booking) else ())]

    def decide(self, view: View, now: datetime) -> Outcome:
        """NotFound."""
        booking = view.get(Booking, self.booking)
        if not booking.state.takes_places or not is_to_be_counted(view.stock.known_offer(), booking):
            return unchanged(view.stock, booking)
        after, person = counted(view, booking)
        return changed(view.stock, Step(facts.BookingCounted(), replace(after, update_time=now)), tallies=[person])


@dataclass(frozen=True, slots=True)
class NoteCounted:
    """All bookings are counted that were to be since then."""

    event: str
    since: datetime
    etag: str = ""
    subject: Key | None = None
    recorded: ClassVar[bool] = False

    def needs(self, stock: Stock, found: Found) -> Sequence[Key]:  # noqa: ARG002
        """The stock is enough."""
        return ()

    def decide(self, view: View, now: datetime) -> Outcome:  # noqa: ARG002
        """Nothing where limits went and came again meanwhile."""
        inventory = view.stock.inventory
        if inventory.count_due != self.since:
            return unchanged(view.stock, None)
        return Outcome(view.stock.holding(replace(inventory, count_due=None)))

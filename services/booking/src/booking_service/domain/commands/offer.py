"""What is sold changes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from booking_service.domain.commands.command import Found
from booking_service.domain.offer import Offer
from booking_service.domain.outcome import Outcome, unchanged
from booking_service.domain.records import Key, View
from booking_service.domain.seat_counts import changed_plan_keys, recounted
from booking_service.domain.stock import Stock


@dataclass(frozen=True, slots=True)
class ProjectOffer:
    """Take over what the event service says is sold; in order with the bookings: none rests on an older offer."""

    offer: Offer
    etag: str = ""
    subject: Key | None = None
    recorded: ClassVar[bool] = False

    @property
    def event(self) -> str:
        """The event's resource name."""
        return self.offer.event

    def needs(self, stock: Stock, found: Found) -> Sequence[Key]:  # noqa: ARG002
        """Of another seating plan, what is taken of the seats."""
        return changed_plan_keys(stock, self.offer)

    def decide(self, view: View, now: datetime) -> Outcome:  # noqa: ARG002
        """Ignores what is older than what is known."""
        known = view.stock.offer
        if known is not None and known.version >= self.offer.version:
            return unchanged(view.stock, None)
        inventory = replace(view.stock.inventory, seats=recounted(view, self.offer))
        return Outcome(replace(view.stock, offer=self.offer, inventory=inventory))

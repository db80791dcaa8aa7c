"""What is sold changes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from booking_service.domain.commands.command import Found
from booking_service.domain.inventory import Inventory
from booking_service.domain.offer import Offer, OfferState
from booking_service.domain.outcome import Outcome, unchanged
from booking_service.domain.people import is_limited
from booking_service.domain.pool_moves import moved
from booking_service.domain.records import Key, View
from booking_service.domain.refunding import former_refunds
from booking_service.domain.resale import Resale, lapse
from booking_service.domain.resale_board import all_open
from booking_service.domain.resale_offer import ResaleOffer
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
        """Of another seating plan, what is taken of the seats; of an event that is off, what is for sale again."""
        ending = all_open(stock.inventory) if self._calls_off() else ()
        return [*changed_plan_keys(stock, self.offer), *((ResaleOffer, name) for name in ending)]

    def decide(self, view: View, now: datetime) -> Outcome:
        """Ignores what is older than what is known."""
        known = view.stock.offer
        if known is not None and known.version >= self.offer.version:
            return unchanged(view.stock, None)
        inventory = moved(view.stock.inventory, known, self.offer)
        inventory = replace(
            inventory, seats=recounted(view, self.offer), count_due=_count_due(inventory, known, self.offer, now)
        )  # fmt: skip
        former = () if known is None else former_refunds(known, self.offer, now)
        stock = replace(view.stock, offer=replace(self.offer, former_refunds=former), inventory=inventory)
        ending = all_open(inventory) if self._calls_off() else ()
        offers = [view.get(ResaleOffer, name) for name in ending]
        ended = lapse(Resale(view.after(stock, ())), offers, "EVENT_CANCELLED", now)
        return Outcome(ended.stock, None, ended.steps)

    def _calls_off(self) -> bool:
        """Nobody can book any more, and nobody will: tickets that are for sale again are so no longer."""
        return self.offer.state in (OfferState.CANCELLED, OfferState.DELETED)


def _count_due(inventory: Inventory, known: Offer | None, offer: Offer, now: datetime) -> datetime | None:
    """Bookings made while nothing was limited do not count yet; from this commit on no more of them come."""
    if not is_limited(offer) or not inventory.sold:
        return None
    return inventory.count_due if known is not None and is_limited(known) else now

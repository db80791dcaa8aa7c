"""What of an event is on offer and what is taken."""

from dataclasses import dataclass

from booking_service.domain.inventory import Inventory
from booking_service.domain.offer import Offer
from domain_kit.refusals import NotFound


@dataclass(frozen=True, slots=True)
class Stock:
    """One event's offer and inventory; no offer: the event is not known here."""

    offer: Offer | None
    inventory: Inventory

    @property
    def event(self) -> str:
        """Its resource name."""
        return self.inventory.event

    def known_offer(self) -> Offer:
        """NotFound when the event is not known."""
        if self.offer is None:
            raise NotFound.named(self.event)
        return self.offer

    def holding(self, inventory: Inventory) -> "Stock":
        """The same offer with other places taken."""
        return Stock(self.offer, inventory)

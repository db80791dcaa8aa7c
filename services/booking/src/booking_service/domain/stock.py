"""What a command is decided on and what it leads to: the offer, the places taken, one booking."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from booking_service.domain.booking import Booking
from booking_service.domain.domain_events import Happening
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
        return replace(self, inventory=inventory)


@dataclass(frozen=True, slots=True)
class Step:
    """A domain event and the booking right after it."""

    happened: Happening
    booking: Booking


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command led to. No steps: nothing happened to the booking."""

    stock: Stock
    booking: Booking | None = None
    steps: Sequence[Step] = ()


def unchanged(stock: Stock, booking: Booking | None) -> Outcome:
    """Nothing happened; for repeats of the same fact."""
    return Outcome(stock, booking)


def changed(stock: Stock, *steps: Step) -> Outcome:
    """The last step's booking is what there is now."""
    return Outcome(stock, steps[-1].booking, steps)

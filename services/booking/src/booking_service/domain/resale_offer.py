"""The resale offer aggregate: a ticket whose buyer would sell it on for what it cost."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import ClassVar

from booking_service.domain.booking import Line
from booking_service.domain.memory import Memory
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition
from domain_kit.state_table import StateTable
from domain_kit.trails import BEGINNING, Trail


class ResaleState(Enum):
    """Where an offer stands."""

    OPEN = "OPEN"
    RESERVED = "RESERVED"
    SOLD = "SOLD"
    WITHDRAWN = "WITHDRAWN"
    LAPSED = "LAPSED"

    @property
    def live(self) -> bool:
        """It may still be sold."""
        return self in (ResaleState.OPEN, ResaleState.RESERVED)


class ResaleAction(Enum):
    """What can be done to an offer."""

    RESERVE = "RESERVE"
    REOPEN = "REOPEN"
    SELL = "SELL"
    WITHDRAW = "WITHDRAW"
    LAPSE = "LAPSE"


S, A = ResaleState, ResaleAction
RESALE_LIFE = StateTable(
    "resale offer",
    {
        (S.OPEN, A.RESERVE): S.RESERVED,
        (S.OPEN, A.WITHDRAW): S.WITHDRAWN,
        (S.OPEN, A.LAPSE): S.LAPSED,
        (S.RESERVED, A.REOPEN): S.OPEN,
        (S.RESERVED, A.SELL): S.SOLD,
        # Once the time of the reservation is over, whether or not anybody has written that down.
        (S.RESERVED, A.WITHDRAW): S.WITHDRAWN,
        (S.RESERVED, A.LAPSE): S.LAPSED,
    },
)


@dataclass(frozen=True, slots=True)
class ResaleOffer:
    """One ticket that is for sale again.

    line: the ticket as its seller has it, with what it cost to the cent; who buys it gets the same, in a currency of
    their own if they like. buyer_booking: the one that reserves it, or bought it. reserved_until: when that hold ends.
    trail: kept by the desk.
    """

    name: str
    event: str
    organizer: str
    seller: str
    booking: str
    ticket: str
    line: Line
    state: ResaleState
    create_time: datetime
    update_time: datetime
    buyer_booking: str = ""
    reserved_until: datetime | None = None
    lapse_reason: str = ""
    end_time: datetime | None = None
    version: int = 0
    trail: Trail = BEGINNING
    memory: ClassVar[Memory] = Memory.NONE

    @property
    def price(self) -> Money:
        """What it cost and will cost."""
        return self.line.total

    def is_reserved(self, now: datetime) -> bool:
        """Somebody holds it; one whose time ran out does so no more, written down or not."""
        until = self.reserved_until
        return self.state is ResaleState.RESERVED and (until is None or now < until)

    def is_reserved_by(self, booking: str) -> bool:
        """That booking holds it."""
        return self.state is ResaleState.RESERVED and self.buyer_booking == booking

    def reserved(self, booking: str, until: datetime | None, now: datetime) -> "ResaleOffer":
        """Held for a buyer."""
        state = RESALE_LIFE.after(self.state, A.RESERVE)
        return replace(self, state=state, buyer_booking=booking, reserved_until=until, update_time=now)

    def reopened(self, now: datetime) -> "ResaleOffer":
        """The hold ended unpaid."""
        state = RESALE_LIFE.after(self.state, A.REOPEN)
        return replace(self, state=state, buyer_booking="", reserved_until=None, update_time=now)

    def sold(self, now: datetime) -> "ResaleOffer":
        """Its buyer has a ticket of their own."""
        return self._ended(A.SELL, now)

    def withdrawn(self, now: datetime) -> "ResaleOffer":
        """FailedPrecondition RESALE_RESERVED, RESALE_OFFER_SOLD, RESALE_OFFER_LAPSED."""
        if self.is_reserved(now):
            raise resale_reserved(self)
        return self._ended(A.WITHDRAW, now)

    def lapsed(self, reason: str, now: datetime) -> "ResaleOffer":
        """What it was for is not there any more."""
        return replace(self._ended(A.LAPSE, now), lapse_reason=reason)

    def _ended(self, action: ResaleAction, now: datetime) -> "ResaleOffer":
        state = RESALE_LIFE.after(self.state, action)
        return replace(self, state=state, reserved_until=None, end_time=now, update_time=now)


@dataclass(frozen=True, slots=True)
class ResaleBatch:
    """What offering several at once answers: the names of all, in order. Kept for repeats of the request only."""

    name: str
    offers: tuple[str, ...]
    version: int = 0
    memory: ClassVar[Memory] = Memory.NONE


def resale_reserved(offer: ResaleOffer) -> FailedPrecondition:
    """The refusal while a buyer holds a ticket; metadata tell which and until when (RFC 3339)."""
    until = "" if offer.reserved_until is None else offer.reserved_until.isoformat().replace("+00:00", "Z")
    metadata = {"ticket": offer.ticket, "resale_offer": offer.name, "hold_expire_time": until}
    return FailedPrecondition(
        "RESALE_RESERVED", "Somebody is about to buy this ticket; wait until they have paid or not.", metadata=metadata
    )

"""What may be booked at a moment: state of the event, sale windows, limits per booking."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from booking_service.domain.booking import Line
from booking_service.domain.inventory import Inventory, shortfall
from booking_service.domain.offer import Offer, OfferedType, OfferState
from domain_kit.refusals import FailedPrecondition


@dataclass(frozen=True, slots=True)
class Wanted:
    """So many tickets of one type."""

    ticket_type: str
    quantity: int


def choose_lines(offer: Offer, wanted: Sequence[Wanted], now: datetime) -> tuple[Line, ...]:
    """The lines of a booking at the present price.

    FailedPrecondition EVENT_NOT_ON_SALE, SALE_NOT_OPEN, SALE_ENDED, TOO_FEW_IN_BOOKING, TOO_MANY_IN_BOOKING; NotFound
    for a type that is not sold.
    """
    if offer.state is not OfferState.PUBLISHED:
        raise FailedPrecondition(
            "EVENT_NOT_ON_SALE", "The event is not on sale.", metadata={"event": offer.event, "state": offer.state.name}
        )
    lines = []
    for each in wanted:
        kind = offer.ticket_type(each.ticket_type)
        check_window(offer, kind, now)
        check_quantity(kind, each.quantity)
        lines.append(Line(kind.name, each.quantity, kind.display_name, kind.price, kind.pools))
    return tuple(lines)


def check_window(offer: Offer, kind: OfferedType, now: datetime) -> None:
    """FailedPrecondition SALE_NOT_OPEN, SALE_ENDED; metadata tell the type and when (RFC 3339)."""
    if kind.sale_start is not None and now < kind.sale_start:
        raise FailedPrecondition(
            "SALE_NOT_OPEN",
            f"{kind.display_name} is sold from {kind.sale_start.isoformat()} on.",
            metadata={"ticket_type": kind.name, "sale_start_time": _rfc3339(kind.sale_start)},
        )
    end = offer.sale_end_of(kind)
    if now >= end:
        raise FailedPrecondition(
            "SALE_ENDED",
            f"{kind.display_name} is no longer sold.",
            metadata={"ticket_type": kind.name, "sale_end_time": _rfc3339(end)},
        )


def check_quantity(kind: OfferedType, quantity: int) -> None:
    """FailedPrecondition TOO_FEW_IN_BOOKING, TOO_MANY_IN_BOOKING; metadata tell the type and the limit."""
    if quantity < kind.least:
        raise FailedPrecondition(
            "TOO_FEW_IN_BOOKING",
            f"At least {kind.least} of {kind.display_name} go into one booking.",
            metadata={"ticket_type": kind.name, "min_per_booking": str(kind.least)},
        )
    if quantity > kind.most:
        raise FailedPrecondition(
            "TOO_MANY_IN_BOOKING",
            f"At most {kind.most} of {kind.display_name} go into one booking.",
            metadata={"ticket_type": kind.name, "max_per_booking": str(kind.most)},
        )


def remaining(offer: Offer, inventory: Inventory, pools: Sequence[str]) -> int:
    """Places left: the least over the pools, never below zero; lowered capacities only stop sales."""
    left = [offer.capacities.get(pool, 0) - inventory.taken.get(pool, 0) for pool in pools]
    return max(0, min(left, default=0))


def sold_out(offer: Offer, inventory: Inventory, lines: Sequence[Line]) -> FailedPrecondition:
    """The refusal for lines that `take` could not take; metadata tell a type that is short and what is left of it."""
    needed: dict[str, int] = {}
    short = lines[0]
    for line in lines:
        for pool in line.pools:
            needed[pool] = needed.get(pool, 0) + line.quantity
        if shortfall(inventory, needed, offer.capacities):
            short = line
            break
    return FailedPrecondition(
        "SOLD_OUT",
        f"Not enough places of {short.display_name} are left; some may come back when holds expire.",
        metadata={"ticket_type": short.ticket_type, "remaining": str(remaining(offer, inventory, short.pools))},
    )


def _rfc3339(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")

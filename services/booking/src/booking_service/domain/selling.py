"""What may be booked at a moment: state of the event, hidden types, sale windows, limits per booking."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from booking_service.domain.booking import Content, Line, plain
from booking_service.domain.inventory import Inventory, shortfall
from booking_service.domain.offer import EventDate, Offer, OfferedType, OfferState
from booking_service.domain.package import check_package
from booking_service.domain.pricing.breakdown import UnitRun
from booking_service.domain.pricing.inputs import Item, Phase, VoucherBenefit
from booking_service.domain.pricing.quote import price_of
from booking_service.domain.questions import Attendee
from booking_service.domain.tariffs import tariff_of
from domain_kit.refusals import FailedPrecondition, NotFound

_PLAIN_OFFERS, _PLAIN_ORDERS = 512, 64  # as many events as a lane remembers; orders of each
_plain_orders: dict[str, tuple[Offer, int, dict[tuple["Wanted", ...], tuple[Line, ...]]]] = {}


@dataclass(frozen=True, slots=True)
class Wanted:
    """So many tickets of one type. date: of a series. seats: chosen ones; none: the best there are.

    accessible_seats: how many of the best shall be accessible.
    """

    ticket_type: str
    quantity: int
    date: str = ""
    seats: tuple[str, ...] = ()
    attendees: tuple[Attendee, ...] = ()
    accessible_seats: int = 0


def choose_lines(
    offer: Offer,
    inventory: Inventory,
    wanted: Sequence[Wanted],
    now: datetime,
    voucher: VoucherBenefit | None = None,
    opens: Callable[[str, str], bool] = lambda _type, _date: False,
) -> tuple[Line, ...]:
    """The lines of a booking at the present price. opens: whether a hidden type may be booked for a date.

    FailedPrecondition EVENT_NOT_ON_SALE, SALE_NOT_OPEN, SALE_ENDED, DATE_REQUIRED, DATE_CANCELLED and as
    `check_package`; NotFound for a type or date that is not sold.
    """
    require_on_sale(offer)
    # First of all, so that no other refusal tells a type that is hidden from one that is not there.
    kinds = [visible_type(offer, each, opens) for each in wanted]
    for kind, each in zip(kinds, wanted, strict=True):
        check_window(offer, kind, now, offer.date(each.date))
    if voucher is not None or offer.discounts or any(kind.phases for kind in kinds):
        return _priced_lines(offer, inventory, kinds, wanted, now, voucher)
    plain_orders = _plain_orders_of(offer, now.toordinal())
    order = tuple(wanted)
    lines = plain_orders.get(order)
    if lines is None:
        lines = _priced_lines(offer, inventory, kinds, wanted, now, None)
        if not any(each.seats or each.attendees for each in wanted):
            if len(plain_orders) >= _PLAIN_ORDERS:
                del plain_orders[next(iter(plain_orders))]
            plain_orders[order] = lines
    return lines


def _plain_orders_of(offer: Offer, day: int) -> dict[tuple[Wanted, ...], tuple[Line, ...]]:
    """Orders of this offer whose price depends on nothing but the day, whose taxes it bears, and their lines.

    Nearly all of a sale are alike. What was known of another offer of the event, or of the day before, is forgotten; an
    offer that was only read once more, as for a quote, is no other.
    """
    former, of_day, orders = _plain_orders.get(offer.event, (None, day, {}))
    if former is offer and of_day == day:
        return orders
    if former is None or of_day != day or _what_prices_rest_on(former) != _what_prices_rest_on(offer):
        orders = {}
    if former is None and len(_plain_orders) >= _PLAIN_OFFERS:
        del _plain_orders[next(iter(_plain_orders))]
    _plain_orders[offer.event] = (offer, day, orders)
    return orders


def _what_prices_rest_on(offer: Offer) -> tuple[object, ...]:
    """All of it that `_priced_lines` looks at, where it has no discounts."""
    return offer.ticket_types, offer.pools, offer.terms, offer.place


def _priced_lines(
    offer: Offer,
    inventory: Inventory,
    kinds: Sequence[OfferedType],
    wanted: Sequence[Wanted],
    now: datetime,
    voucher: VoucherBenefit | None,
) -> tuple[Line, ...]:
    check_package(offer, [(kind, each.quantity, each.date) for kind, each in zip(kinds, wanted, strict=True)])
    priced = price_of(
        [Item(each.ticket_type, each.quantity, each.date) for each in wanted],
        tariff_of(offer, kinds, inventory, now, voucher),
        now,
    )
    return tuple(
        line_of(offer, kind, each, line.runs) for kind, each, line in zip(kinds, wanted, priced.lines, strict=True)
    )


def require_on_sale(offer: Offer) -> None:
    """FailedPrecondition EVENT_NOT_ON_SALE; metadata tell the event and its state."""
    if offer.state is not OfferState.PUBLISHED:
        raise FailedPrecondition(
            "EVENT_NOT_ON_SALE", "The event is not on sale.", metadata={"event": offer.event, "state": offer.state.name}
        )


def visible_type(offer: Offer, wanted: Wanted, opens: Callable[[str, str], bool]) -> OfferedType:
    """INVARIANT: a hidden type that nothing opens is refused exactly as one that does not exist."""
    kind = offer.ticket_type(wanted.ticket_type)
    if kind.hidden and not opens(kind.name, wanted.date):
        raise NotFound.named(kind.name)
    return kind


def line_of(offer: Offer, kind: OfferedType, wanted: Wanted, runs: tuple[UnitRun, ...]) -> Line:
    """The line for what is wanted of a type at that price."""
    price = runs[0].unit.list_price
    return Line(
        kind.name,
        wanted.quantity,
        kind.display_name,
        price,
        offer.pools_of(kind, wanted.date),
        date=wanted.date,
        runs=() if len(runs) == 1 and runs[0].unit == plain(price) else runs,
        seats=wanted.seats,
        attendees=wanted.attendees,
        contents=tuple(
            Content(part.name, part.display_name, count, bool(part.sections)) for part, count in offer.parts_of(kind)
        )[1:],
        tax_class=kind.tax_class,
        accessible_seats=wanted.accessible_seats,
    )


def needs_approval(offer: Offer, lines: Sequence[Line]) -> bool:
    """Whether the organizer has to agree first."""
    return any(offer.ticket_type(line.ticket_type).approval_required for line in lines)


def check_window(offer: Offer, kind: OfferedType, now: datetime, date: EventDate | None = None) -> None:
    """FailedPrecondition SALE_NOT_OPEN, SALE_ENDED; metadata tell the type and when (RFC 3339)."""
    if kind.sale_start is not None and now < kind.sale_start:
        raise FailedPrecondition(
            "SALE_NOT_OPEN",
            f"{kind.display_name} is sold from {kind.sale_start.isoformat()} on.",
            metadata={"ticket_type": kind.name, "sale_start_time": _rfc3339(kind.sale_start)},
        )
    end = offer.sale_end_of(kind, date)
    if now >= end:
        raise FailedPrecondition(
            "SALE_ENDED",
            f"{kind.display_name} is no longer sold.",
            metadata={"ticket_type": kind.name, "sale_end_time": _rfc3339(end)},
        )


def remaining(offer: Offer, inventory: Inventory, pools: Sequence[str]) -> int:
    """Tickets left: the least over the pools, never below zero; lowered capacities only stop sales."""
    left = [(offer.capacity_of(pool) - inventory.taken.get(pool, 0)) // count for pool, count in Counter(pools).items()]
    return max(0, min(left, default=0))


def present_phase(kind: OfferedType, inventory: Inventory, now: datetime) -> Phase:
    """The price of the next ticket: of the first phase that has not run out, else the type's own."""
    sold = inventory.sold.get(kind.id, 0)
    for phase in kind.phases:
        if (phase.end is None or now < phase.end) and not 0 < phase.places <= sold:
            return phase
    return Phase("", kind.price)


def sold_out(offer: Offer, inventory: Inventory, lines: Sequence[Line]) -> FailedPrecondition:
    """The refusal for lines that `take` could not take; metadata tell a type that is short and what is left of it."""
    needed: dict[str, int] = {}
    short = lines[0]
    for line in lines:
        for pool in line.pools:
            needed[pool] = needed.get(pool, 0) + line.quantity
        if shortfall(inventory, needed, offer.capacity_of):
            short = line
            break
    return FailedPrecondition(
        "SOLD_OUT",
        f"Not enough places of {short.display_name} are left; some may come back when holds expire.",
        metadata={"ticket_type": short.ticket_type, "remaining": str(remaining(offer, inventory, short.pools))},
    )


def _rfc3339(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")

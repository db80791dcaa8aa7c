"""What is sold."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from domain_kit.money import Money
from event_service.domain.problems import Problems, price_problems, reference_problems, window_problems


class TicketKind(Enum):
    """Whether a ticket admits by itself."""

    ADMISSION = "ADMISSION"
    ADD_ON = "ADD_ON"


@dataclass(frozen=True, slots=True)
class PricePhase:
    """A price that ends at a time, or when `places` tickets were sold (0: not by number), whichever comes first."""

    price: Money
    display_name: str = ""
    end_time: datetime | None = None
    places: int = 0


@dataclass(frozen=True, slots=True)
class BundleItem:
    """So many tickets of another type, an id, in one bundle."""

    ticket_type: str
    quantity: int


@dataclass(frozen=True, slots=True)
class TicketType:
    """A kind of ticket. Each ticket takes one place of each pool in `pools` (ids). 0 per booking means the default.

    add_on_to: ids of admissions it is sold beside; none: any. bundle_items: what is issued instead of it.
    sections: ids of sections of the seating plan; with any each ticket needs a seat. tax_class: "" is the standard one.
    """

    id: str
    display_name: str
    price: Money | None
    pools: tuple[str, ...]
    description: str = ""
    sale_start_time: datetime | None = None
    sale_end_time: datetime | None = None
    min_per_booking: int = 0
    max_per_booking: int = 0
    revision: int = 1
    price_phases: tuple[PricePhase, ...] = ()
    hidden: bool = False
    max_per_person: int = 0
    approval_required: bool = False
    kind: TicketKind = TicketKind.ADMISSION
    add_on_to: tuple[str, ...] = ()
    bundle_items: tuple[BundleItem, ...] = ()
    tax_class: str = ""
    sections: tuple[str, ...] = ()


def ticket_type_problems(
    ticket_type: TicketType, others: Sequence[TicketType], pools: Collection[str], sections: Collection[str]
) -> Problems:
    """What is wrong with a ticket type beside `others`, in an event with these pools and sections (ids)."""
    if not ticket_type.display_name.strip():
        yield "display_name", "is required."
    yield from _all_price_problems(ticket_type)
    if not ticket_type.pools:
        yield "capacity_pools", "needs at least one pool."
    yield from reference_problems("capacity_pools", ticket_type.pools, pools, "pool")
    yield from window_problems(ticket_type.sale_start_time, ticket_type.sale_end_time, "sale_")
    if ticket_type.max_per_booking and ticket_type.min_per_booking > ticket_type.max_per_booking:
        yield "min_per_booking", "must not be above max_per_booking."
    if ticket_type.max_per_person and ticket_type.min_per_booking > ticket_type.max_per_person:
        yield "max_per_person", "must not be below min_per_booking."
    yield from _add_on_problems(ticket_type, others)
    yield from _bundle_problems(ticket_type, others)
    yield from reference_problems("sections", ticket_type.sections, sections, "section of the seating plan")


def _all_price_problems(ticket_type: TicketType) -> Problems:
    price = ticket_type.price
    yield from price_problems("price", price)
    for index, phase in enumerate(ticket_type.price_phases):
        path = f"price_phases[{index}]"
        yield from price_problems(f"{path}.price", phase.price)
        if price is not None and phase.price.currency != price.currency:
            yield f"{path}.price.currency_code", f"must be {price.currency}, as that of price."
        if phase.end_time is None and not phase.places:
            yield path, "needs end_time or places."


def _add_on_problems(ticket_type: TicketType, others: Sequence[TicketType]) -> Problems:
    admissions = {each.id for each in others if each.kind is TicketKind.ADMISSION}
    if ticket_type.kind is TicketKind.ADMISSION:
        if ticket_type.add_on_to:
            yield "add_on_to", "is for add-ons only."
        return
    for index, id in enumerate(ticket_type.add_on_to):
        if id not in admissions:
            yield f"add_on_to[{index}]", "is no other admission of this event."
    if any(ticket_type.id in each.add_on_to for each in others):
        yield "kind", "must stay an admission: add-ons name it."


def _bundle_problems(ticket_type: TicketType, others: Sequence[TicketType]) -> Problems:
    if not ticket_type.bundle_items:
        return
    single = {each.id for each in others if not each.bundle_items}
    seen: set[str] = set()
    for index, item in enumerate(ticket_type.bundle_items):
        if item.ticket_type not in single:
            yield f"bundle_items[{index}].ticket_type", "is no other ticket type of this event, or a bundle."
        elif item.ticket_type in seen:
            yield f"bundle_items[{index}].ticket_type", "stands there twice; raise its quantity."
        seen.add(item.ticket_type)
    if any(ticket_type.id == item.ticket_type for each in others for item in each.bundle_items):
        yield "bundle_items", "must be empty: it is itself an item of a bundle."
    if ticket_type.sections:
        yield "sections", "must be empty for a bundle, whose items name theirs."

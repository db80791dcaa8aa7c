"""What is sold for an event and what limits it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from domain_kit.money import Money
from domain_kit.refusals import FieldViolation, InvalidArgument

MOST_PER_EVENT = 100
# In minor units. A booking multiplies it, and sums have to stay within the 64 bits that stores and wires have.
HIGHEST_PRICE = 10**12


@dataclass(frozen=True, slots=True)
class CapacityPool:
    """A number of places. `id` is unique in the event; `revision` counts its changes."""

    id: str
    display_name: str
    capacity: int
    revision: int = 1


@dataclass(frozen=True, slots=True)
class TicketType:
    """A kind of ticket. Each ticket takes one place of each pool in `pools` (ids). 0 per booking means the default."""

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


def check_ticket_type(ticket_type: TicketType, pools: tuple[CapacityPool, ...], field: str = "ticket_type") -> None:
    """InvalidArgument TICKET_TYPE_INVALID with every field that is wrong."""
    _refuse("TICKET_TYPE_INVALID", field, _ticket_type_problems(ticket_type, {pool.id for pool in pools}))


def check_capacity_pool(pool: CapacityPool, field: str = "capacity_pool") -> None:
    """InvalidArgument CAPACITY_POOL_INVALID with every field that is wrong."""
    problems = [] if pool.display_name.strip() else [("display_name", "is required.")]
    _refuse("CAPACITY_POOL_INVALID", field, iter(problems))


def _ticket_type_problems(ticket_type: TicketType, pools: set[str]) -> Iterator[tuple[str, str]]:
    if not ticket_type.display_name.strip():
        yield "display_name", "is required."
    if ticket_type.price is None:
        yield "price", "is required; 0 is free."
    elif ticket_type.price.minor_units < 0:
        yield "price", "must not be negative."
    elif ticket_type.price.minor_units > HIGHEST_PRICE:
        yield "price", "is higher than any ticket costs."
    if not ticket_type.pools:
        yield "capacity_pools", "needs at least one pool."
    for index, pool in enumerate(ticket_type.pools):
        if pool not in pools:
            yield f"capacity_pools[{index}]", "is no pool of this event."
    start, end = ticket_type.sale_start_time, ticket_type.sale_end_time
    if start and end and end <= start:
        yield "sale_end_time", "must be after sale_start_time."
    if ticket_type.max_per_booking and ticket_type.min_per_booking > ticket_type.max_per_booking:
        yield "min_per_booking", "must not be above max_per_booking."


def _refuse(reason: str, field: str, problems: Iterator[tuple[str, str]]) -> None:
    violations = [FieldViolation(f"{field}.{path}", what) for path, what in problems]
    if violations:
        raise InvalidArgument(
            reason, "; ".join(f"{v.field}: {v.description}" for v in violations), violations=violations
        )

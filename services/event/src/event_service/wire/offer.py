"""usher.event.v1.TicketType and CapacityPool ↔ domain."""

from event_service.domain.offer import CapacityPool, TicketType
from event_service.wire.names import CAPACITY_POOL, TICKET_TYPE, parts
from resource_api import etag_of, money_from_wire, money_to_wire, time_from_wire, time_to_wire
from usher.event.v1 import ticket_type_pb2 as pb


def ticket_type_to_wire(event: str, ticket_type: TicketType) -> pb.TicketType:
    """The message of a ticket type of `event`."""
    price = ticket_type.price
    return pb.TicketType(
        name=f"{event}/ticketTypes/{ticket_type.id}",
        display_name=ticket_type.display_name,
        description=ticket_type.description,
        price=None if price is None else money_to_wire(price),
        capacity_pools=[f"{event}/capacityPools/{pool}" for pool in ticket_type.pools],
        sale_start_time=time_to_wire(ticket_type.sale_start_time),
        sale_end_time=time_to_wire(ticket_type.sale_end_time),
        min_per_booking=ticket_type.min_per_booking,
        max_per_booking=ticket_type.max_per_booking,
        etag=etag_of(ticket_type.revision),
    )


def ticket_type_from_wire(
    event: str, id: str, message: pb.TicketType, *, pools: tuple[str, ...] | None = None, field: str = "ticket_type"
) -> TicketType:
    """What a message says of ticket type `id`. A pool of another event keeps its full name, which no pool has.

    pools: ids, where the message names none. InvalidArgument of money and times.
    """
    return TicketType(
        id=id,
        display_name=message.display_name,
        description=message.description,
        price=money_from_wire(message.price, field=f"{field}.price") if message.HasField("price") else None,
        pools=tuple(_pool_id(event, name) for name in message.capacity_pools) if pools is None else pools,
        sale_start_time=time_from_wire(message.sale_start_time, field=f"{field}.sale_start_time"),
        sale_end_time=time_from_wire(message.sale_end_time, field=f"{field}.sale_end_time"),
        min_per_booking=message.min_per_booking,
        max_per_booking=message.max_per_booking,
    )


def capacity_pool_to_wire(event: str, pool: CapacityPool) -> pb.CapacityPool:
    """The message of a pool of `event`."""
    return pb.CapacityPool(
        name=f"{event}/capacityPools/{pool.id}",
        display_name=pool.display_name,
        capacity=pool.capacity,
        etag=etag_of(pool.revision),
    )


def capacity_pool_from_wire(id: str, message: pb.CapacityPool) -> CapacityPool:
    """What a message says of pool `id`."""
    return CapacityPool(id, message.display_name, message.capacity)


def ticket_type_parts(name: str, field: str = "name") -> tuple[str, str]:
    """Event name and id; InvalidArgument NAME_INVALID."""
    TICKET_TYPE.parse(name, field=field)
    return parts(name)


def capacity_pool_parts(name: str, field: str = "name") -> tuple[str, str]:
    """Event name and id; InvalidArgument NAME_INVALID."""
    CAPACITY_POOL.parse(name, field=field)
    return parts(name)


def _pool_id(event: str, name: str) -> str:
    owner, id = parts(name)
    return id if owner == event else name

"""usher.event.v1.CapacityPool ↔ domain."""

from event_service.domain.capacity_pool import CapacityPool
from event_service.wire.names import id_of
from resource_api import etag_of
from usher.event.v1 import ticket_type_pb2 as pb


def capacity_pool_to_wire(event: str, pool: CapacityPool) -> pb.CapacityPool:
    """The message of a pool of `event`."""
    return pb.CapacityPool(
        name=f"{event}/capacityPools/{pool.id}",
        display_name=pool.display_name,
        capacity=pool.capacity,
        etag=etag_of(pool.revision),
        date=f"{event}/dates/{pool.date}" if pool.date else "",
        overbooking=pool.overbooking,
    )


def capacity_pool_from_wire(event: str, id: str, message: pb.CapacityPool) -> CapacityPool:
    """What a message says of pool `id`."""
    return CapacityPool(
        id=id,
        display_name=message.display_name,
        capacity=message.capacity,
        date=id_of(event, message.date),
        overbooking=message.overbooking,
    )

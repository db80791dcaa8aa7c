"""Resource names of the event service."""

from resource_api import ResourceName

EVENT = ResourceName("events/{event}")
TICKET_TYPE = ResourceName("events/{event}/ticketTypes/{ticket_type}")
CAPACITY_POOL = ResourceName("events/{event}/capacityPools/{capacity_pool}")


def parts(name: str) -> tuple[str, str]:
    """Event name and id of a ticket type or capacity pool; the contract's pattern has been checked."""
    collection, event, _, id = name.split("/")
    return f"{collection}/{event}", id

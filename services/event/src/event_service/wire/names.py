"""Resource names of the event service."""

from collections.abc import Iterable

from resource_api import ResourceName

TICKET_TYPE = ResourceName("events/{event}/ticketTypes/{ticket_type}")
CAPACITY_POOL = ResourceName("events/{event}/capacityPools/{capacity_pool}")
EVENT_DATE = ResourceName("events/{event}/dates/{date}")
QUESTION = ResourceName("events/{event}/questions/{question}")
DISCOUNT = ResourceName("events/{event}/discounts/{discount}")
SEATING_PLAN = ResourceName("events/{event}/seatingPlan")


def parts(name: str) -> tuple[str, str]:
    """Event name and id of a part of an event, such as a ticket type; the contract's pattern has been checked."""
    collection, event, _, id = name.split("/")
    return f"{collection}/{event}", id


def names_of(event: str, collection: str, ids: Iterable[str]) -> list[str]:
    """Full names of parts of `event`."""
    return [f"{event}/{collection}/{id}" for id in ids]


def ids_of(event: str, names: Iterable[str]) -> tuple[str, ...]:
    """Ids of parts of `event`. A part of another event keeps its full name, which no part has."""
    return tuple(id_of(event, name) for name in names)


def id_of(event: str, name: str) -> str:
    """The id of one; "" for ""."""
    owner, id = parts(name) if name else (event, "")
    return id if owner == event else name

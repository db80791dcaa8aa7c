"""Events as MongoDB documents and back."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from domain_kit.money import Money
from event_service.domain.details import EventDetails, Venue
from event_service.domain.event import Event, State
from event_service.domain.offer import CapacityPool, TicketType


def to_document(event: Event) -> dict[str, Any]:
    """The document of an event; the store adds `_id` and `version`."""
    return {
        "organizer": event.organizer,
        "state": event.state.value,
        "details": {**asdict(event.details), "tags": list(event.details.tags)},
        "ticket_types": [_ticket_type_document(each) for each in event.ticket_types],
        "capacity_pools": [asdict(each) for each in event.capacity_pools],
        "create_time": event.create_time,
        "update_time": event.update_time,
        "publish_time": event.publish_time,
        "cancel_time": event.cancel_time,
        "cancel_reason": event.cancel_reason,
        "delete_time": event.delete_time,
    }


def from_document(document: Mapping[str, Any]) -> Event:
    """The event of a document."""
    details = document["details"]
    venue = details["venue"]
    return Event(
        name=document["_id"],
        version=document["version"],
        organizer=document["organizer"],
        state=State(document["state"]),
        details=EventDetails(**{**details, "venue": Venue(**venue) if venue else None, "tags": tuple(details["tags"])}),
        ticket_types=tuple(_ticket_type(each) for each in document["ticket_types"]),
        capacity_pools=tuple(CapacityPool(**each) for each in document["capacity_pools"]),
        create_time=document["create_time"],
        update_time=document["update_time"],
        publish_time=document["publish_time"],
        cancel_time=document["cancel_time"],
        cancel_reason=document["cancel_reason"],
        delete_time=document["delete_time"],
    )


def _ticket_type_document(ticket_type: TicketType) -> dict[str, Any]:
    price = ticket_type.price
    return {
        **asdict(ticket_type),
        "pools": list(ticket_type.pools),
        "price": None if price is None else {"minor_units": price.minor_units, "currency": price.currency},
    }


def _ticket_type(document: Mapping[str, Any]) -> TicketType:
    price = document["price"]
    return TicketType(**{**document, "pools": tuple(document["pools"]), "price": Money(**price) if price else None})

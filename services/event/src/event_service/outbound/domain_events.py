"""Domain events of the event service as messages on its topic."""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from domain_kit.backbone import EncodedEvent
from domain_kit.repository import DomainEvent
from event_service.domain import domain_events as facts
from event_service.domain.event import Event
from event_service.wire.snapshots import snapshot
from usher.event.v1 import domain_events_pb2 as pb

# Fact → message; the snapshot is of the event after all facts of the same change.
MESSAGES: dict[type[Any], Callable[[Any, Event], Message]] = {
    facts.EventCreated: lambda _, event: pb.EventCreated(snapshot=snapshot(event)),
    facts.EventUpdated: lambda fact, event: pb.EventUpdated(snapshot=snapshot(event), changed_paths=fact.paths),
    facts.EventPublished: lambda _, event: pb.EventPublished(snapshot=snapshot(event)),
    facts.EventCancelled: lambda fact, event: pb.EventCancelled(snapshot=snapshot(event), reason=fact.reason),
    facts.EventDeleted: lambda _, event: pb.EventDeleted(snapshot=snapshot(event)),
    facts.TicketTypeCreated: lambda fact, event: pb.TicketTypeCreated(
        snapshot=snapshot(event), ticket_type=f"{event.name}/ticketTypes/{fact.id}"
    ),
    facts.TicketTypeChanged: lambda fact, event: pb.TicketTypeChanged(
        snapshot=snapshot(event), ticket_type=f"{event.name}/ticketTypes/{fact.id}"
    ),
    facts.TicketTypeDeleted: lambda fact, event: pb.TicketTypeDeleted(
        snapshot=snapshot(event), ticket_type=f"{event.name}/ticketTypes/{fact.id}"
    ),
    facts.CapacityPoolCreated: lambda fact, event: pb.CapacityPoolCreated(
        snapshot=snapshot(event), capacity_pool=f"{event.name}/capacityPools/{fact.id}"
    ),
    facts.CapacityPoolChanged: lambda fact, event: pb.CapacityPoolChanged(
        snapshot=snapshot(event), capacity_pool=f"{event.name}/capacityPools/{fact.id}"
    ),
    facts.CapacityPoolDeleted: lambda fact, event: pb.CapacityPoolDeleted(
        snapshot=snapshot(event), capacity_pool=f"{event.name}/capacityPools/{fact.id}"
    ),
}


def encode(fact: DomainEvent, event: Event) -> EncodedEvent:
    """The wire form of a fact with the event after it."""
    message = MESSAGES[type(fact)](fact, event)
    return EncodedEvent(message.DESCRIPTOR.full_name, message.SerializeToString(deterministic=True))

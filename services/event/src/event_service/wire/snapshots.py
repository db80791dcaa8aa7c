"""The full state that every domain event of an event carries."""

from event_service.domain.event import Event
from event_service.wire.events import event_to_wire
from event_service.wire.offer import capacity_pool_to_wire, ticket_type_to_wire
from usher.event.v1.domain_events_pb2 import EventSnapshot


def snapshot(event: Event) -> EventSnapshot:
    """The event with its ticket types and pools."""
    return EventSnapshot(
        event=event_to_wire(event),
        ticket_types=[ticket_type_to_wire(event.name, each) for each in event.ticket_types],
        capacity_pools=[capacity_pool_to_wire(event.name, each) for each in event.capacity_pools],
    )

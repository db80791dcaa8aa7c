"""The full state that every domain event of an event carries."""

from event_service.domain.event import Event
from event_service.wire.capacity_pools import capacity_pool_to_wire
from event_service.wire.discounts import discount_to_wire
from event_service.wire.event_dates import event_date_to_wire
from event_service.wire.events import event_to_wire
from event_service.wire.questions import question_to_wire
from event_service.wire.seating import seating_plan_to_wire
from event_service.wire.ticket_types import ticket_type_to_wire
from usher.event.v1.domain_events_pb2 import EventSnapshot


def snapshot(event: Event) -> EventSnapshot:
    """The event with all that is sold for it."""
    name, offer = event.name, event.offer
    return EventSnapshot(
        event=event_to_wire(event),
        ticket_types=[ticket_type_to_wire(name, each) for each in offer.ticket_types],
        capacity_pools=[capacity_pool_to_wire(name, each) for each in offer.capacity_pools],
        dates=[event_date_to_wire(name, each) for each in offer.dates],
        questions=[question_to_wire(name, each) for each in offer.questions],
        discounts=[discount_to_wire(name, each) for each in offer.discounts],
        seating_plan=seating_plan_to_wire(name, offer.seating_plan) if offer.seating_plan.sections else None,
    )

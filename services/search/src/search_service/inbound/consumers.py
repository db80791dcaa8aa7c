"""What search learns from the event and booking services."""

from typing import Any, Protocol

from event_backbone import Received, Subscription
from search_service.domain.ports import EventIndex, Sources
from search_service.handlers.index_change import index_availability, index_event
from search_service.inbound.messages import availability_of, event_state_of
from usher.booking.v1 import domain_events_pb2 as booking_facts
from usher.event.v1 import domain_events_pb2 as event_facts

EVENTS, BOOKINGS = "search.event", "search.booking"
EVENT_FACTS: tuple[Any, ...] = (
    event_facts.EventCreated,
    event_facts.EventUpdated,
    event_facts.EventPublished,
    event_facts.EventCancelled,
    event_facts.EventDeleted,
    event_facts.TicketTypeCreated,
    event_facts.TicketTypeChanged,
    event_facts.TicketTypeDeleted,
    event_facts.CapacityPoolCreated,
    event_facts.CapacityPoolChanged,
    event_facts.CapacityPoolDeleted,
    event_facts.EventDateCreated,
    event_facts.EventDateChanged,
    event_facts.EventDateDeleted,
    event_facts.QuestionCreated,
    event_facts.QuestionChanged,
    event_facts.QuestionDeleted,
    event_facts.DiscountCreated,
    event_facts.DiscountChanged,
    event_facts.DiscountDeleted,
    event_facts.SeatingPlanChanged,
)


class _WithSnapshot(Protocol):
    snapshot: event_facts.EventSnapshot


def event_subscription(sources: Sources, index: EventIndex) -> Subscription:
    """Every domain event of an event carries all of it."""

    async def follow(fact: _WithSnapshot, received: Received) -> None:
        await index_event(sources, index, event_state_of(fact.snapshot, received.version))

    return Subscription(EVENTS, ["usher.event.v1"], dict.fromkeys(EVENT_FACTS, follow))


def booking_subscription(sources: Sources, index: EventIndex) -> Subscription:
    """What can be booked, as of its last change."""

    async def follow(fact: booking_facts.AvailabilityChanged, received: Received) -> None:
        await index_availability(sources, index, availability_of(fact.availability, received.version))

    return Subscription(BOOKINGS, ["usher.booking.v1"], {booking_facts.AvailabilityChanged: follow})

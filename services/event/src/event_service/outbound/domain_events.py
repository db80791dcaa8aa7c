"""Domain events of the event service as messages on its topic."""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from domain_kit.backbone import EncodedEvent
from domain_kit.refusals import ResourceExhausted
from domain_kit.repository import DomainEvent
from event_service.domain import domain_events as facts
from event_service.domain.capacity_pool import CapacityPool
from event_service.domain.discount import Discount
from event_service.domain.event import Event
from event_service.domain.event_date import EventDate
from event_service.domain.offer import KINDS
from event_service.domain.question import Question
from event_service.domain.ticket_type import TicketType
from event_service.wire.snapshots import snapshot
from usher.event.v1 import domain_events_pb2 as pb

# Kafka takes records of one mebibyte; the rest is for headers.
LARGEST = 900_000


def _of_part(kind: type[Any], message: type[Message], field: str) -> Callable[[Any, Event], Message]:
    collection = KINDS[kind].collection
    return lambda fact, event: message(
        **{"snapshot": snapshot(event), field: f"{event.name}/{collection}/{fact.id}"}
    )  # fmt: skip


# Fact → message; the snapshot is of the event after all facts of the same change.
MESSAGES: dict[type[Any], Callable[[Any, Event], Message]] = {
    facts.EventCreated: lambda _, event: pb.EventCreated(snapshot=snapshot(event)),
    facts.EventUpdated: lambda fact, event: pb.EventUpdated(snapshot=snapshot(event), changed_paths=fact.paths),
    facts.EventPublished: lambda _, event: pb.EventPublished(snapshot=snapshot(event)),
    facts.EventCancelled: lambda fact, event: pb.EventCancelled(snapshot=snapshot(event), reason=fact.reason),
    facts.EventDeleted: lambda _, event: pb.EventDeleted(snapshot=snapshot(event)),
    facts.TicketTypeCreated: _of_part(TicketType, pb.TicketTypeCreated, "ticket_type"),
    facts.TicketTypeChanged: _of_part(TicketType, pb.TicketTypeChanged, "ticket_type"),
    facts.TicketTypeDeleted: _of_part(TicketType, pb.TicketTypeDeleted, "ticket_type"),
    facts.CapacityPoolCreated: _of_part(CapacityPool, pb.CapacityPoolCreated, "capacity_pool"),
    facts.CapacityPoolChanged: _of_part(CapacityPool, pb.CapacityPoolChanged, "capacity_pool"),
    facts.CapacityPoolDeleted: _of_part(CapacityPool, pb.CapacityPoolDeleted, "capacity_pool"),
    facts.EventDateCreated: _of_part(EventDate, pb.EventDateCreated, "event_date"),
    facts.EventDateChanged: _of_part(EventDate, pb.EventDateChanged, "event_date"),
    facts.EventDateDeleted: _of_part(EventDate, pb.EventDateDeleted, "event_date"),
    facts.QuestionCreated: _of_part(Question, pb.QuestionCreated, "question"),
    facts.QuestionChanged: _of_part(Question, pb.QuestionChanged, "question"),
    facts.QuestionDeleted: _of_part(Question, pb.QuestionDeleted, "question"),
    facts.DiscountCreated: _of_part(Discount, pb.DiscountCreated, "discount"),
    facts.DiscountChanged: _of_part(Discount, pb.DiscountChanged, "discount"),
    facts.DiscountDeleted: _of_part(Discount, pb.DiscountDeleted, "discount"),
    facts.SeatingPlanChanged: lambda _, event: pb.SeatingPlanChanged(
        snapshot=snapshot(event), seating_plan=f"{event.name}/seatingPlan"
    ),
}
# What must be possible with an event of any size.
ALWAYS = (facts.EventPublished, facts.EventCancelled, facts.EventDeleted)


def encode(fact: DomainEvent, event: Event) -> EncodedEvent:
    """The wire form of a fact with the event after it; ResourceExhausted EVENT_TOO_LARGE."""
    message = MESSAGES[type(fact)](fact, event)
    payload = message.SerializeToString(deterministic=True)
    if len(payload) > LARGEST and not isinstance(fact, ALWAYS):
        raise ResourceExhausted("EVENT_TOO_LARGE", f"An event with all its parts has at most {LARGEST} bytes.")
    return EncodedEvent(message.DESCRIPTOR.full_name, payload)

"""What the event service measures."""

from telemetry import Metrics, counter, families
from usher.event.v1 import domain_events_pb2 as pb

EVENTS = counter("events", "Events.", {"outcome": "`created`, `published`, `cancelled` or `deleted`"})

METRICS = (*families.EVERY_SERVICE, *families.PUBLISHES, *families.CALLS_SERVICES, EVENTS)

OUTCOMES = {
    EVENTS: {
        "created": pb.EventCreated,
        "published": pb.EventPublished,
        "cancelled": pb.EventCancelled,
        "deleted": pb.EventDeleted,
    }
}


def count_business(metrics: Metrics) -> None:
    """What organizers do, counted from the domain events of this process."""
    metrics.domain_events.outcomes(OUTCOMES)

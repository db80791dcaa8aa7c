"""What the notification service measures."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from telemetry import Metrics, counter, families, gauge, histogram
from telemetry.declarations import DELAYS
from usher.notification.v1 import domain_events_pb2 as pb

NOTIFICATIONS = counter(
    "notifications",
    "Messages to people.",
    {"template": "what it says: `booking_confirmed`, …", "outcome": "`queued`, `delivered` or `failed` (given up)"},
)
DELIVERY = histogram(
    "notification_delivery_seconds", "From queueing a message to the next server taking it.", buckets=DELAYS
)
WAITING = gauge(
    "notifications_waiting", "Messages looked at that wait for being sent, at most 1000. Of who holds the lease."
)
OLDEST = gauge("notifications_oldest_waiting_seconds", "Age of the oldest of them; 0 when none waits.")

METRICS = (
    *families.EVERY_SERVICE,
    *families.PUBLISHES,
    *families.CONSUMES,
    *families.CALLS,
    NOTIFICATIONS,
    DELIVERY,
    WAITING,
    OLDEST,
)

OUTCOMES: Mapping[str, Any] = {
    "queued": pb.NotificationQueued,
    "delivered": pb.NotificationDelivered,
    "failed": pb.NotificationFailed,
}


def count_business(metrics: Metrics) -> None:
    """What became of messages, counted from the domain events of this process."""
    notifications, delivery = metrics.counter(NOTIFICATIONS), metrics.histogram(DELIVERY)

    def counted(outcome: str, payload: bytes) -> None:
        message = OUTCOMES[outcome].FromString(payload).notification
        notifications.labels(message.template, outcome).inc()
        if outcome == "delivered":
            taken = message.deliver_time.ToDatetime() - message.create_time.ToDatetime()
            delivery.observe(max(0.0, taken.total_seconds()))

    for outcome, kind in OUTCOMES.items():
        metrics.domain_events.read(kind.DESCRIPTOR.full_name, partial(counted, outcome))


def queue_figures(metrics: Metrics) -> Callable[[int, timedelta], None]:
    """What is told of the queue: how many wait, and for how long the oldest does."""
    waiting, oldest = metrics.gauge(WAITING), metrics.gauge(OLDEST)

    def told(count: int, age: timedelta) -> None:
        waiting.set(count)
        oldest.set(age.total_seconds())

    return told

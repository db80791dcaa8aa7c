"""Domain events over Kafka: from an outbox to the handlers of other services, in order, whatever the broker does."""

from event_backbone.broker import Broker, BrokerUnavailable
from event_backbone.consumer import Consumer
from event_backbone.dead_letters import DEAD_LETTER_TOPIC
from event_backbone.kafka import KafkaBroker
from event_backbone.metrics import ConsumerMetrics, RelayMetrics
from event_backbone.recovery import ensure_topics, redrive, replay
from event_backbone.relay import AroundBatch, Relay
from event_backbone.subscription import Handler, NotYet, Received, Subscription

__all__ = [
    "DEAD_LETTER_TOPIC",
    "AroundBatch",
    "Broker",
    "BrokerUnavailable",
    "Consumer",
    "ConsumerMetrics",
    "Handler",
    "KafkaBroker",
    "NotYet",
    "Received",
    "Relay",
    "RelayMetrics",
    "Subscription",
    "ensure_topics",
    "redrive",
    "replay",
]

"""Domain events of the notification service as messages on its topic."""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from domain_kit.backbone import EncodedEvent
from domain_kit.repository import DomainEvent
from notification_service.domain import domain_events as facts
from notification_service.domain.notification import Notification
from notification_service.wire.notifications import notification_to_wire
from usher.notification.v1 import domain_events_pb2 as pb
from usher.notification.v1.notification_pb2 import Notification as NotificationMessage

MESSAGES: dict[type[Any], Callable[[NotificationMessage], Message]] = {
    facts.NotificationQueued: lambda state: pb.NotificationQueued(notification=state),
    facts.NotificationDelivered: lambda state: pb.NotificationDelivered(notification=state),
    facts.NotificationFailed: lambda state: pb.NotificationFailed(notification=state),
}


def encode(fact: DomainEvent, notification: Notification) -> EncodedEvent:
    """The wire form of a fact with the notification after it; the subject line stays with the mail."""
    message = MESSAGES[type(fact)](notification_to_wire(notification, subject=""))
    return EncodedEvent(message.DESCRIPTOR.full_name, message.SerializeToString(deterministic=True))

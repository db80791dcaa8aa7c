"""What a service listens to: one named consumer, its topics, one handler for each type of domain event."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from google.protobuf.message import Message

from domain_kit.backbone import InboxEvent
from domain_kit.refusals import Unavailable
from domain_kit.repository import Cause


class NotYet(Unavailable):
    """A handler needs something that has not arrived, such as a projection another topic feeds; it is tried again."""

    def __init__(self, what: str) -> None:
        super().__init__("NOT_YET", what)


@dataclass(frozen=True, slots=True)
class Received:
    """The attributes of a domain event beside its message."""

    id: str
    type: str
    subject: str
    version: int
    time: datetime
    correlation_id: str
    traceparent: str

    @classmethod
    def of(cls, event: InboxEvent) -> "Received":
        """Without the payload."""
        return cls(
            event.id, event.type, event.subject, event.version, event.time, event.correlation_id, event.traceparent
        )

    def cause(self, consumer: str, part: str = "") -> Cause:
        """The cause of what a handler writes. One that makes several commits names each with another `part`."""
        key = f"{consumer}|{self.id}|{part}" if part else f"{consumer}|{self.id}"
        return Cause(
            key=key,
            actor=f"services/{consumer.partition('.')[0]}",
            correlation_id=self.correlation_id,
            traceparent=self.traceparent,
        )


# Idempotent: a domain event may come again after a crash; its cause then answers the second write with the first.
# Declared with the message class it is registered for, hence Any.
Handler = Callable[[Any, Received], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Subscription:
    """`consumer` ("booking.payments") is the consumer group, the name in the inbox, and the prefix of causes."""

    consumer: str
    topics: Sequence[str]
    handlers: Mapping[type[Message], Handler]

    def by_type(self) -> dict[str, tuple[type[Message], Handler]]:
        """CloudEvents type → message class and handler."""
        return {kind.DESCRIPTOR.full_name: (kind, handler) for kind, handler in self.handlers.items()}

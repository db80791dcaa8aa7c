"""The topic where people look for what a consumer could not apply; the inbox keeps what a redrive needs."""

from contextlib import AsyncExitStack

from domain_kit.backbone import InboxEvent, OutboxEvent
from domain_kit.crash_points import crash_point
from event_backbone.broker import DEFAULT_PARTITIONS, Broker, BrokerUnavailable, Outgoing, Record, Writer
from event_backbone.records import encode_event

DEAD_LETTER_TOPIC = "usher.dead-letters.v1"


class DeadLetters:
    """Connects with the first dead letter, since most processes never have one."""

    def __init__(self, broker: Broker, consumer: str, topic: str = DEAD_LETTER_TOPIC) -> None:
        self._broker, self._consumer, self._topic = broker, consumer, topic
        self._opened = AsyncExitStack()
        self._writer: Writer | None = None

    async def put_event(self, event: InboxEvent, reason: str) -> None:
        """A domain event whose handler failed, with its own headers; BrokerUnavailable."""
        as_sent = encode_event(
            OutboxEvent(
                event.id, event.type, event.subject, event.version, event.time, event.payload,
                event.correlation_id, event.traceparent, row="", index=0, trail=event.trail,
            ),
            topic=self._topic,
            source=event.source,
        )  # fmt: skip
        await self._send(Outgoing(self._topic, as_sent.key, as_sent.value, (*as_sent.headers, *self._why(reason))))

    async def put_record(self, record: Record, reason: str) -> None:
        """A record that is no domain event, as it was, and where it stood; BrokerUnavailable."""
        origin = f"{record.topic}/{record.partition}/{record.offset}".encode()
        headers = (*record.headers, *self._why(reason), ("dead-letter-origin", origin))
        await self._send(Outgoing(self._topic, record.key, record.value, headers))

    async def close(self) -> None:
        """Disconnect; the next dead letter connects again."""
        self._writer = None
        await self._opened.aclose()

    def _why(self, reason: str) -> tuple[tuple[str, bytes], ...]:
        return (("dead-letter-consumer", self._consumer.encode()), ("dead-letter-reason", reason.encode()))

    async def _send(self, record: Outgoing) -> None:
        if self._writer is None:
            await self._broker.ensure_topics({self._topic: DEFAULT_PARTITIONS})
            self._writer = await self._opened.enter_async_context(self._broker.writer())
        crash_point("dead_letters.before_publish")
        if None in await self._writer.send([record]):
            await self.close()
            raise BrokerUnavailable("a dead letter was not acknowledged")
        crash_point("dead_letters.after_publish")

"""What operators do after trouble: create topics, drive dead letters again, publish the event store once more."""

from collections.abc import Collection, Mapping, Sequence

from domain_kit.backbone import Inbox, Outbox, OutboxEvent
from event_backbone.broker import Broker, BrokerUnavailable
from event_backbone.kafka import broker_of
from event_backbone.records import encode_event

REPLAY_BATCH = 500


async def ensure_topics(brokers: str | Broker, topics: Mapping[str, int]) -> None:
    """Create the missing ones of {topic: partitions}; BrokerUnavailable."""
    await broker_of(brokers).ensure_topics(topics)


async def redrive(inbox: Inbox, consumer: str, ids: Sequence[str] = ()) -> int:
    """Let a running consumer try its dead domain events again, all or these; how many. It notices within seconds."""
    return await inbox.revive(consumer, ids)


async def replay(
    outbox: Outbox,
    *,
    topic: str,
    source: str,
    brokers: str | Broker,
    subject_prefix: str = "",
    types: Collection[str] = (),
) -> int:
    """Publish the event store again, or the part with these subjects and types; how many domain events.

    Consumers skip what they have applied; reset a consumer's inbox first to have it start from zero. BrokerUnavailable.
    """
    broker, count = broker_of(brokers), 0
    async with broker.writer() as writer:

        async def send(events: Sequence[OutboxEvent]) -> None:
            positions = await writer.send([encode_event(event, topic=topic, source=source) for event in events])
            if None in positions:
                raise BrokerUnavailable(f"the replay broke off after {count} domain events")

        batch: list[OutboxEvent] = []
        async for event in outbox.everything():
            if event.subject.startswith(subject_prefix) and (not types or event.type in types):
                batch.append(event)
            if len(batch) == REPLAY_BATCH:
                await send(batch)
                count += len(batch)
                batch.clear()
        if batch:
            await send(batch)
            count += len(batch)
    return count

"""A consumer with nothing to do leaves the machine alone."""

import asyncio
import time

from event_backbone import KafkaBroker, ensure_topics
from event_backbone.broker import Outgoing


async def test_an_idle_reader_takes_next_to_no_time_of_a_core(engine):
    await ensure_topics(engine.brokers, {"usher.idle.v1": 4})
    async with KafkaBroker(engine.brokers).reader("idle", ["usher.idle.v1"]) as reader:
        await reader.read(0.5, 10)
        began = time.process_time()
        assert await reader.read(3.0, 10) == []
        used = time.process_time() - began
    assert used < 0.6, used  # 1.7 s without the pauses


async def test_a_record_after_a_long_silence_is_read_within_a_moment(engine):
    await ensure_topics(engine.brokers, {"usher.quiet.v1": 1})
    broker = KafkaBroker(engine.brokers)
    async with broker.reader("quiet", ["usher.quiet.v1"]) as reader, broker.writer() as writer:
        await reader.read(1.0, 10)
        reading = asyncio.create_task(reader.read(10.0, 10))
        began = time.monotonic()
        await writer.send([Outgoing("usher.quiet.v1", b"k", b"v", ())])
        assert [record.value for record in await reading] == [b"v"]
        assert time.monotonic() - began < 1.0

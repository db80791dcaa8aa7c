"""Ending aiokafka's clients in bounded time: left to themselves they wait without end for a broker that is gone."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

# aiokafka cannot cut its connections, so this module reaches for its private parts; beside it only `patience` does.
# ruff: noqa: SLF001

log = logging.getLogger(__name__)

CLOSE_SECONDS = 1.0


async def close_producer(producer: AIOKafkaProducer) -> None:
    """Flush and close; what is unsent is dropped when time is up."""
    await close_within(CLOSE_SECONDS, producer.stop, producer.client.close, lambda: producer._sender.sender_task)


async def close_consumer(consumer: AIOKafkaConsumer) -> None:
    """Leave the group and close."""
    if getattr(consumer._coordinator, "_group_instance_id", None) is not None:
        # Members with a name do not say goodbye in aiokafka; without it the rest would wait for this one's session.
        consumer._coordinator._group_instance_id = None
    await close_within(CLOSE_SECONDS, consumer.stop, consumer._client.close)


async def close_admin(admin: AIOKafkaAdminClient) -> None:
    """Close."""
    await close_within(CLOSE_SECONDS, admin.close, admin._client.close)


async def close_within(
    seconds: float,
    stop: Callable[[], Awaitable[None]],
    disconnect: Callable[[], Awaitable[None]],
    leftover: Callable[[], asyncio.Task[Any] | None] = lambda: None,
) -> None:
    """Close an aiokafka client, which waits without end for a broker that is gone: after `seconds` its connections are
    cut under it, after `seconds` more it is abandoned.
    """
    stopping = asyncio.ensure_future(stop())
    try:
        if not (await asyncio.wait({stopping}, timeout=seconds))[0]:
            cutting = asyncio.ensure_future(disconnect())
            await asyncio.wait({stopping, cutting}, timeout=seconds)
            cutting.cancel()
    finally:
        for task in (stopping, leftover()):
            if task is not None and not task.done():
                task.cancel()
                await asyncio.wait({task}, timeout=seconds)
    if not stopping.done():
        log.warning("a Kafka client did not close")
    elif not stopping.cancelled() and stopping.exception() is not None:
        log.info("a Kafka client closed with an error", extra={"error": repr(stopping.exception())})

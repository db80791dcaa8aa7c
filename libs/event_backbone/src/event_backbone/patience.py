"""Pauses between empty fetches, for brokers that answer one at once instead of after `fetch.max.wait.ms`.

The embedded broker does; without a pause an idle consumer asked it 2,800 times a second and took 60 % of a core. A
broker that keeps the wait, as Apache Kafka does, is never made to wait longer.
"""

import asyncio
import time
from typing import Any

from aiokafka import AIOKafkaConsumer

# Seconds. A wait of the broker's own is far above the first; idle consumers settle at the last.
SHORTEST, LONGEST = 0.01, 0.08


def pause_between_empty_fetches(consumer: AIOKafkaConsumer) -> None:
    """Call before `consumer.start()`. aiokafka has no setting for it, so its client's `send` is wrapped."""
    client = consumer._client  # noqa: SLF001 - see above
    send = client.send
    pause = SHORTEST

    async def patient(node_id: int, request: Any, **options: Any) -> Any:
        nonlocal pause
        began = time.monotonic()
        response = await send(node_id, request, **options)
        if type(request).__name__.startswith("FetchRequest"):
            if _has_records(response):
                pause = SHORTEST
            elif time.monotonic() - began < pause:
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST)
        return response

    client.send = patient


def _has_records(response: Any) -> bool:
    """Whether any partition brought records or an error, which is to be seen at once."""
    return any(code or records for _, partitions in response.topics for _, code, *_, records in partitions)

"""Wakes the streams of this process that watch places: one timer an event, and only those that are due."""

import asyncio
import heapq
import itertools
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from domain_kit.clock import Clock
from domain_kit.refusals import Refusal, ResourceExhausted

# Streams that one look wakes at most: the others follow with the next, so that waking never holds up other rpcs.
AT_ONCE = 200


class _Topic:
    """One event that somebody watches. sleepers: (due, order, bell)."""

    def __init__(self) -> None:
        self.streams = 0
        self.sleepers: list[tuple[datetime, int, asyncio.Event]] = []
        self.seen: Any = None
        self.timer: asyncio.Task[None] | None = None


class PlaceWatchers:
    """domain.waiting_ports.Watchers.

    look: what the places of an event depend on besides the time; when it changes, all its streams are woken.
    """

    def __init__(
        self, look: Callable[[str], Awaitable[Any]], clock: Clock, *, limit: int, tick_seconds: float = 0.25
    ) -> None:
        self._look, self._clock, self._limit, self._tick_seconds = look, clock, limit, tick_seconds
        self._topics: dict[str, _Topic] = {}
        self._order = itertools.count()
        self._streams = 0
        self._log = logging.getLogger(__name__)
        self.closed = False

    @contextmanager
    def watching(self, event: str) -> Iterator[None]:
        """One more stream, for as long as the context lasts. ResourceExhausted TOO_MANY_WATCHERS."""
        if self._streams >= self._limit:
            raise ResourceExhausted(
                "TOO_MANY_WATCHERS",
                "No more streams can be served here; ask for the place now and then instead.",
                retry_after=timedelta(seconds=30),
            )
        topic = self._topics.setdefault(event, _Topic())
        self._streams, topic.streams = self._streams + 1, topic.streams + 1
        if topic.timer is None:
            topic.timer = asyncio.create_task(self._keep_looking(event))
        try:
            yield
        finally:
            self._streams, topic.streams = self._streams - 1, topic.streams - 1
            if not topic.streams:
                topic.timer.cancel()
                del self._topics[event]

    async def until(self, event: str, due: datetime) -> None:
        """Returns about then, or when what the event's places depend on has changed, or when the service stops."""
        if self.closed:
            return
        bell = asyncio.Event()
        heapq.heappush(self._topics[event].sleepers, (due, next(self._order), bell))
        await bell.wait()

    def close(self) -> None:
        """End all streams."""
        self.closed = True
        for topic in self._topics.values():
            for _, _, bell in topic.sleepers:
                bell.set()

    async def look(self, event: str) -> None:
        """One look: wakes whoever is due, or all when something has changed."""
        topic = self._topics[event]
        try:
            seen = await self._look(event)
        except Refusal:
            seen = topic.seen
        except Exception:  # noqa: BLE001  # whatever it is, it must not end the timer of all streams
            self._log.exception("a waiting room could not be looked at")
            seen = topic.seen
        if seen != topic.seen:
            # All are due now, those first who were due first.
            now = self._clock()
            topic.sleepers = sorted((min(due, now), order, bell) for due, order, bell in topic.sleepers)
            topic.seen = seen
        now = self._clock()
        for _ in range(AT_ONCE):
            if not topic.sleepers or topic.sleepers[0][0] > now:
                break
            heapq.heappop(topic.sleepers)[2].set()

    async def _keep_looking(self, event: str) -> None:
        while True:
            await asyncio.sleep(self._tick_seconds)
            await self.look(event)

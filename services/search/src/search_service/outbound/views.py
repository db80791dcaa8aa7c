"""Frozen views of the index (points in time), shared by the searches of a moment."""

import asyncio
import time
from collections import deque
from typing import Protocol

FRESH_SECONDS = 0.3
KEEP_ALIVE = "2m"


class PointsInTime(Protocol):
    """The part of elastic_store.Index this needs."""

    async def open_point_in_time(self, keep_alive: str = "1m") -> str:
        """Freeze a view; its id."""

    async def close_point_in_time(self, pit: str) -> None:
        """Let the server forget it before its time."""


class Views:
    """Later pages come from the view of their first page, so nothing shifts while the index changes.

    A view costs the server memory, an embedded one a copy of everything. So one serves all first pages of
    FRESH_SECONDS, and only the latest `most` stay open; who comes back later goes on in a newer view.
    """

    def __init__(self, index: PointsInTime, *, most: int, fresh_seconds: float = FRESH_SECONDS) -> None:
        self._index, self._most, self._fresh_seconds = index, max(1, most), fresh_seconds
        self._open: deque[str] = deque()
        self._opened_at = 0.0
        self._opening = asyncio.Lock()

    async def current(self) -> str:
        """The id of a view that is at most FRESH_SECONDS old."""
        async with self._opening:
            # The age counts from before it was opened: what is visible later may not be in it.
            asked_at = time.monotonic()
            if not self._open or asked_at >= self._opened_at + self._fresh_seconds:
                self._open.append(await self._index.open_point_in_time(KEEP_ALIVE))
                self._opened_at = asked_at
                while len(self._open) > self._most:
                    await self._index.close_point_in_time(self._open.popleft())
            return self._open[-1]

    def forget(self, view: str) -> None:
        """The server does not know it any more."""
        if view in self._open:
            self._open.remove(view)
        self._opened_at = 0.0

    async def close(self) -> None:
        """Let the server forget all of them."""
        while self._open:
            await self._index.close_point_in_time(self._open.popleft())

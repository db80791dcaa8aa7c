"""Tells the streams of this process what changes: at once what its own lanes commit, soon what other processes do."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from booking_service.domain.availability import next_change
from booking_service.domain.stock import Stock
from booking_service.outbound.shelf import Finder, load_stocks
from domain_kit.clock import Clock
from domain_kit.refusals import Unavailable


@dataclass(slots=True)
class _Topic:
    """One event that somebody watches. due: when its availability changes by itself."""

    stock: Stock | None = None
    due: datetime | None = None
    bells: set[asyncio.Event] = field(default_factory=set)

    def ring(self) -> None:
        for bell in self.bells:
            bell.set()


class StockChanges:
    """domain.ports.Changes. poll_seconds: how long another process's commit may go unnoticed."""

    def __init__(self, store: Finder, clock: Clock, *, poll_seconds: float = 0.25) -> None:
        self._store, self._clock, self._poll_seconds = store, clock, poll_seconds
        self._topics: dict[str, _Topic] = {}
        self._closed = False
        self._listeners: list[Callable[[Stock], None]] = []

    def listen(self, listener: Callable[[Stock], None]) -> None:
        """Call `listener` with each stock that a commit of this process has changed."""
        self._listeners.append(listener)

    def committed(self, stock: Stock) -> None:
        """A lane of this process has changed it."""
        for listener in self._listeners:
            listener(stock)
        self._tell(stock)

    async def follow(self, event: str) -> AsyncGenerator[Stock, None]:
        """The present stock, then the newest whenever it or its meaning has changed; ends when the service stops."""
        bell = asyncio.Event()
        topic = self._topics.setdefault(event, _Topic())
        topic.bells.add(bell)
        try:
            if topic.stock is None:
                self._tell((await load_stocks(self._store, [event]))[event])
            while not self._closed and topic.stock is not None:
                bell.clear()
                yield topic.stock
                await bell.wait()
        finally:
            topic.bells.discard(bell)
            if not topic.bells and self._topics.get(event) is topic:
                del self._topics[event]

    def close(self) -> None:
        """End all streams."""
        self._closed = True
        for topic in self._topics.values():
            topic.ring()

    async def run(self) -> None:
        """Look for commits of other processes and for what time alone changes, until cancelled."""
        while True:
            await asyncio.sleep(self._poll_seconds)
            with suppress(Unavailable):
                await self.look()

    async def look(self) -> None:
        """One look."""
        now = self._clock()
        known = {event: topic.stock for event, topic in self._topics.items() if topic.stock is not None}
        if known:
            for stock in (await load_stocks(self._store, known, known)).values():
                self._tell(stock)
        for topic in self._topics.values():
            if topic.due is not None and topic.due <= now:
                self._look_ahead(topic)
                topic.ring()

    def _tell(self, stock: Stock) -> None:
        topic = self._topics.get(stock.event)
        if topic is None or (topic.stock is not None and topic.stock.inventory.version >= stock.inventory.version):
            return
        topic.stock = stock
        self._look_ahead(topic)
        topic.ring()

    def _look_ahead(self, topic: _Topic) -> None:
        offer = None if topic.stock is None else topic.stock.offer
        topic.due = None if offer is None else next_change(offer, self._clock())

"""Offers kept for a moment: what a lane has just committed need not be read, nor what was read a moment ago.

Who has a lane check what was decided on an offer (`Hold.unasked`) takes one of any age and reads nothing.
"""

import asyncio
import time
from collections.abc import Callable

from booking_service.domain.offer import Offer
from booking_service.domain.ports import StockReader
from booking_service.domain.stock import Stock

REMEMBERED = 2048


class KnownOffers:
    """domain.waiting_ports.Offers. `seconds`: how old what it tells may be."""

    def __init__(
        self, stocks: StockReader, *, seconds: float = 5.0, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._stocks, self._seconds, self._timer = stocks, seconds, timer
        self._known: dict[str, tuple[float, Offer | None]] = {}
        self._reading: dict[str, asyncio.Task[Offer | None]] = {}

    def committed(self, stock: Stock) -> None:
        """A lane of this process has decided on it and nobody else's offer stood in the way."""
        self._keep(stock.event, stock.offer)

    def learn(self, offer: Offer) -> None:
        """See domain.waiting_ports.Offers."""
        self._keep(offer.event, offer)

    async def last_known(self, event: str) -> Offer | None:
        """See domain.waiting_ports.Offers."""
        _, offer = self._known.get(event, (0.0, None))
        return await self.offer(event) if offer is None else offer

    async def offer(self, event: str) -> Offer | None:
        """None when the event is not known."""
        at, offer = self._known.get(event, (float("-inf"), None))
        if self._timer() < at + self._seconds:
            return offer
        reading = self._reading.get(event)
        if reading is None:
            reading = self._reading[event] = asyncio.create_task(self._read(event))
            reading.add_done_callback(lambda done: self._end(event, done))
        return await asyncio.shield(reading)

    async def _read(self, event: str) -> Offer | None:
        return self._keep(event, await self._stocks.offer(event))

    def _end(self, event: str, done: "asyncio.Task[Offer | None]") -> None:
        del self._reading[event]
        if not done.cancelled():
            done.exception()  # every caller may have gone away

    def _keep(self, event: str, offer: Offer | None) -> Offer | None:
        """A newer one stays: a read may have begun before the commit that brought it."""
        _, known = self._known.pop(event, (0.0, None))
        if known is not None and (offer is None or offer.version < known.version):
            offer = known
        self._known[event] = (self._timer(), offer)
        while len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]
        return offer

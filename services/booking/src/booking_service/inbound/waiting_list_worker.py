"""Background work for waiting lists: offers what comes free, in one process at a time."""

import asyncio
import logging
from contextlib import suppress

from booking_service.domain.ports import Desk, StockReader
from booking_service.domain.stock import Stock
from booking_service.domain.waiting_list import next_look
from booking_service.domain.waiting_list_ports import EntryReader, ListsToServe
from booking_service.handlers.serve_waiting_list import serve_waiting_list
from booking_service.inbound.workers import Leases
from domain_kit.clock import Clock
from domain_kit.ids import new_id
from domain_kit.refusals import Refusal, Unavailable

WAITING_LIST_LEASE = "waiting_list"
_LISTS = 100


class WaitingListWorker:
    """Serves waiting lists as soon as a commit of this process leaves something to do for them.

    What other processes commit, what time alone brings and what a kill -9 leaves behind it finds by looking every
    `poll` seconds: each inventory says from when on somebody should look. While another process holds the lease it does
    nothing. lease: seconds after which a process that is gone has a successor.
    """

    def __init__(
        self,
        entries: EntryReader,
        lists: ListsToServe,
        stocks: StockReader,
        desk: Desk,
        leases: Leases,
        clock: Clock,
        *,
        poll: float = 1.0,
        lease: float = 6.0,
    ) -> None:
        self._entries, self._lists, self._stocks, self._desk = entries, lists, stocks, desk
        self._leases, self._clock, self._poll, self._lease = leases, clock, poll, lease
        self._owner = new_id()
        self._marked: set[str] = set()
        self._bell, self._stopping = asyncio.Event(), False
        self._log = logging.getLogger(__name__)

    def committed(self, stock: Stock) -> None:
        """A lane of this process has changed it."""
        now = self._clock()
        look = None if stock.offer is None else next_look(stock.offer, stock.inventory, now)
        if look is not None and look <= now:
            self._marked.add(stock.event)
            self._bell.set()

    def stop(self) -> None:
        """`run` returns after what it has in hand."""
        self._stopping = True
        self._bell.set()

    async def run(self) -> None:
        """Until stopped."""
        try:
            while not self._stopping:
                self._bell.clear()
                with suppress(Unavailable):
                    if await self._leading():
                        await self._serve_all()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._poll):
                        await self._bell.wait()
        finally:
            with suppress(Refusal):
                await self._leases.release_lease(WAITING_LIST_LEASE, self._owner)

    async def _leading(self) -> bool:
        leads = await self._leases.hold_lease(WAITING_LIST_LEASE, self._owner, self._lease)
        if not leads:
            self._marked.clear()
        return leads

    async def _serve_all(self) -> None:
        """A batch of each list in turn, as long as there is something to do and the lease is ours."""
        found = set(await self._lists.due(self._clock(), _LISTS))
        found, self._marked = found | self._marked, set()
        while found and not self._stopping and await self._leading():
            events = sorted(found)
            more = await asyncio.gather(*(self._serve(event) for event in events))
            found = {event for event, again in zip(events, more, strict=True) if again} | self._marked
            self._marked = set()

    async def _serve(self, event: str) -> bool:
        """Whether there may be more to do. What fails is found again by the next look."""
        try:
            return await serve_waiting_list(self._entries, self._stocks, self._desk, self._clock, event=event)
        except Refusal:
            return False
        except Exception:  # noqa: BLE001  # one list's trouble must not end the worker
            self._log.exception("a waiting list could not be served")
            return False

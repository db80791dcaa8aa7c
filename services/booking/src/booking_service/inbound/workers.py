"""Background work: holds that run out, imports that stopped, bookings of what is over, telling what can be booked."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from booking_service.domain.availability import availability_of
from booking_service.domain.booking import Booking
from booking_service.domain.commands import TicketIssuer
from booking_service.domain.ports import Announcements, BookingReader, Desk, ImportReader, StockReader
from booking_service.domain.stock import Stock
from booking_service.handlers.announce_availability import announce_availability
from booking_service.handlers.close_bookings import close_bookings
from booking_service.handlers.expire_holds import PAGE, expire_holds
from booking_service.handlers.finish_imports import finish_imports
from domain_kit.clock import Clock
from domain_kit.ids import new_id
from domain_kit.refusals import Refusal, Unavailable
from domain_kit.repository import Cause

EXPIRY_LEASE, CLOSING_LEASE = "expiry", "closing"
_PAGE = 100
_ROUNDING = 1e-6  # seconds
_ANSWERS_FIRST = 0.02  # seconds after a change, in which those whose calls made it are answered


class Leases(Protocol):
    """Work that one process at a time does."""

    async def hold_lease(self, lease: str, owner: str, seconds: float) -> bool:
        """Take or renew it; False while another owner holds it."""

    async def release_lease(self, lease: str, owner: str) -> None:
        """Give it back."""


class NewsSource(Protocol):
    """Which events have something to announce."""

    async def page(self, after: str) -> tuple[list[str], str | None]:
        """Those with a change not announced, after the name `after`; the next `after`, None at the end."""

    async def recent(self, seconds: float) -> list[str]:
        """Those with a change not announced that any process made within so many seconds."""

    async def due(self) -> list[str]:
        """Those that time alone has changed."""


class _Loop:
    """Something done again and again until it is asked to stop."""

    def __init__(self) -> None:
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """`run` returns after what it has in hand."""
        self._stopping.set()

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()


class Sweeper(_Loop):
    """Does again and again, in one process at a time, what time makes due. sweep: one page of it, telling how many."""

    def __init__(self, lease: str, sweep: Callable[[], Awaitable[int]], leases: Leases, *, seconds: float) -> None:
        super().__init__()
        self._lease, self._sweep, self._leases = lease, sweep, leases
        self._seconds, self._owner = seconds, new_id()

    async def run(self) -> None:
        """Until stopped."""
        try:
            while not self._stopping.is_set():
                full = False
                with suppress(Unavailable):
                    if await self._leases.hold_lease(self._lease, self._owner, 10 * self._seconds):
                        full = await self._sweep() == PAGE
                if not full:
                    await self._pause(self._seconds)
        finally:
            with suppress(Refusal):
                await self._leases.release_lease(self._lease, self._owner)


class MeasuringWorker(_Loop):
    """Takes figures that only the store knows."""

    def __init__(self, measure: Callable[[], Awaitable[None]], *, seconds: float = 10.0) -> None:
        super().__init__()
        self._measure, self._seconds = measure, seconds

    async def run(self) -> None:
        """Until stopped."""
        while not self._stopping.is_set():
            with suppress(Unavailable):
                await self._measure()
            await self._pause(self._seconds)


class ExpiryWorker(Sweeper):
    """Ends holds soon after their time; only the places shown free depend on how soon."""

    def __init__(
        self,
        bookings: BookingReader,
        desk: Desk,
        leases: Leases,
        cause_of: Callable[[Booking], Cause],
        clock: Clock,
        *,
        seconds: float = 1.0,
    ) -> None:
        async def sweep() -> int:
            return await expire_holds(bookings, desk, cause_of, now=clock())

        super().__init__(EXPIRY_LEASE, sweep, leases, seconds=seconds)


@dataclass(frozen=True, slots=True)
class _Rest:
    """An event that was just announced is not again before the moment `until`, so many seconds later.

    promised: it was not, but waits for its turn, which is then.
    """

    until: float
    seconds: float
    promised: bool = False


class ClosingWorker(_Loop):
    """Closes the bookings of what is over, in one process at a time."""

    def __init__(
        self,
        bookings: BookingReader,
        stocks: StockReader,
        desk: Desk,
        leases: Leases,
        clock: Clock,
        *,
        seconds: float = 5.0,
    ) -> None:
        super().__init__()
        self._bookings, self._stocks, self._desk, self._leases = bookings, stocks, desk, leases
        self._clock, self._seconds, self._owner = clock, seconds, new_id()

    async def run(self) -> None:
        """Until stopped. A lease that runs out during a long event does no harm: closing twice changes nothing."""
        try:
            while not self._stopping.is_set():
                with suppress(Unavailable):
                    if await self._leases.hold_lease(CLOSING_LEASE, self._owner, 10 * self._seconds):
                        await close_bookings(self._bookings, self._stocks, self._desk, now=self._clock())
                await self._pause(self._seconds)
        finally:
            with suppress(Refusal):
                await self._leases.release_lease(CLOSING_LEASE, self._owner)


class AnnouncingWorker(_Loop):
    """Announces changed availability: each event at most once every `gap` seconds, however often it changes.

    While it goes on changing the pause doubles from one announcement to the next, up to `longest`: what is announced
    each time costs the platform as much as several bookings. After a pause without a change it is `gap` again. Where
    many events change they queue, for the first time too, so that there are `most` announcements a second in all,
    those of `longest` seconds together, since a commit of two costs the services nearly what one of ten does; but
    what buyers act on, a sale state, a price or a phase, is told with the next round, every `gap` seconds.
    Commits of this process mark their event at once. Others are found: at the start those whose last announcement is
    older than their stock, which a kill -9 leaves behind; every `look` seconds what any process has changed of late;
    and what time alone changes.
    """

    def __init__(
        self,
        announcements: Announcements,
        stocks: StockReader,
        news: NewsSource,
        clock: Clock,
        *,
        gap: float = 0.1,
        longest: float = 1.0,
        look: float = 5.0,
        most: float = 10.0,
    ) -> None:
        super().__init__()
        self._announcements, self._stocks, self._news, self._clock = announcements, stocks, news, clock
        self._gap, self._longest, self._look, self._most = gap, max(gap, longest), look, most
        self._rests: dict[str, _Rest] = {}
        self._marked: set[str] = set()
        self._changed: dict[str, Stock] = {}
        self._committed: dict[str, Stock] = {}  # what this process left of those that are marked
        self._urgent: set[str] = set()  # of those that are marked, where more than numbers has changed
        self._turn = -math.inf  # of the last one that was announced or put off
        self._next_check = 0.0
        self._bell = asyncio.Event()
        self._log = logging.getLogger(__name__)

    def mark(self, event: str) -> None:
        """Its stock has changed."""
        self._marked.add(event)
        self._bell.set()

    def changed(self, stock: Stock) -> None:
        """This process has changed it."""
        self._changed[stock.event] = self._committed[stock.event] = stock
        self.mark(stock.event)

    def stop(self) -> None:
        """`run` returns after what it has in hand."""
        super().stop()
        self._bell.set()

    async def run(self) -> None:
        """Until stopped; then once more, for what the last calls changed."""
        looking = asyncio.create_task(self._keep_looking())
        try:
            while not self._stopping.is_set():
                await self._bell.wait()
                await self._pause(min(self._gap / 5, _ANSWERS_FIRST))
                self._bell.clear()
                with suppress(Refusal):
                    await self._find_urgent(time.monotonic())
                resting = self._set_aside(time.monotonic())
                await self.announce_marked()
                await self._pause(self._gap)
                self._mark_all(resting)
            await self.announce_marked()
        finally:
            looking.cancel()

    async def _find_urgent(self, now: float) -> None:
        """Events of which more than numbers has changed rest no longer. Takes a tenth of the time at most."""
        if now < self._next_check:
            return
        changed, self._changed = self._changed, {}
        try:
            told = await self._announcements.last_of(list(changed))
        except Refusal:
            self._changed = changed | self._changed
            raise
        began = time.monotonic()
        for event, stock in changed.items():
            if stock.offer is None or event not in self._marked:
                continue
            last, is_now = told.get(event), availability_of(stock.offer, stock.inventory, self._clock())
            if last is None or last.availability.differs(is_now):
                self._hasten(event, now)
        self._next_check = now + 10 * (time.monotonic() - began)

    def _hasten(self, event: str, now: float) -> None:
        """More than numbers has changed of it."""
        self._urgent.add(event)
        if rest := self._rests.get(event):
            self._rests[event] = _Rest(now, rest.seconds)

    def _set_aside(self, now: float) -> set[str]:
        """Of what is marked, those that were announced a moment ago or are too many; they wait for the next round."""
        self._rests = {
            event: rest for event, rest in self._rests.items() if rest.promised or now < rest.until + rest.seconds
        }
        resting = {event for event in self._marked if event in self._rests and now < self._rests[event].until}
        resting |= self._put_off(self._marked - resting, now)
        self._marked -= resting
        self._urgent -= self._marked
        for event in self._marked:
            before = self._rests.get(event)
            seconds = self._gap if before is None else min(2 * before.seconds, self._longest)
            self._rests[event] = _Rest(now + seconds, seconds)
        return resting

    def _put_off(self, due: set[str], now: float) -> set[str]:
        """Of these, whose numbers alone have changed, those beyond `most` announcements a second.

        They queue for turns, one every 1 / `most` seconds, and rest until all turns of their second are announced
        together. What cannot wait takes turns too, though none that was promised. Turns of one second are made up for.
        """
        promised = {event: rest.until for event, rest in self._rests.items() if rest.promised}
        due = due - promised.keys()
        can_wait = [event for event in self._committed if event in due and event not in self._urgent]
        queued = sum(now < until for until in promised.values())  # others have gone before their turn
        turn = max(min(self._turn, now + queued / self._most), now - 1.0)
        turn = max(turn, min(now, turn + (len(due) - len(can_wait)) / self._most))
        off = set[str]()
        for event in can_wait:
            turn += 1.0 / self._most
            if turn > now + _ROUNDING:
                off.add(event)
                together = math.ceil(turn / self._longest) * self._longest
                self._rests[event] = _Rest(together, self._longest, promised=True)
        self._turn = turn
        return off

    async def announce_marked(self) -> None:
        """What is marked now; what cannot be read or stored just now stays marked."""
        marked, self._marked = sorted(self._marked), set()
        for start in range(0, len(marked), _PAGE):
            page = marked[start : start + _PAGE]
            try:
                await self._announce(page)
            except Exception as trouble:  # noqa: BLE001  # one page's trouble must not end the worker
                self._mark_all(page)
                if not isinstance(trouble, Refusal):
                    self._log.exception("availability not announced")

    async def _announce(self, events: Sequence[str]) -> None:
        """Of one page; all are tried before a failure is raised.

        What this process has just committed is not read back: where another has committed since, that one tells it.
        """
        stocks = {event: self._committed.pop(event) for event in events if event in self._committed}
        if unknown := [event for event in events if event not in stocks]:
            stocks.update(await self._stocks.stocks(unknown))
        known = await self._announcements.last_of(events)
        results = await asyncio.gather(
            *(
                announce_availability(self._announcements, stocks[each], known.get(each), self._clock)
                for each in events
            ),
            return_exceptions=True,
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _keep_looking(self) -> None:
        """Failures of the store only put a look off."""
        page: str | None = ""
        looked = time.monotonic()
        next_look = looked + self._look
        while True:
            try:
                with suppress(Unavailable):
                    while page is not None:
                        events, page = await self._news.page(page)
                        self._mark_all(events)
                    if (began := time.monotonic()) >= next_look:
                        self._mark_all(await self._news.recent(5 * self._look + began - looked))
                        # A look passes all inventories: where there are very many it comes less often.
                        looked, next_look = began, max(began + self._look, 20 * time.monotonic() - 19 * began)
                    for event in await self._news.due():
                        self._hasten(event, time.monotonic())
                        self.mark(event)
            except Exception:  # noqa: BLE001  # one look's trouble must not end the looking
                self._log.exception("what changed elsewhere was not looked for")
            await asyncio.sleep(min(1.0, self._look))

    def _mark_all(self, events: Iterable[str]) -> None:
        for event in events:
            self.mark(event)


class ImportWorker(_Loop):
    """Books what imports left when their process ended; several processes at a time do no harm."""

    def __init__(
        self, imports: ImportReader, desk: Desk, issuer: TicketIssuer, clock: Clock, *, seconds: float = 15.0
    ) -> None:
        super().__init__()
        self._imports, self._desk, self._issuer, self._clock, self._seconds = imports, desk, issuer, clock, seconds

    async def run(self) -> None:
        """Until stopped."""
        while not self._stopping.is_set():
            booked = 0
            with suppress(Refusal):
                booked = await finish_imports(self._imports, self._desk, self._issuer, self._clock)
            if not booked:
                await self._pause(self._seconds)

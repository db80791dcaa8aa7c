"""Measures a long waiting list and a large upload of scans: `python tests/load/long_lists.py`.

Lanes over a database of its own, without rpcs, Kafka and other processes. Told are wall time, CPU of this process and
of the database, the memory that this process grew by, and for how long its loop let nobody else go on.
"""

import argparse
import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import psutil

from booking_service.composition import SCHEMA
from booking_service.domain.attendee_import import ImportedOrder, ImportedTicket
from booking_service.domain.booking import Booking
from booking_service.domain.check_in_list import ListRules
from booking_service.domain.commands import (
    BeginImport,
    BookChunk,
    Cancel,
    Command,
    CreateCheckInList,
    Hold,
    JoinWaitingList,
    ProjectOffer,
)
from booking_service.domain.commands.group import free_lines
from booking_service.domain.contacts import Contact
from booking_service.domain.offer import Offer, OfferedType, OfferState, Pool
from booking_service.domain.records import Record
from booking_service.domain.scans import Scan
from booking_service.domain.selling import Wanted
from booking_service.domain.stock import Stock
from booking_service.domain.terms import BookingTerms, WaitingListTerms
from booking_service.domain.waiting_entry import EntryState, Waiter, WaitingEntry
from booking_service.handlers.upload_scan_log import Uploaded, upload_scan_log
from booking_service.inbound.waiting_list_worker import WaitingListWorker
from booking_service.outbound.check_ins import MongoCheckIns
from booking_service.outbound.desk import BatchDesk
from booking_service.outbound.documents import INVENTORY, KIND_OF
from booking_service.outbound.lanes import Lanes
from booking_service.outbound.repositories import MongoBookings, MongoStocks
from booking_service.outbound.ticket_keys import TicketKeys
from booking_service.outbound.waiting_entries import MongoWaitingEntries
from domain_kit.clock import utc_now
from domain_kit.ids import new_id
from domain_kit.money import Money
from domain_kit.repository import Cause
from mongo_store import Database, Journal, open_database
from testkit.engines import mongo_engine

EVENT = f"events/{new_id()}"
TYPE, USERS = f"{EVENT}/ticketTypes/standard", 128
SEEDED_AT_ONCE = 1000


@dataclass
class Office:
    """Lanes, and what a commit of theirs tells."""

    database: Database
    journal: Journal
    keys: TicketKeys
    lanes: Lanes = field(init=False)
    heard: Callable[[Record], None] = lambda _: None
    worker: WaitingListWorker = field(init=False)

    def __post_init__(self) -> None:
        desks = [BatchDesk(self.journal, on_change=self._changed, on_records=self._told) for _ in range(4)]
        self.lanes = Lanes(desks)
        entries, stocks = MongoWaitingEntries(self.journal), MongoStocks(self.journal)
        self.worker = WaitingListWorker(entries, entries, stocks, self.lanes, Alone(), utc_now)

    def _changed(self, stock: Stock) -> None:
        self.worker.committed(stock)

    def _told(self, records: Sequence[Record]) -> None:
        for record in records:
            self.heard(record)

    async def submit(self, command: Command) -> Record | None:
        """As somebody asks for it once."""
        return await self.lanes.submit(command, Cause(new_id(), actor="users/bench"))


class Alone:
    """Leases of a process that has no other beside it."""

    async def hold_lease(self, name: str, owner: str, seconds: float) -> bool:
        """Always."""
        return True

    async def release_lease(self, name: str, owner: str) -> None:
        """Nobody waits for it."""


@dataclass
class Spent:
    """Seconds, and MiB that the process grew by at most."""

    wall: float = 0.0
    own: float = 0.0
    database: float = 0.0
    grown: float = 0.0
    stall: float = 0.0

    def told(self, what: str, count: int) -> str:
        """A line of the table."""
        return (
            f"| {what} | {self.wall:.2f} | {1000 * self.wall / count:.2f} | {1000 * self.own / count:.2f} | "
            f"{1000 * self.database / count:.2f} | {self.grown:.0f} | {1000 * self.stall:.0f} |"
        )


@contextmanager
def spending() -> Iterator[Spent]:
    """What the block takes."""
    me, spent = psutil.Process(), Spent()
    others = me.children()
    most, done = [me.memory_info().rss], threading.Event()

    def look() -> None:
        while not done.wait(0.005):
            most.append(max(most.pop(), me.memory_info().rss))

    first, began = most[0], time.perf_counter()
    before = [sum(each.cpu_times()[:2]) for each in (me, *others)]
    watching = threading.Thread(target=look)
    watching.start()
    try:
        yield spent
    finally:
        done.set()
        watching.join()
        spent.wall = time.perf_counter() - began
        own, *of_others = (
            sum(each.cpu_times()[:2]) - earlier for each, earlier in zip((me, *others), before, strict=True)
        )
        spent.own, spent.database, spent.grown = own, sum(of_others), (most[0] - first) / 2**20


@asynccontextmanager
async def watched_loop(spent: Spent) -> AsyncIterator[None]:
    """Notes for how long nobody else got a turn of the loop."""

    async def tick() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0)
            spent.stall = max(spent.stall, time.perf_counter() - began)
            await asyncio.sleep(0.001)

    ticking = asyncio.create_task(tick())
    try:
        yield
    finally:
        ticking.cancel()


def offered(places: int) -> Offer:
    """An event with so many places, and with a waiting list."""
    now = utc_now()
    return Offer(
        event=EVENT, organizer=f"organizers/{new_id()}", title="Bench", state=OfferState.PUBLISHED,
        start_time=now + timedelta(days=1), end_time=now + timedelta(days=1, hours=3), time_zone="Europe/Berlin",
        ticket_types=(OfferedType(TYPE, "Standard", Money(0, "EUR"), ("hall",), most=places),),
        pools={"hall": Pool(places)}, version=1, published=True,
        terms=BookingTerms(waiting_list=WaitingListTerms(enabled=True)),
    )  # fmt: skip


async def in_turn(calls: Sequence[Callable[[], Awaitable[object]]], clients: int = USERS) -> None:
    """All of them, so many at a time."""
    following = iter(calls)

    async def client() -> None:
        for call in following:
            await call()

    await asyncio.gather(*(client() for _ in range(clients)))


async def measure_waiting(office: Office, waiting: int, joins: int) -> None:
    """The price of joining at the beginning and behind many, and how long a free place takes to be offered."""
    await office.submit(ProjectOffer(offered(100)))
    wanted = [Wanted(TYPE, 1)]
    held = [
        await office.submit(Hold(EVENT, f"{EVENT}/bookings/{new_id()}", "users/a", wanted, timedelta(days=1)))
        for _ in range(100)
    ]

    async def join(count: int, what: str) -> None:
        commands = [
            JoinWaitingList(EVENT, f"{EVENT}/waitingListEntries/{new_id()}", f"users/{new_id()}", TYPE, "", 1)
            for _ in range(count)
        ]
        with spending() as spent:
            async with watched_loop(spent):
                await in_turn([lambda command=command: office.submit(command) for command in commands])
        print(spent.told(f"join, {what}, {USERS} clients", count), flush=True)

    async def offer(booking: Record | None, number: int, what: str) -> None:
        told = asyncio.Event()
        left = [number]

        def heard(record: Record) -> None:
            if isinstance(record, WaitingEntry) and record.state is EntryState.OFFERED:
                left[0] -= 1
                if not left[0]:
                    told.set()

        office.heard = heard
        name = "" if booking is None else booking.name
        with spending() as spent:
            async with watched_loop(spent):
                await office.submit(Cancel(EVENT, name, ""))
                await told.wait()
        print(spent.told(what, 1), flush=True)

    serving = asyncio.create_task(office.worker.run())
    await join(joins, "empty list")
    for each in held[:3]:
        await offer(each, 1, f"a place is free → offered, {joins:,} wait")
    await seed(office, waiting - joins)
    await join(joins, f"behind {waiting:,}")
    for each in held[3:6]:
        await offer(each, 1, f"a place is free → offered, {waiting:,} wait")
    office.worker.stop()
    await serving


async def seed(office: Office, count: int) -> None:
    """So many entries as if their users had joined, straight into the database."""
    inventory = await office.database.collection(INVENTORY).find_one({"_id": EVENT})
    if inventory is None:
        raise LookupError(EVENT)
    now, first = utc_now(), inventory.get("arrivals", 0) + 1
    for start in range(0, count, SEEDED_AT_ONCE):
        entries = [
            WaitingEntry(
                f"{EVENT}/waitingListEntries/{new_id()}", EVENT, "organizers/o", f"users/{new_id()}", TYPE, "", 1,
                first + number, EntryState.WAITING, now, now, version=1,
            )
            for number in range(start, min(count, start + SEEDED_AT_ONCE))
        ]  # fmt: skip
        waiters = [Waiter(EVENT, each.user, TYPE, "", each.name, version=1) for each in entries]
        for records in (entries, waiters):
            kind = KIND_OF[type(records[0])]
            await office.database.collection(kind.collection).insert_many(
                [kind.to_document(each) for each in records], ordered=False
            )
    raised = {"$inc": {"waiting.standard//1": count, "arrivals": count, "version": 1}}
    await office.database.collection(INVENTORY).update_one({"_id": EVENT}, raised)


async def measure_scans(office: Office, scans: int) -> None:
    """A log with one scan a ticket, of bookings of two; once more the same; another gate's; and a busy one's."""
    await office.submit(ProjectOffer(replace(offered(scans), version=2)))
    tickets = await sold(office, scans)
    door = f"{EVENT}/checkInLists/{new_id()}"
    await office.submit(CreateCheckInList(EVENT, door, ListRules("Door")))
    now = utc_now()
    uploads = [
        Uploaded(code, Scan(now - timedelta(seconds=scans - number), "gate-1", number, list=door, offline=True))
        for number, code in enumerate(tickets)
    ]  # fmt: skip

    async def upload(what: str, some: Sequence[Uploaded]) -> None:
        with spending() as spent:
            async with watched_loop(spent):
                results = await upload_scan_log(
                    office.lanes, office.keys, MongoCheckIns(office.journal), MongoStocks(office.journal),
                    list_name=door, uploads=some, now=datetime.now(UTC), cause=Cause(new_id(), actor="users/gate"),
                )  # fmt: skip
        verdicts = {each.verdict for each in results}
        print(
            spent.told(f"{what} ({', '.join(sorted(each.name for each in verdicts if each))})", len(some)), flush=True
        )

    await upload(f"{len(uploads):,} scans of as many tickets", uploads)
    await upload("the same again", uploads)
    other = [replace(each, scan=replace(each.scan, device="gate-2")) for each in uploads]
    await upload("the same tickets at another gate", other)
    few = [
        replace(uploads[number % 25], scan=replace(uploads[number].scan, device="gate-3"))
        for number in range(len(uploads))
    ]  # fmt: skip
    await upload(f"{len(uploads):,} scans of 25 tickets", few)


async def sold(office: Office, count: int) -> list[str]:
    """Codes of so many tickets, two in a booking, imported."""
    offer, name = offered(count), f"{EVENT}/imports/{new_id()}"
    orders = [
        ImportedOrder(
            f"{EVENT}/bookings/{new_id()}", "", Contact("", "a@example.org"), (ImportedTicket(0), ImportedTicket(0))
        )
        for _ in range(count // 2)
    ]
    templates = free_lines(offer, [Wanted(TYPE, 1)], utc_now())
    await office.submit(BeginImport(EVENT, name, "users/o", "bench", templates, orders))
    chunks = await office.database.collection("import_chunks").find({"of": name}, {"_id": 1}).to_list(None)
    for chunk in chunks:
        await office.submit(BookChunk(EVENT, chunk["_id"], office.keys))
    page = await MongoBookings(office.journal).of_event(EVENT, limit=count)
    bookings = [each for each in page.items if isinstance(each, Booking)]
    return [ticket.code for each in bookings for ticket in each.tickets]


async def run(options: argparse.Namespace) -> None:
    """Both, each with a database of its own on one engine."""
    print("| what | s | ms each | own CPU ms each | database CPU ms each | MiB grown | longest stall ms |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    with mongo_engine() as uri:
        for measured in ("waiting", "scans"):
            async with open_database(uri, f"bench_{measured}") as database:
                journal = Journal(database, utc_now)
                await journal.ensure_indexes()
                await database.ensure_indexes(SCHEMA.indexes)
                keys = TicketKeys(journal)
                await keys.open()
                office = Office(database, journal, keys)
                if measured == "waiting" and options.waiting:
                    await measure_waiting(office, options.waiting, options.joins)
                elif measured == "scans" and options.scans:
                    await measure_scans(office, options.scans)
                await office.lanes.close()


def main() -> None:
    """As a script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--waiting", type=int, default=100_000, help="entries that wait; 0: leave that out")
    parser.add_argument("--joins", type=int, default=2_000, help="joins that are measured, twice")
    parser.add_argument("--scans", type=int, default=5_000, help="scans in an upload; 0: leave that out")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()

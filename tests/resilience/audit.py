"""What the databases must say when everything has come to rest, whatever was broken before."""

import asyncio
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from crowd import Crowd
from onsale import Sale, World, database_uri

from booking_service.domain.booking import Booking
from booking_service.domain.occupancy import taken_by
from booking_service.outbound.announcements import ANNOUNCEMENTS
from booking_service.outbound.documents import BOOKINGS, INVENTORY, booking_from_document, inventory_from_document
from local_stack.platform_processes import SERVICES
from mongo_store import Database, open_database
from mongo_store.rows import JOURNAL, PENDING
from usher.booking.v1 import booking_pb2

Document = Mapping[str, Any]
PACKAGE = "usher.booking.v1"
REST_SECONDS = 120.0
PUBLISHED_WITHIN = 60.0  # some more of it, for after a loss there are tens of thousands
T = TypeVar("T")


class Books:
    """The documents of one sale, as they are now."""

    def __init__(self, world: World, sale: Sale) -> None:
        self.world, self.sale = world, sale
        self.inventory: Document = {}
        self.bookings: dict[str, Booking] = {}
        self.announced = 0
        self.events: list[Document] = []  # domain events as rows of the journal have them
        self.unpublished = 0

    async def read(self) -> "Books":
        event = self.sale.event
        async with open_database(database_uri(self.world.stack), "usher_booking") as database:
            self.inventory = await database.collection(INVENTORY).find_one({"_id": event}) or {}
            # What lies between "/" and "0", the character after it, is of this event.
            below = {"_id": {"$gte": f"{event}/", "$lt": f"{event}0"}}
            async for document in database.collection(BOOKINGS).find(below):
                self.bookings[document["_id"]] = booking_from_document(document)
            news = await database.collection(ANNOUNCEMENTS).find_one({"_id": f"{event}/availability"})
            self.announced = news["version"] if news else 0
            async for row in database.collection(JOURNAL).find({"agg": {"$gte": event, "$lt": f"{event}0"}}):
                self.events += row["ev"]
            self.unpublished = await database.collection(PENDING).count_documents({})
        return self

    def ids_of(self, kind: str) -> set[str]:
        """Of the domain events of one type."""
        return {each["id"] for each in self.events if each["t"] == f"{PACKAGE}.{kind}"}

    @property
    def live(self) -> list[Booking]:
        return [each for each in self.bookings.values() if each.state.takes_places]


def nothing_is_oversold(books: Books) -> None:
    """INVARIANT: never more places than there are."""
    assert sum(sum(each.demand().places.values()) for each in books.live) <= books.sale.capacity


def the_inventory_is_the_sum_of_the_live_bookings(books: Books) -> None:
    """INVARIANT: each place that is taken belongs to one live booking, and each live booking has its places."""
    counted: Counter[str] = Counter()
    inventory = inventory_from_document({"taken": {}, "version": 0, **books.inventory})
    for booking in books.live:
        counted.update(taken_by(inventory, booking).places)
    assert {pool: taken for pool, taken in books.inventory["taken"].items() if taken} == dict(counted)


def what_was_acknowledged_is_there(books: Books, crowd: Crowd) -> None:
    """INVARIANT: nothing that a buyer was told is lost or changed, and nothing is there that nobody was told."""
    assert books.bookings.keys() == crowd.told.keys()
    for name, told in crowd.told.items():
        stored = books.bookings[name]
        assert booking_pb2.BookingState.Name(told.state) == f"BOOKING_STATE_{stored.state.name}", name
        assert int(told.etag.strip('"'), 16) == stored.version, name
        assert [each.code for each in told.tickets] == [each.code for each in stored.tickets], name
        assert [each.quantity for each in told.lines] == [each.quantity for each in stored.lines], name


def versions_have_neither_gaps_nor_doubles(books: Books) -> None:
    """INVARIANT: the n-th domain event of an aggregate has version n, and its state is that of the last one."""
    versions: dict[str, list[int]] = defaultdict(list)
    for each in books.events:
        versions[each["s"]].append(each["v"])
    assert [name for name, found in versions.items() if sorted(found) != list(range(1, len(found) + 1))] == []
    last = {name: max(found) for name, found in versions.items()}
    assert {name: each.version for name, each in books.bookings.items()} == {
        name: version for name, version in last.items() if name in books.bookings
    }
    assert last[f"{books.sale.event}/availability"] == books.announced
    ids = Counter(each["id"] for each in books.events)
    assert [each for each, times in ids.items() if times > 1] == []


def everything_is_published(books: Books) -> None:
    """INVARIANT: no domain event stays behind in the outbox."""
    assert books.unpublished == 0


async def every_consumer_applied_each_once(books: Books) -> None:
    """INVARIANT: what others keep of the sale is what the domain events say: nothing missing, nothing twice."""
    world, event = books.world, books.sale.event
    uri = database_uri(world.stack)
    async with open_database(uri, "usher_analytics") as database:
        facts = [each async for each in database.collection("facts").find({"event": event})]
        kinds = Counter(each["kind"] for each in facts)
        filed = {each["_id"] for each in facts if each["kind"] == "BOOKING_CONFIRMED"}
    assert filed == books.ids_of("BookingConfirmed"), kinds
    tickets = sum(len(each.tickets) for each in books.bookings.values())
    sales = world.api.get(f"/v1/{world.organizer}/sales:query", token=world.owner_token, query={"event": event})
    assert sum(int(each["ticketsSold"]) for each in sales["totals"]) == tickets
    async with open_database(uri, "usher_search") as database:
        known = await database.collection("availabilities").find_one({"_id": event})
    assert known is not None
    assert known["version"] == books.announced
    availability = world.api.get(f"/v1/{event}/availability")
    free = books.sale.capacity - sum(sum(each.demand().places.values()) for each in books.live)
    assert [int(each.get("remaining", 0)) for each in availability["ticketTypes"]] == [free]
    async with open_database(uri, "usher_notification") as database:
        letters = Counter([each["cause"] async for each in database.collection("notifications").find({})])
    assert [each for each, times in letters.items() if times > 1] == []
    assert {each for each in books.ids_of("BookingConfirmed") if each not in letters} == set()


async def nothing_was_put_aside(world: World) -> None:
    """INVARIANT: no consumer has given up on a domain event, nor waits for one that never comes."""
    for service in SERVICES:
        async with open_database(database_uri(world.stack), f"usher_{service}") as database:
            parked = [each async for each in database.collection("inbox_parked").find({})]
        assert [(service, each["subject"], each["version"], each["reason"]) for each in parked] == []


async def until_it_holds(audit: Callable[[], Awaitable[T]], within: float) -> T:
    """Ask until no assertion fails any more; less often the longer it takes, for an audit reads through everything and
    would keep the database from what it waits for.
    """
    deadline = time.monotonic() + within
    while True:
        began = time.monotonic()
        try:
            return await audit()
        except AssertionError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(max(0.3, 3 * (time.monotonic() - began)))


async def come_to_rest(world: World, sale: Sale, *, told: Crowd | None = None, within: float = REST_SECONDS) -> Books:
    """All of the above: what is written at once, what others are told of as soon as it has arrived."""
    books = await Books(world, sale).read()
    nothing_is_oversold(books)
    if told is not None:
        the_inventory_is_the_sum_of_the_live_bookings(books)
        what_was_acknowledged_is_there(books, told)
    await all_is_published(world)

    async def arrived() -> Books:
        books = await Books(world, sale).read()
        the_inventory_is_the_sum_of_the_live_bookings(books)  # an import that broke off is finished later
        versions_have_neither_gaps_nor_doubles(books)
        everything_is_published(books)
        await every_consumer_applied_each_once(books)
        await nothing_was_put_aside(world)
        return books

    return await until_it_holds(arrived, within)


async def all_is_published(world: World) -> None:
    """INVARIANT: no domain event stays behind, in no service; after a loss of records all are published once more."""
    for service in SERVICES:
        async with open_database(database_uri(world.stack), f"usher_{service}") as database:
            await _until_all_is_published(service, database)


async def _until_all_is_published(service: str, database: Database) -> None:
    """What a process that died had published and not marked is published again by the next one."""
    fewest, give_up = sys.maxsize, 0.0
    while left := await database.collection(PENDING).estimated_document_count():  # which reads none of them
        if left < fewest:
            fewest, give_up = left, time.monotonic() + PUBLISHED_WITHIN
        assert time.monotonic() < give_up, f"{service}: {left} commits are not published"
        await asyncio.sleep(0.3)


async def journals_are_in_order(world: World) -> None:
    """INVARIANT: in all services the n-th domain event of an aggregate has version n, and all are published."""
    for service in SERVICES:
        versions: dict[str, list[int]] = defaultdict(list)
        async with open_database(database_uri(world.stack), f"usher_{service}") as database:
            await _until_all_is_published(service, database)
            async for row in database.collection(JOURNAL).find({"ev": {"$ne": []}}, {"ev": 1}):
                for each in row["ev"]:
                    versions[each["s"]].append(each["v"])
        torn = [name for name, found in versions.items() if sorted(found) != list(range(1, len(found) + 1))]
        assert (service, torn) == (service, [])

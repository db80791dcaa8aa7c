"""One sample aggregate over either store: the in-memory fake or a real MongoDB wire."""

import itertools
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain_kit.backbone import EncodedEvent, InboxEvent, ParkedEvent
from domain_kit.ids import new_id
from domain_kit.refusals import FailedPrecondition
from domain_kit.repository import Cause
from mongo_store import Database, Index, Journal, MongoInbox, MongoOutbox, MongoRepository, open_database
from testkit.engines import mongo_engine
from testkit.memory import MemoryInbox, MemoryJournal, MemoryOutbox, MemoryRepository

INDEXES = {"jars": [Index("label", [("label", 1)], unique=True, where={"label": {"$gt": ""}})]}


@dataclass(frozen=True, slots=True)
class Jar:
    """Holds coins, up to a limit."""

    name: str
    coins: int = 0
    label: str = ""
    rank: int | None = None
    version: int = 0


class HandClock:
    """Stands still until moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def encode(event: str, jar: Jar) -> EncodedEvent:
    return EncodedEvent(f"test.{event}", f"{jar.name}@{jar.version}:{jar.coins}".encode())


def from_document(document: Any) -> Jar:
    return Jar(document["_id"], document["coins"], document["label"], document["rank"], document["version"])


def to_document(jar: Jar) -> dict[str, Any]:
    return {"coins": jar.coins, "label": jar.label, "rank": jar.rank}


@dataclass
class Store:
    """Everything of one service database."""

    journal: Any
    jars: Any
    outbox: Any
    inbox: Any
    clock: HandClock
    remembering: Any  # the same jars, of a process that remembers what it has written

    _numbers = itertools.count(1)

    def cause(self, key: str = "", fingerprint: bytes = b"same") -> Cause:
        return Cause(key or f"cause-{next(self._numbers)}", fingerprint, "users/a", "correlation", "00-trace")

    async def new(self, name: str, **fields: Any) -> Jar:
        return await self.jars.create(Jar(name, **fields), ["Created"], cause=self.cause())

    async def add(self, name: str, coins: int = 1, *, limit: int = 10**9, key: str = "", etag: str = "") -> Jar:
        def decide(jar: Jar) -> tuple[Jar, Sequence[str]]:
            if jar.coins + coins > limit:
                raise FailedPrecondition("JAR_FULL", "Full.")
            return (replace(jar, coins=jar.coins + coins), ["Added"]) if coins else (jar, [])

        return await self.jars.update(name, decide, etag=etag, cause=self.cause(key))

    async def history(self, name: str) -> list[int]:
        return [event.version async for event in self.outbox.everything() if event.subject == name]

    Jar = Jar


def over_mongo(database: Database, clock: HandClock, **options: Any) -> Store:
    journal = Journal(database, clock, **options)
    jars, remembering = (
        MongoRepository[Jar](
            journal, collection="jars", to_document=to_document, from_document=from_document, encode=encode, remembers=n
        )
        for n in (0, 2)
    )
    return Store(journal, jars, MongoOutbox(journal), MongoInbox(database), clock, remembering)


def over_memory(clock: HandClock) -> Store:
    journal = MemoryJournal(clock, indexes=INDEXES)
    jars, remembering = (
        MemoryRepository[Jar](
            journal, collection="jars", to_document=to_document, from_document=from_document, encode=encode, remembers=n
        )
        for n in (0, 2)
    )
    return Store(journal, jars, MemoryOutbox(journal), MemoryInbox(), clock, remembering)


@asynccontextmanager
async def opened(uri: str, name: str, **options: Any) -> AsyncIterator[Store]:
    async with open_database(uri, name) as database:
        store = over_mongo(database, HandClock(), **options)
        await database.ensure_indexes(INDEXES)
        await store.journal.ensure_indexes()
        await store.inbox.ensure_indexes()
        yield store


@pytest.fixture(scope="session")
def mongo_uri() -> Iterator[str]:
    with mongo_engine() as uri:
        yield uri


@pytest.fixture
def open_store() -> Callable[..., Any]:
    """`open_store(uri, name, **journal_options)`: for tests that open a database themselves, or twice."""
    return opened


@pytest.fixture
async def mongo_store(mongo_uri: str) -> AsyncIterator[Store]:
    async with opened(mongo_uri, f"test_{new_id()}") as store:
        yield store
        await store.journal.database.client.drop_database(store.journal.database.name)


@pytest.fixture(params=["memory", "mongo"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    if request.param == "memory":
        yield over_memory(HandClock())
        return
    async with opened(request.getfixturevalue("mongo_uri"), f"test_{new_id()}") as store:
        yield store
        await store.journal.database.client.drop_database(store.journal.database.name)


@pytest.fixture
def parked() -> Callable[..., ParkedEvent]:
    def make(subject: str, version: int, *, dead: bool = False, consumer: str = "booking.payments") -> ParkedEvent:
        moment = datetime(2026, 3, 1, tzinfo=UTC)
        key, source = f"{subject}-{version}", "usher.payment.v1"
        event = InboxEvent(key, "test.Added", source, subject, version, moment, b"\x01", "corr", "00-trace")
        return ParkedEvent(consumer, event, dead, "waits", 3, moment)

    return make

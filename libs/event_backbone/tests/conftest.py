"""A journal, a broker in memory, and handlers that write down what they get."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from google.protobuf.wrappers_pb2 import Int64Value, StringValue

from domain_kit.backbone import EncodedEvent
from domain_kit.repository import Cause
from domain_kit.trails import BEGINNING
from event_backbone import Consumer, Relay, Subscription
from mongo_store import JournalRow
from mongo_store.rows import versioned
from testkit.broker import MemoryBroker
from testkit.memory import MemoryInbox, MemoryJournal, MemoryOutbox
from testkit.noida import kafka_elastic_engine

TOPIC, SOURCE = "usher.booking.v1", "//usher/booking"


class Store:
    """An aggregate's history is `commit`ted; StringValue is what handlers know, Int64Value what they do not.

    trails: whether domain events carry the trail, as those of aggregates stored by an older release do not.
    """

    def __init__(self, trails=True):
        self.trails = {}
        self.beginning = BEGINNING if trails else None
        self.journal = MemoryJournal()
        self.outbox = MemoryOutbox(self.journal)
        self.versions = {}

    async def commit(self, subject, *messages, correlation_id="", traceparent=""):
        events = []
        for message in messages or ("something happened",):
            wrapped = StringValue(value=message) if isinstance(message, str) else message
            version = self.versions[subject] = self.versions.get(subject, 0) + 1
            encoded = EncodedEvent(wrapped.DESCRIPTOR.full_name, wrapped.SerializeToString())
            trail = self.trails.get(subject, self.beginning)
            made, self.trails[subject] = versioned([encoded], subject, version - 1, trail)
            events += made
        cause = Cause(
            f"{subject}|{self.versions[subject]}", correlation_id=correlation_id, traceparent=traceparent
        )  # fmt: skip
        await self.journal.commit([], JournalRow(cause, subject, events))


class Listener:
    """Handles StringValue. `applied` is what went through, in order; `fail[subject, version]` is raised."""

    def __init__(self):
        self.inbox = MemoryInbox()
        self.applied = []
        self.calls = []
        self.texts = []
        self.fail = {}
        self.hold = {}

    async def handle(self, message, received):
        self.calls.append((received.subject, received.version))
        if received.subject in self.hold:
            await self.hold[received.subject].wait()
        error = self.fail.get((received.subject, received.version))
        if error is not None:
            raise error
        self.applied.append((received.subject, received.version))
        self.texts.append(message.value)

    def versions(self, subject):
        return [version for name, version in self.applied if name == subject]

    def subscription(self, name="search.bookings", topics=(TOPIC,)):
        return Subscription(name, topics, {StringValue: self.handle})


@asynccontextmanager
async def running(*workers):
    """Run workers; cancelled at the end, as the runtime does at shutdown."""
    tasks = [asyncio.create_task(worker.run()) for worker in workers]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


async def eventually(holds: Callable[[], object] | Callable[[], Awaitable[object]], seconds: float = 20.0):
    """Wait until `holds()`; fails with what it last returned."""
    deadline = time.monotonic() + seconds
    while True:
        found = holds()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {seconds} s: {found!r}"
        await asyncio.sleep(0.01)


@pytest.fixture(params=[True, False], ids=["trails", "no-trails"])
def store(request):
    return Store(request.param)


@pytest.fixture
def listener():
    return Listener()


@pytest.fixture
def new_listener():
    return Listener


@pytest.fixture
def broker():
    return MemoryBroker()


@pytest.fixture(name="running")
def running_fixture():
    return running


@pytest.fixture(name="eventually")
def eventually_fixture():
    return eventually


@pytest.fixture
def unknown_message():
    return Int64Value(value=7)


@pytest.fixture
def relay_of():
    def build(store, brokers, **options):
        options = {"poll_seconds": 0.05, "check_seconds": 0.1, "lease_seconds": 1.0} | options
        return Relay(store.outbox, topic=TOPIC, source=SOURCE, brokers=brokers, **options)

    return build


@pytest.fixture
def consumer_of():
    def build(listener, brokers, name="search.bookings", **options):
        options = {"sweep_seconds": 0.05, "watch_seconds": 0.5} | options
        return Consumer(listener.subscription(name), listener.inbox, brokers=brokers, **options)

    return build


@pytest.fixture
def engine():
    with kafka_elastic_engine() as engine:
        yield engine

"""Each row says which work it belongs to, what is done for many belongs to none, and the store tells what it did."""

import asyncio
from contextvars import ContextVar

import pytest

from domain_kit.backbone import EncodedEvent
from domain_kit.ids import new_id
from domain_kit.repository import Cause
from mongo_store import Insert, Journal, JournalRow, VersionedEvent, open_database
from mongo_store.gathering import Gathering
from mongo_store.metrics import NoMetrics

ambient: ContextVar[str] = ContextVar("ambient", default="nobody")


class Recorder(NoMetrics):
    def __init__(self):
        self.operations = []

    def operated(self, operation, seconds, failed):
        assert seconds >= 0
        self.operations.append((operation, failed))


@pytest.fixture
async def recorded(mongo_uri):
    """A journal, what it told of committed domain events, and its metrics."""
    metrics, told = Recorder(), []
    async with open_database(mongo_uri, f"t{new_id()}", metrics=metrics) as database:
        origin = lambda: (f"work of {ambient.get()}", "00-a-b-01")  # noqa: E731
        journal = Journal(database, metrics=metrics, told=told.extend, origin=origin)
        await journal.ensure_indexes()
        yield journal, told, metrics


def row(key, **cause):
    return JournalRow(Cause(key, **cause), "jars/a", [VersionedEvent(EncodedEvent("test.Happened", b""), "jars/a", 1)])


async def test_a_cause_that_names_no_work_gets_that_of_who_commits(recorded):
    journal, _, _ = recorded

    async def commit(who, key, **cause):
        ambient.set(who)
        await journal.commit([], row(key, **cause))

    await asyncio.gather(
        commit("ada", "1"), commit("bob", "2"), commit("eve", "3", correlation_id="c-3", traceparent="tp")
    )
    ambient.set("cyd")
    await journal.commit_batch([], [row("4")])
    rows = {each["_id"]: (each["corr"], each["tp"]) for each in await journal.find("journal", {})}
    assert rows == {
        "1": ("work of ada", "00-a-b-01"),
        "2": ("work of bob", "00-a-b-01"),
        "3": ("c-3", "tp"),
        "4": ("work of cyd", "00-a-b-01"),
    }


async def test_what_is_done_for_many_is_done_in_the_context_of_none():
    seen = []

    async def flush(batch):
        seen.append(ambient.get())
        for each in batch:
            each.settle(None)

    ambient.set("ada")
    await Gathering(flush, lambda _: frozenset(), limit=8).submit("work")
    assert seen == ["nobody"]


async def test_committed_domain_events_are_told_and_those_of_a_commit_that_failed_are_not(recorded):
    journal, told, _ = recorded
    await journal.commit([Insert("jars", {"_id": "a", "version": 1})], row("1"))
    with pytest.raises(Exception, match="exists"):
        await journal.commit([Insert("jars", {"_id": "a", "version": 1})], row("2"))
    assert [each.type for each in told] == ["test.Happened"]


async def test_answers_of_mongodb_are_timed_by_what_was_asked(recorded):
    journal, _, metrics = recorded
    await journal.read("jars", "a")
    await journal.find("jars", {}, limit=1)
    await journal.database.ping()
    with pytest.raises(ZeroDivisionError), journal.database.timed("read"):
        raise ZeroDivisionError
    assert metrics.operations == [("read", False), ("find", False), ("ping", False), ("read", True)]

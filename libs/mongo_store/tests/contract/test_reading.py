"""Reads by name share queries, and nobody notices but the store."""

import asyncio

import pytest
from pymongo import monitoring
from pymongo.errors import ConnectionFailure

from domain_kit.ids import new_id
from domain_kit.refusals import Unavailable
from mongo_store import open_database


class Finds(monitoring.CommandListener):
    """Counts the names asked for by each find."""

    def __init__(self):
        self.sizes = []

    def started(self, event):
        if event.command_name == "find" and event.command["find"] == "jars":
            name = event.command["filter"]["_id"]
            self.sizes.append(len(name["$in"]) if isinstance(name, dict) else 1)

    def succeeded(self, event):
        pass

    def failed(self, event):
        pass


@pytest.fixture
async def database(mongo_uri):
    async with open_database(mongo_uri, f"test_{new_id()}") as database:
        await database.collection("jars").insert_many([{"_id": f"jars/{number}", "n": number} for number in range(99)])
        yield database
        await database.client.drop_database(database.name)


@pytest.fixture
def finds(monkeypatch):
    finds = Finds()
    listeners = monitoring._LISTENERS
    monkeypatch.setattr(monitoring, "_LISTENERS", listeners._replace(command_listeners=[finds]))
    return finds


async def test_readers_of_one_moment_share_queries_and_each_gets_its_own(finds, database):
    names = [f"jars/{number}" for number in range(96, 101)] * 2 + [f"jars/{number}" for number in range(40)]
    found = await asyncio.gather(*(database.read("jars", name) for name in names))
    expected = [int(name.removeprefix("jars/")) for name in names]
    assert [each and each["n"] for each in found] == [number if number < 99 else None for number in expected]
    assert sorted(finds.sizes) == [13, 16, 16]


async def test_those_who_come_while_queries_are_in_flight_gather(finds, database):
    async def later(name, turns):
        for _ in range(turns):
            await asyncio.sleep(0)
        return await database.read("jars", name)

    found = await asyncio.gather(*(later(f"jars/{turns}", turns) for turns in range(40)))
    assert [each["n"] for each in found] == list(range(40))
    assert len(finds.sizes) < 30


async def test_a_read_sees_what_was_written_before_it_was_asked(database):
    for number in range(20):
        slow = asyncio.create_task(database.read("jars", "jars/1"))
        await asyncio.sleep(0)
        await database.collection("jars").update_one({"_id": "jars/1"}, {"$set": {"n": number}})
        assert (await database.read("jars", "jars/1"))["n"] == number
        await slow


async def test_a_reader_that_goes_away_takes_nobody_with_it(database):
    gone, stays = (asyncio.create_task(database.read("jars", "jars/1")) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    assert (await stays)["n"] == 1


async def test_trouble_reaches_every_reader(database, monkeypatch):
    async def away(*_):
        raise ConnectionFailure("gone")

    monkeypatch.setattr(database._reads, "_find", away)
    results = await asyncio.gather(*(database.read("jars", f"jars/{n}") for n in range(3)), return_exceptions=True)
    assert all(isinstance(each, Unavailable) for each in results)

"""A projection holds the newest state it was shown, in whatever order it was shown."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from domain_kit.ids import new_id
from mongo_store import Projection, open_database
from testkit.projections import MemoryProjection


@pytest.fixture(params=["memory", "mongo"])
async def projection(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    if request.param == "memory":
        yield MemoryProjection()
        return
    async with open_database(request.getfixturevalue("mongo_uri"), f"test_{new_id()}") as database:
        yield Projection(database, "events")
        await database.client.drop_database(database.name)


async def test_an_older_state_never_replaces_a_newer_one(projection: Any) -> None:
    assert await projection.get("events/e") is None
    assert await projection.follow("events/e", 3, {"title": "third"})
    assert not await projection.follow("events/e", 2, {"title": "second"})
    assert not await projection.follow("events/e", 3, {"title": "again"})
    assert await projection.get("events/e") == {"_id": "events/e", "version": 3, "title": "third"}


async def test_states_shown_at_once_in_any_order_leave_the_newest(projection: Any) -> None:
    versions = list(range(1, 30))
    random.Random(7).shuffle(versions)
    await asyncio.gather(*(projection.follow("events/e", each, {"n": each}) for each in versions))
    assert (await projection.get("events/e"))["n"] == 29


async def test_documents_are_found_by_what_they_hold(projection: Any) -> None:
    for number, city in enumerate(["Toronto", "Paris", "Toronto"]):
        await projection.follow(f"events/{number}", 1, {"city": city})
    found = await projection.find({"city": "Toronto"}, sort=[("_id", -1)], limit=5)
    assert [each["_id"] for each in found] == ["events/2", "events/0"]


async def test_of_many_states_shown_at_once_each_caller_is_told_what_became_of_its_own(projection: Any) -> None:
    """INVARIANT: what shares a transaction neither loses a newer state nor brings an older one back."""
    for number in range(0, 60, 3):
        await projection.follow(f"events/{number}", 5, {"n": 5})
    versions = [4 if number % 2 else 6 for number in range(60)]
    stored = await asyncio.gather(
        *(projection.follow(f"events/{number}", version, {"n": version}) for number, version in enumerate(versions))
    )
    for number, version in enumerate(versions):
        known_before = number % 3 == 0
        assert stored[number] is (version == 6 or not known_before)
        assert (await projection.get(f"events/{number}"))["n"] == (version if stored[number] else 5)


async def test_two_processes_that_show_the_same_aggregates_at_once_leave_the_newest(mongo_uri: str) -> None:
    name = f"test_{new_id()}"
    async with open_database(mongo_uri, name) as one, open_database(mongo_uri, name) as two:
        here, there = Projection(one, "events"), Projection(two, "events")
        for round_ in range(5):
            shown = [(side, 2 * round_ + 1 + (side is there)) for side in (here, there)]
            await asyncio.gather(
                *(side.follow(f"events/{number}", version, {}) for number in range(40) for side, version in shown)
            )
        assert {each["version"] for each in await here.find({})} == {10}
        await one.client.drop_database(name)

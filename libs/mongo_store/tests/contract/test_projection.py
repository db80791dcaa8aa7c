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

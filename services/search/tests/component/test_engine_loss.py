"""The index is a copy: whatever happens to it, the service brings it back to what it knows."""

import asyncio
import dataclasses
import time
from datetime import UTC, datetime, timedelta

import pytest

from elastic_store import open_elastic
from search_service.domain.listing import Listing
from search_service.outbound import event_index
from search_service.outbound.event_index import ElasticEventIndex
from search_service.outbound.mapping import definition
from search_service.outbound.views import Views
from testkit.noida import kafka_elastic_engine
from usher.search.v1 import search_service_pb2 as pb
from usher.search.v1.search_service_pb2_grpc import SearchServiceStub

START = datetime.now(UTC).replace(microsecond=0) + timedelta(days=60)


async def total(world) -> int:
    """How many are found; -1 while nobody can tell."""
    try:
        answer = await SearchServiceStub(world.calls.channel).SearchEvents(pb.SearchEventsRequest(page_size=1))
    except Exception:
        return -1
    return answer.total_size


async def until(world, count: int, seconds: float = 30.0) -> float:
    """Seconds until `count` events are found."""
    began = time.monotonic()
    while (found := await total(world)) != count:
        assert time.monotonic() < began + seconds, found
        await asyncio.sleep(0.1)
    return time.monotonic() - began


@pytest.fixture
def own_engine():
    """One that a test may kill."""
    with kafka_elastic_engine() as engine:
        yield engine


async def test_a_killed_engine_gets_back_what_it_lost(worlds, own_engine, events) -> None:
    """INVARIANT: after kill -9, also in the middle of writing, every published event is found again by itself."""
    async with worlds(own_engine, tend_seconds=0.5) as world:
        await until(world, 0)
        await asyncio.gather(*(world.publish(events(f"Before {n}")) for n in range(60)))
        await until(world, 60)
        during = asyncio.gather(*(world.publish(events(f"During {n}")) for n in range(60)), return_exceptions=True)
        await asyncio.sleep(0.05)
        own_engine.kill()
        await during
        assert await total(world) == -1
        own_engine.start()
        known = len([each async for page in world.sources.pages() for each in page])
        assert known > 60
        print(f"\nwhole again after {await until(world, known):.1f} s with {known} events")


async def test_an_engine_that_lost_everything_is_filled_again(worlds, own_engine, events) -> None:
    async with worlds(own_engine, tend_seconds=0.5) as world:
        await until(world, 0)
        await asyncio.gather(*(world.publish(events(f"Event {n}")) for n in range(30)))
        await until(world, 30)
        own_engine.kill()
        own_engine.wipe()
        own_engine.start()
        await until(world, 30)


async def test_a_service_that_died_between_the_stores_makes_it_good_at_its_start(
    worlds, engine, events, monkeypatch
) -> None:
    async with worlds(engine, "crashing", tend_seconds=60.0) as world:
        await until(world, 0)
        await world.publish(events("Shown"))

        async def die(self, listing: Listing) -> None:
            raise ConnectionError

        with monkeypatch.context() as crash:
            crash.setattr(ElasticEventIndex, "put", die)
            with pytest.raises(ConnectionError):
                await world.publish(events("Kept but not shown"))
        await until(world, 1)
    async with worlds(engine, "crashing", tend_seconds=60.0) as world:
        await until(world, 2)


async def test_the_service_starts_without_the_engine_and_serves_once_it_is_there(worlds, own_engine, events) -> None:
    own_engine.kill()
    async with worlds(own_engine, tend_seconds=0.5) as world:
        assert not world.calls.server.health.serving
        own_engine.start()
        await until(world, 0)
        deadline = time.monotonic() + 10
        while not world.calls.server.health.serving:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
        own_engine.kill()
        while world.calls.server.health.serving:
            assert time.monotonic() < deadline + 10
            await asyncio.sleep(0.1)


async def test_a_new_generation_takes_over_without_a_moment_in_which_less_is_found(worlds, engine, events) -> None:
    async with worlds(engine, tend_seconds=60.0) as world:
        await until(world, 0)
        await asyncio.gather(*(world.publish(events(f"Event {n}")) for n in range(250)))
        await until(world, 250)
        async with open_elastic(world.settings.elasticsearch_url) as elastic:
            following = elastic.index(dataclasses.replace(definition(world.settings.index_name), generation=2))
            successor = ElasticEventIndex(following, Views(following, most=2))
            switching = asyncio.create_task(successor.prepare(world.sources.pages))
            while not switching.done():
                assert await total(world) == 250
            await switching
            assert await total(world) == 250
            assert await successor.total_revision() == await world.sources.total_revision()


async def test_a_listing_the_engine_refuses_does_not_keep_the_others_out(worlds, engine, events, monkeypatch) -> None:
    async with worlds(engine, tend_seconds=60.0) as world:
        await until(world, 0)
        put = event_index.index_document
        changes = {"events/bad": {"unheard_of": 1}, "events/good": {"revision": 7}}
        listings = [Listing("events/bad"), Listing("events/good")]
        monkeypatch.setattr(
            event_index,
            "index_document",
            lambda listing: put(listing) | changes[listing.name],
        )
        await world.index.put_all(listings)
        deadline = time.monotonic() + 5
        while await world.index.total_revision() != 7:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)

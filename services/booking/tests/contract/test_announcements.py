import asyncio
from contextlib import aclosing
from datetime import timedelta

import pytest

from booking_service.domain.availability import SaleState
from booking_service.handlers.watch_availability import get_availability, watch_availability
from booking_service.inbound.workers import AnnouncingWorker
from booking_service.outbound.announcements import MongoAnnouncements, MongoNews
from booking_service.outbound.changes import StockChanges
from booking_service.outbound.desk import BatchDesk
from booking_service.outbound.lanes import Lanes
from booking_service.outbound.repositories import MongoStocks
from booking_service.outbound.vouchers import MongoVouchers
from domain_kit.refusals import NotFound
from mongo_store import MongoOutbox
from testkit.memory import MemoryJournal, MemoryOutbox
from usher.booking.v1.domain_events_pb2 import AvailabilityChanged


def worker_on(journal, clock):
    news = MongoNews(journal, clock)
    return AnnouncingWorker(MongoAnnouncements(journal), MongoStocks(journal), news, clock)


async def announced(journal):
    outbox = MemoryOutbox(journal) if isinstance(journal, MemoryJournal) else MongoOutbox(journal)
    facts = [each async for each in outbox.everything() if each.type.endswith("AvailabilityChanged")]
    assert all(each.trail == (f"{each.type}={each.version - 1}" if each.version > 1 else "") for each in facts)
    return [
        (each.version, AvailabilityChanged.FromString(each.payload).availability.ticket_types[0].remaining)
        for each in facts
    ]


async def test_many_changes_are_announced_as_one(make, journal, clock):
    lanes, worker = make.lanes_on(journal), worker_on(journal, clock)
    await lanes.submit(make.project(make.offer()), make.cause())
    worker.mark(make.EVENT)
    await worker.announce_marked()
    await asyncio.gather(*(lanes.submit(make.hold(), make.cause()) for _ in range(10)))
    worker.mark(make.EVENT)
    await worker.announce_marked()
    worker.mark(make.EVENT)
    await worker.announce_marked()
    assert await announced(journal) == [(1, 50), (2, 40)]


async def test_what_a_kill_left_unannounced_is_found_at_the_next_start(make, journal, clock):
    lanes = make.lanes_on(journal)
    await lanes.submit(make.project(make.offer()), make.cause())
    await lanes.submit(make.hold(), make.cause())
    successor = worker_on(journal, clock)
    running = asyncio.create_task(successor.run())
    async with asyncio.timeout(10):
        while not await announced(journal):
            await asyncio.sleep(0.01)
    successor.stop()
    await running
    assert await announced(journal) == [(1, 49)]
    assert await MongoNews(journal, clock).page("") == ([], None)
    assert await MongoNews(journal, clock).recent(30) == []


async def test_two_replicas_announce_each_change_once_and_in_order(make, journal, clock):
    lanes, workers = make.lanes_on(journal), [worker_on(journal, clock) for _ in range(2)]
    await lanes.submit(make.project(make.offer()), make.cause())
    for _ in range(4):
        for worker in workers:
            worker.mark(make.EVENT)
        await asyncio.gather(*(worker.announce_marked() for worker in workers))
        await lanes.submit(make.hold(), make.cause())
    assert await announced(journal) == [(1, 50), (2, 49), (3, 48), (4, 47)]


async def test_a_sale_that_opens_by_itself_is_announced(make, journal, clock):
    lanes, worker, news = make.lanes_on(journal), worker_on(journal, clock), MongoNews(journal, clock)
    opens = clock() + timedelta(hours=1)
    await lanes.submit(make.project(make.offer(make.type(sale_start=opens))), make.cause())
    worker.mark(make.EVENT)
    await worker.announce_marked()
    assert await news.due() == []
    clock.advance(hours=1)
    assert await news.due() == [make.EVENT]
    worker.mark(make.EVENT)
    await worker.announce_marked()
    assert [version for version, _ in await announced(journal)] == [1, 2]
    assert await news.due() == []


async def test_a_draft_is_announced_to_nobody(make, journal, clock):
    lanes, worker = make.lanes_on(journal), worker_on(journal, clock)
    await lanes.submit(make.project(make.offer(published=False)), make.cause())
    worker.mark(make.EVENT)
    await worker.announce_marked()
    assert await announced(journal) == []
    with pytest.raises(NotFound):
        await get_availability(MongoStocks(journal), MongoVouchers(journal), clock, event=make.EVENT)


async def test_a_stream_tells_the_present_then_changes_of_any_replica_then_ends(make, journal, clock):
    changes = StockChanges(journal, clock)
    lanes = Lanes([BatchDesk(journal, on_change=changes.committed)])
    other = make.lanes_on(journal)
    opens = clock() + timedelta(hours=1)
    await lanes.submit(make.project(make.offer(make.type(), make.type("late", sale_start=opens))), make.cause())
    async with aclosing(watch_availability(changes, clock, event=make.EVENT, lasting=60, gap=0)) as stream:
        assert (await anext(stream)).ticket_types[0].remaining == 50
        await asyncio.gather(*(lanes.submit(make.hold(), make.cause()) for _ in range(5)))
        assert (await anext(stream)).ticket_types[0].remaining == 45
        await other.submit(make.hold(), make.cause())
        await changes.look()
        assert (await anext(stream)).ticket_types[0].remaining == 44
        clock.advance(hours=1)
        await changes.look()
        assert (await anext(stream)).ticket_types[1].sale_state is SaleState.ON_SALE
        waiting = asyncio.create_task(anext(stream, None))
        await asyncio.sleep(0)
        changes.close()
        assert await waiting is None
    assert not changes._topics


async def test_a_stream_ends_when_its_time_is_over_though_nothing_has_happened(make, journal, clock):
    changes = StockChanges(journal, clock)
    await Lanes([BatchDesk(journal, on_change=changes.committed)]).submit(
        make.project(make.offer(make.type())), make.cause()
    )
    told = [each async for each in watch_availability(changes, clock, event=make.EVENT, lasting=0.2)]
    assert [each.ticket_types[0].remaining for each in told] == [50]
    assert not changes._topics

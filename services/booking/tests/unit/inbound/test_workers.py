import asyncio
from collections import Counter
from itertools import pairwise

import pytest

from booking_service.domain.inventory import Inventory
from booking_service.domain.states import BookingState
from booking_service.domain.stock import Stock
from booking_service.inbound.workers import AnnouncingWorker, ExpiryWorker, _Rest
from booking_service.outbound.announcements import MongoAnnouncements, MongoNews
from booking_service.outbound.desk import expiry_cause
from booking_service.outbound.repositories import MongoBookings, MongoStocks
from domain_kit.refusals import Unavailable
from testkit.memory import MemoryOutbox


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.fixture
async def lanes(make, memory):
    lanes = make.lanes_on(memory)
    await lanes.submit(make.project(make.offer()), make.cause())
    return lanes


def state_of(memory, booking):
    return BookingState(memory.collections["bookings"][booking.name]["state"])


async def test_one_of_two_sweepers_ends_the_holds_and_the_other_takes_over(make, lanes, memory, clock):
    outbox, bookings = MemoryOutbox(memory), MongoBookings(memory)
    workers = [ExpiryWorker(bookings, lanes, outbox, expiry_cause, clock, seconds=0.01) for _ in range(2)]
    running = [asyncio.create_task(worker.run()) for worker in workers]
    booking = await lanes.submit(make.hold(), make.cause())
    clock.advance(minutes=11)
    await until(lambda: state_of(memory, booking) is BookingState.EXPIRED)
    workers[0].stop()
    await running[0]
    second = await lanes.submit(make.hold(), make.cause())
    clock.advance(minutes=11)
    await until(lambda: state_of(memory, second) is BookingState.EXPIRED)
    workers[1].stop()
    await running[1]
    assert not outbox._leases


async def test_a_sweeper_outlives_a_store_that_is_away(make, lanes, memory, clock):
    class Away(MemoryOutbox):
        tries = 0

        async def hold_lease(self, lease, owner, seconds):
            self.tries += 1
            if self.tries < 3:
                raise Unavailable("STORE_UNAVAILABLE", "away")
            return await super().hold_lease(lease, owner, seconds)

    worker = ExpiryWorker(MongoBookings(memory), lanes, Away(memory), expiry_cause, clock, seconds=0.01)
    running = asyncio.create_task(worker.run())
    booking = await lanes.submit(make.hold(), make.cause())
    clock.advance(minutes=11)
    await until(lambda: state_of(memory, booking) is BookingState.EXPIRED)
    worker.stop()
    await running


async def test_what_could_not_be_announced_is_announced_later(make, lanes, memory, clock):
    class Shaky(MongoAnnouncements):
        failures = 2

        async def announce(self, following, before, now):
            if self.failures:
                self.failures -= 1
                raise Unavailable("STORE_UNAVAILABLE", "away")
            return await super().announce(following, before, now)

    worker = AnnouncingWorker(Shaky(memory), MongoStocks(memory), MongoNews(memory, clock), clock, gap=0.01)
    running = asyncio.create_task(worker.run())
    await until(lambda: memory.collections.get("announcements"))
    worker.stop()
    await running


async def test_stopping_announces_what_the_last_calls_changed(make, lanes, memory, clock):
    worker = AnnouncingWorker(MongoAnnouncements(memory), MongoStocks(memory), MongoNews(memory, clock), clock, gap=60)
    running = asyncio.create_task(worker.run())
    await until(lambda: memory.collections.get("announcements"))
    await lanes.submit(make.hold(standard=9), make.cause())
    worker.mark(make.EVENT)
    worker.stop()
    await running
    (told,) = memory.collections["announcements"].values()
    assert (told["version"], told["ticket_types"][0]["remaining"]) == (2, 41)


async def test_an_event_that_goes_on_changing_is_announced_less_often_and_in_the_end_as_it_is(
    make, lanes, memory, clock
):
    announcements, told = MongoAnnouncements(memory), []
    announce = announcements.announce

    async def noted(following, before, now):
        told.append((asyncio.get_running_loop().time(), following.availability.ticket_types[0].remaining))
        return await announce(following, before, now)

    announcements.announce = noted
    worker = AnnouncingWorker(
        announcements, MongoStocks(memory), MongoNews(memory, clock), clock, gap=0.01, longest=0.16
    )
    running = asyncio.create_task(worker.run())
    for _ in range(40):
        await lanes.submit(make.hold(), make.cause())
        worker.mark(make.EVENT)
        await asyncio.sleep(0.01)
    await until(lambda: told[-1][1] == 10)
    gaps = [later - earlier for (earlier, _), (later, _) in pairwise(told)]
    assert len(told) < 20
    assert max(gaps) > 0.1
    worker.stop()
    await running


async def test_after_a_quiet_time_a_change_is_announced_at_once_again(make, lanes, memory, clock):
    worker = AnnouncingWorker(
        MongoAnnouncements(memory), MongoStocks(memory), MongoNews(memory, clock), clock, gap=1.0, longest=8.0
    )
    worker.mark(make.EVENT)
    assert worker._set_aside(0.0) == set()
    for now, rests in [(0.5, True), (1.0, False), (2.5, True), (3.0, False), (6.9, True), (7.0, False), (15.0, False)]:
        worker.mark(make.EVENT)
        assert worker._set_aside(now) == ({make.EVENT} if rests else set()), now
    worker.mark(make.EVENT)
    worker._set_aside(40.0)
    assert worker._rests[make.EVENT].seconds == 1.0


async def test_where_many_events_go_on_changing_each_waits_its_share_and_a_lone_change_does_not(memory, clock):
    worker = AnnouncingWorker(
        MongoAnnouncements(memory), MongoStocks(memory), MongoNews(memory, clock), clock, most=20.0
    )
    events = [f"events/{number}" for number in range(200)]
    announced, rounds = Counter(), 0
    for tick in range(600):
        for event in events:
            worker.changed(Stock(None, Inventory(event)))
        resting = worker._set_aside(tick / 10)
        announced.update(set(events) - resting)
        rounds += bool(worker._marked)
        for event in worker._marked:
            del worker._committed[event]
        worker._marked.clear()
        assert announced.total() <= 20 + 20 * tick / 10, tick
    assert announced.total() >= 40 * 20
    assert rounds <= 62, "about twenty go out together, once a second"
    assert announced.keys() == set(events)
    assert resting
    worker.mark("events/other")
    assert worker._set_aside(60.0) == set()


async def test_events_that_begin_to_change_one_after_the_other_queue_for_their_first_announcement(memory, clock):
    worker = AnnouncingWorker(
        MongoAnnouncements(memory), MongoStocks(memory), MongoNews(memory, clock), clock, most=20.0
    )
    events, announced = [f"events/{number}" for number in range(200)], list[str]()
    for tick in range(120):
        for event in events[: 10 * (tick + 1)]:
            worker.changed(Stock(None, Inventory(event)))
        worker._set_aside(tick / 10)
        announced += worker._marked
        for event in worker._marked:
            del worker._committed[event]
        worker._marked.clear()
        assert len(announced) <= 20 + 20 * tick / 10, tick
    assert set(announced) == set(events), "those that came first do not keep the last from being told"


async def test_of_many_changes_at_once_what_buyers_act_on_is_told_first(make, lanes, memory, clock):
    """Of three events that change at once one is announced for the first time; the bound lets only one more through."""
    announcements = MongoAnnouncements(memory)
    worker = AnnouncingWorker(announcements, MongoStocks(memory), MongoNews(memory, clock), clock, most=2.0)
    fresh = await MongoStocks(memory).stock(make.EVENT)
    first, second = Stock(None, Inventory("events/1")), Stock(None, Inventory("events/2"))
    for stock in (first, second, fresh):
        worker.changed(stock)
    await worker._find_urgent(1.0)
    assert worker._set_aside(1.0) == {second.event}
    worker._marked = {second.event}
    assert worker._set_aside(1.9) == {second.event}
    assert worker._set_aside(2.0) == set()


async def test_a_sale_that_ends_while_its_event_rests_is_told_with_the_next_round(make, lanes, memory, clock):
    worker = AnnouncingWorker(
        MongoAnnouncements(memory),
        MongoStocks(memory),
        MongoNews(memory, clock),
        clock,
        gap=0.01,
        longest=60.0,
        most=0.01,
    )

    async def stock():
        return await MongoStocks(memory).stock(make.EVENT)

    def told():
        (document,) = memory.collections["announcements"].values()
        return document["ticket_types"][0]["remaining"], document["ticket_types"][0]["sale_state"]

    running = asyncio.create_task(worker.run())
    worker.changed(await stock())
    await until(lambda: memory.collections.get("announcements"))
    await lanes.submit(make.hold(standard=9), make.cause())
    worker.changed(await stock())
    await asyncio.sleep(0.1)
    assert told() == (50, "ON_SALE")
    for count in (10, 10, 10, 10, 1):
        await lanes.submit(make.hold(standard=count), make.cause())
        worker.changed(await stock())
    await until(lambda: told() == (0, "SOLD_OUT"))
    worker.stop()
    await running


async def test_who_goes_before_its_turn_leaves_it_to_others(memory, clock):
    """However often sale states change, the queue is no longer than those who wait in it."""
    worker = AnnouncingWorker(
        MongoAnnouncements(memory), MongoStocks(memory), MongoNews(memory, clock), clock, most=20.0
    )
    events, longest = [f"events/{number}" for number in range(200)], 0.0
    for tick in range(600):
        for event in events:
            worker.changed(Stock(None, Inventory(event)))
        for event in events[tick % 20 :: 20]:
            worker._hasten(event, tick / 10)
        worker._set_aside(tick / 10)
        for event in worker._marked:
            del worker._committed[event]
        worker._marked.clear()
        longest = max(longest, worker._turn - tick / 10)
    assert longest <= 200 / 20


async def test_a_turn_is_kept_by_who_was_too_busy_to_notice_it(memory, clock):
    worker = AnnouncingWorker(
        MongoAnnouncements(memory), MongoStocks(memory), MongoNews(memory, clock), clock, most=20.0
    )
    events = [f"events/{number}" for number in range(200)]
    told = dict.fromkeys(events, 0.0)
    longest = 0.0
    for round_ in range(80):
        now = 1.5 * round_
        for event in events:
            worker.changed(Stock(None, Inventory(event)))
        worker._set_aside(now)
        for event in worker._marked:
            longest, told[event] = max(longest, now - told[event]), now
            del worker._committed[event]
        worker._marked.clear()
    assert max(longest, *(now - last for last in told.values())) <= 15.0


async def test_what_time_alone_changes_is_told_at_once_however_many_wait(make, lanes, memory, clock):
    worker = AnnouncingWorker(
        MongoAnnouncements(memory), MongoStocks(memory), MongoNews(memory, clock), clock, most=0.001, look=0.01
    )

    class Due(MongoNews):
        async def due(self):
            return [make.EVENT]

    stock = await MongoStocks(memory).stock(make.EVENT)
    worker._news = Due(memory, clock)
    worker._rests[make.EVENT] = _Rest(float("inf"), 1.0, promised=True)
    worker.changed(stock)
    worker._next_check = float("inf")
    running = asyncio.create_task(worker.run())
    await until(lambda: memory.collections.get("announcements"))
    worker.stop()
    await running

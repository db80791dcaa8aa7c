"""What comes while a commit is under way is decided meanwhile, and never answered on a commit that failed."""

import asyncio

import pytest

from booking_service.domain.commands import Cancel, Hold
from booking_service.domain.states import BookingState
from booking_service.outbound.ahead import Ahead
from booking_service.outbound.desk import BatchDesk
from booking_service.outbound.documents import BOOKINGS
from booking_service.outbound.lanes import Lanes
from booking_service.outbound.repositories import MongoStocks
from domain_kit.refusals import FailedPrecondition, Unavailable
from testkit.memory import MemoryJournal


class Gated(MemoryJournal):
    """Commits wait until the test lets them go, or fail."""

    def __init__(self, clock):
        super().__init__(clock)
        self.gate, self.fails, self.commits = asyncio.Event(), [], []
        self.gate.set()

    async def commit_batch(self, writes, rows):
        self.commits.append(len(rows))
        await self.gate.wait()
        if self.fails:
            raise self.fails.pop()
        await super().commit_batch(writes, rows)


@pytest.fixture
def journal(clock):
    return Gated(clock)


@pytest.fixture
async def lanes(make, journal):
    lanes = Lanes([BatchDesk(journal)])
    await lanes.submit(make.project(make.offer(capacities={"hall": 5})), make.cause())
    journal.commits.clear()
    return lanes


@pytest.fixture
def decided(monkeypatch):
    """Who a hold was decided for, in order."""
    seen, decide = [], Hold.decide

    def noted(self, view, now):
        seen.append(self.buyer)
        return decide(self, view, now)

    monkeypatch.setattr(Hold, "decide", noted)
    return seen


async def reached(holds):
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0)


async def in_flight(lanes, journal, make):
    """A hold whose commit is under way."""
    journal.gate.clear()
    first = asyncio.create_task(lanes.submit(make.hold("users/0"), make.cause()))
    await reached(lambda: journal.commits)
    return first


def asking(lanes, make, *numbers):
    return [asyncio.create_task(lanes.submit(make.hold(f"users/{each}"), make.cause())) for each in numbers]


async def taken(journal, make):
    return (await MongoStocks(journal).stock(make.EVENT)).inventory.taken["hall"]


async def test_what_comes_meanwhile_is_decided_before_and_committed_after(lanes, journal, make, decided):
    first = await in_flight(lanes, journal, make)
    later = asking(lanes, make, 1, 2, 3)
    await reached(lambda: len(decided) == 4)
    assert journal.commits == [1]
    assert not any(each.done() for each in (first, *later))
    journal.gate.set()
    assert [(await each).buyer for each in (first, *later)] == ["users/0", "users/1", "users/2", "users/3"]
    assert journal.commits == [1, 3]
    assert decided == ["users/0", "users/1", "users/2", "users/3"], "once each"
    assert await taken(journal, make) == 4


async def test_what_was_decided_on_a_commit_that_failed_is_decided_anew(lanes, journal, make, decided):
    first = await in_flight(lanes, journal, make)
    later = asking(lanes, make, 1, 2, 3, 4, 5)
    await reached(lambda: len(decided) >= 5)
    journal.fails.append(Unavailable("STORE_UNAVAILABLE", "away"))
    journal.gate.set()
    with pytest.raises(Unavailable):
        await first
    assert [(await each).state for each in later] == [BookingState.HELD] * 5, "the place of the first is free"
    assert decided[-5:] == [f"users/{number}" for number in range(1, 6)]
    assert await taken(journal, make) == 5
    assert len(await journal.find(BOOKINGS, {})) == 5


async def test_who_goes_away_after_it_was_decided_takes_no_place(lanes, journal, make, decided):
    first = await in_flight(lanes, journal, make)
    later = asking(lanes, make, 1, 2)
    await reached(lambda: len(decided) == 3)
    later[0].cancel()
    await asyncio.sleep(0)
    journal.gate.set()
    await asyncio.gather(first, later[1])
    assert {each["buyer"] for each in await journal.find(BOOKINGS, {})} == {"users/0", "users/2"}
    assert await taken(journal, make) == 2


async def test_nobody_is_refused_ahead_and_nobody_overtakes_who_has_to_wait(lanes, journal, make, decided):
    await lanes.submit(make.hold("users/8"), make.cause())
    booked = await lanes.submit(make.hold("users/9"), make.cause())
    first = await in_flight(lanes, journal, make)
    holds = asking(lanes, make, 1, 2, 3)  # the last finds no place, as long as the next has not given its own back
    frees = asyncio.create_task(lanes.submit(Cancel(make.EVENT, booked.name, ""), make.cause()))
    fits = asking(lanes, make, 4)
    await reached(lambda: "users/3" in decided)
    journal.gate.set()
    results = await asyncio.gather(first, *holds, frees, *fits, return_exceptions=True)
    assert isinstance(results[3], FailedPrecondition)
    assert results[3].reason == "SOLD_OUT"
    assert [getattr(each, "state", None) for each in results] == [
        BookingState.HELD, BookingState.HELD, BookingState.HELD, None, BookingState.CANCELLED, BookingState.HELD,
    ]  # fmt: skip
    assert await taken(journal, make) == 5


async def test_a_repeat_waits_for_no_more_than_the_batch_of_the_first(lanes, journal, make, decided):
    first, once = await in_flight(lanes, journal, make), make.cause("once")
    asked = asyncio.create_task(lanes.submit(make.hold("users/1"), once))
    await reached(lambda: len(decided) == 2)
    again = asyncio.create_task(lanes.submit(make.hold("users/1"), once))
    journal.gate.set()
    journal.gate.clear()
    await reached(lambda: len(journal.commits) == 2)
    other = asking(lanes, make, 2)
    await reached(lambda: decided == ["users/0", "users/1", "users/1", "users/2"])
    journal.gate.set()
    await asyncio.gather(first, *other)
    assert await again == await asked
    assert await taken(journal, make) == 3


async def test_a_lane_that_is_cancelled_leaves_nobody_waiting(lanes, journal, make, decided):
    first = await in_flight(lanes, journal, make)
    later = asking(lanes, make, 1, 2)
    await reached(lambda: len(decided) == 3)
    lanes._lanes[0].running.cancel()
    results = await asyncio.gather(first, *later, return_exceptions=True)
    assert all(isinstance(each, asyncio.CancelledError) for each in results)


async def test_trouble_with_deciding_ahead_is_nobody_elses(lanes, journal, make, decided, monkeypatch):
    def broken(self, waiting):
        raise LookupError("a mistake")

    monkeypatch.setattr(Ahead, "take", broken)
    first = await in_flight(lanes, journal, make)
    later = asking(lanes, make, 1, 2)
    await asyncio.sleep(0)
    journal.gate.set()
    assert [(await each).buyer for each in (first, *later)] == ["users/0", "users/1", "users/2"]


async def test_what_was_decided_long_ago_is_decided_anew(lanes, journal, make, decided, clock):
    first = await in_flight(lanes, journal, make)
    later = asking(lanes, make, 1)
    await reached(lambda: len(decided) == 2)
    clock.advance(seconds=5)
    journal.gate.set()
    await asyncio.gather(first, *later)
    assert decided == ["users/0", "users/1", "users/1"]
    assert (await later[0]).hold_expire_time == clock() + make.hold().hold_for


async def test_nobody_hears_that_all_is_gone_before_it_is(journal, make):
    """INVARIANT: a refusal that rests on a commit is not told where that commit fails."""
    lanes = Lanes([BatchDesk(journal)])
    await lanes.submit(make.project(make.offer(capacities={"hall": 1})), make.cause())
    journal.fails.append(Unavailable("STORE_UNAVAILABLE", "away"))
    results = await asyncio.gather(*asking(lanes, make, 1, 2), return_exceptions=True)
    assert [type(each) for each in results] == [Unavailable, Unavailable]
    assert (await lanes.submit(make.hold("users/2"), make.cause())).state is BookingState.HELD

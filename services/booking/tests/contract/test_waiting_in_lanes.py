"""What a caller may rely on while it waits in a lane: its turn, its place in the queue, and no untrue refusal."""

import asyncio
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from booking_service.domain.commands import Cancel, ClaimPayment
from booking_service.domain.states import BookingState
from booking_service.outbound.desk import BatchDesk, expiry_cause
from booking_service.outbound.documents import BOOKINGS
from booking_service.outbound.lane_metrics import PrometheusLaneMetrics
from booking_service.outbound.lanes import Lanes
from booking_service.outbound.repositories import MongoStocks
from domain_kit.refusals import FailedPrecondition, ResourceExhausted
from telemetry import Metrics
from testkit.memory import MemoryJournal


class Gated(MemoryJournal):
    """Looks and commits wait at gates; before a commit somebody else may be first."""

    def __init__(self, clock):
        super().__init__(clock)
        self.looks, self.commits = asyncio.Event(), asyncio.Event()
        self.looks.set()
        self.commits.set()
        self.looking, self.arrived, self.first = 0, 0, None

    async def find(self, *args, **kwargs):
        found = await super().find(*args, **kwargs)
        self.looking += 1
        await self.looks.wait()
        return found

    async def commit_batch(self, writes, rows):
        self.arrived += 1
        somebody, self.first = self.first, None
        if somebody is not None:
            await somebody()
        await self.commits.wait()
        await super().commit_batch(writes, rows)


@pytest.fixture
def gated(clock):
    return Gated(clock)


async def outcomes(calls):
    """The state of each booking, or the reason of its refusal."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    return [each.reason if isinstance(each, BaseException) else each.state.name for each in results]


async def eventually(true):
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0)


async def taken(journal, make):
    return (await MongoStocks(journal).stock(make.EVENT)).inventory.taken


async def hold_all(lanes, make, many, clock, **wanted):
    await asyncio.gather(*(lanes.submit(make.hold(f"users/{each}", **wanted), make.cause()) for each in range(many)))
    clock.advance(seconds=1)


@pytest.mark.parametrize("trial", [False, True], ids=["booked", "tried"])
async def test_however_many_holds_are_over_nobody_hears_sold_out_because_of_them(make, journal, clock, trial):
    """INVARIANT: no refusal while places are free or only overdue holds have them."""
    lanes = make.lanes_on(journal)
    kinds = make.type("standard"), make.type("vip", pools=("vip",))
    await lanes.submit(make.project(make.offer(*kinds, capacities={"hall": 300, "vip": 1})), make.cause())
    await hold_all(lanes, make, 300, clock)
    await lanes.submit(make.hold("users/last", vip=1), make.cause())
    clock.advance(minutes=11)
    if trial:
        assert (await BatchDesk(journal).rehearse(make.hold("users/new", vip=1))).state is BookingState.HELD
        return
    assert await outcomes([lanes.submit(make.hold("users/new", vip=1), make.cause())]) == ["HELD"]
    assert await taken(journal, make) == {"vip": 1}, "all that was over has ended"


async def test_all_that_is_freed_is_sold_to_those_who_wait_for_it(make, journal, clock):
    lanes = make.lanes_on(journal)
    await lanes.submit(make.project(make.offer(capacities={"hall": 400})), make.cause())
    await hold_all(lanes, make, 400, clock)
    clock.advance(minutes=11)
    wished = [lanes.submit(make.hold(f"users/pair{each}", standard=10), make.cause()) for each in range(45)]
    assert sorted(await outcomes(wished)) == ["HELD"] * 40 + ["SOLD_OUT"] * 5
    assert await taken(journal, make) == {"hall": 400}


async def test_late_money_is_not_turned_away_because_of_them(make, journal, clock):
    lanes = make.lanes_on(journal)
    await lanes.submit(make.project(make.offer(capacities={"hall": 1})), make.cause())
    late = await lanes.submit(make.hold("users/late"), make.cause())
    clock.advance(minutes=11)
    await lanes.submit(make.hold("users/next"), make.cause())
    pay = ClaimPayment(make.EVENT, late.name, "payments/late", late.total, make.Issuer())
    clock.advance(minutes=11)
    assert (await lanes.submit(pay, make.cause())).state is BookingState.CONFIRMED
    last = await lanes.submit(make.project(make.offer(capacities={"hall": 2}, version=2)), make.cause())
    other = await lanes.submit(make.hold("users/other"), make.cause())
    clock.advance(minutes=11)
    await lanes.submit(make.hold("users/holds"), make.cause())
    pay = ClaimPayment(make.EVENT, other.name, "payments/other", other.total, make.Issuer())
    assert (await lanes.submit(pay, make.cause())).unclaimed == ("payments/other",), "it is held by somebody now"
    assert last is None


def test_each_time_that_something_is_held_ends_by_itself(make):
    """Also where a later change of a booking is held until the same moment."""
    _, booking = make.held()
    assert expiry_cause(booking) == expiry_cause(replace(booking))
    assert expiry_cause(booking) != expiry_cause(replace(booking, version=booking.version + 2))


async def test_what_cannot_be_ended_is_not_tried_for_ever(make, memory, clock, monkeypatch):
    lanes = make.lanes_on(memory)
    await lanes.submit(make.project(make.offer(capacities={"hall": 1})), make.cause())
    await hold_all(lanes, make, 1, clock)
    clock.advance(minutes=11)

    def refuse(self, view, now):
        raise FailedPrecondition("NOT_NOW", "It does not end.")

    monkeypatch.setattr("booking_service.domain.commands.Expire.decide", refuse)
    async with asyncio.timeout(5):
        assert await outcomes([lanes.submit(make.hold("users/new"), make.cause())]) == ["SOLD_OUT"]


async def test_who_came_first_is_first_also_when_all_is_decided_anew(make, gated):
    lanes, other = make.lanes_on(gated), make.lanes_on(gated)
    await lanes.submit(make.project(make.offer(capacities={"hall": 4})), make.cause())
    given_back = await lanes.submit(make.hold("users/other"), make.cause())

    async def free():
        await other.submit(Cancel(make.EVENT, given_back.name, ""), make.cause())

    gated.first = free  # two fit of the three and one that are left, until another replica frees a fourth
    wished = [("users/four", 4), ("users/three", 3), ("users/one", 1)]
    calls = [lanes.submit(make.hold(buyer, standard=many), make.cause()) for buyer, many in wished]
    assert await outcomes(calls) == ["HELD", "SOLD_OUT", "SOLD_OUT"]
    assert await taken(gated, make) == {"hall": 4}


async def test_who_goes_away_during_the_look_takes_no_place(make, gated):
    await make.lanes_on(gated).submit(make.project(make.offer()), make.cause())
    lanes = make.lanes_on(gated)
    gated.looks.clear()
    before, looked = gated.arrived, gated.looking
    leaves = asyncio.create_task(lanes.submit(make.hold("users/leaves"), make.cause()))
    stays = asyncio.create_task(lanes.submit(make.hold("users/stays"), make.cause()))
    await eventually(lambda: gated.looking > looked)
    leaves.cancel()
    await asyncio.sleep(0)
    gated.looks.set()
    await stays
    assert gated.arrived == before + 1
    assert [each["buyer"] for each in await gated.find(BOOKINGS, {})] == ["users/stays"]
    assert await taken(gated, make) == {"hall": 1}


async def test_who_has_gone_away_fills_no_lane(make, gated):
    lanes = make.lanes_on(gated, bound=4, batch=2)
    await lanes.submit(make.project(make.offer()), make.cause())
    gated.commits.clear()
    before = gated.arrived
    first = asyncio.create_task(lanes.submit(make.hold("users/first"), make.cause()))
    await eventually(lambda: gated.arrived > before)
    for _ in range(5):
        calls = [asyncio.create_task(lanes.submit(make.hold(), make.cause())) for _ in range(4)]
        await asyncio.sleep(0)
        for each in calls:
            each.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
    last = asyncio.create_task(lanes.submit(make.hold("users/last"), make.cause()))
    await asyncio.sleep(0)
    gated.commits.set()
    assert await outcomes([first, last]) == ["HELD", "HELD"]
    assert await taken(gated, make) == {"hall": 2}


async def test_a_full_lane_refuses_while_it_is_full(make, gated):
    lanes = make.lanes_on(gated, bound=3, batch=1)
    await lanes.submit(make.project(make.offer()), make.cause())
    gated.commits.clear()
    before = gated.arrived
    first = asyncio.create_task(lanes.submit(make.hold("users/first"), make.cause()))
    await eventually(lambda: gated.arrived > before)
    calls = [asyncio.create_task(lanes.submit(make.hold(), make.cause())) for _ in range(6)]
    await eventually(lambda: any(each.done() for each in calls))
    refused = [each for each in calls if each.done()]
    for each in refused:
        with pytest.raises(ResourceExhausted, match="LANE_FULL") as told:
            await each
        assert told.value.retry_after > timedelta(0)
    assert refused[0] is calls[3] or refused[0] is calls[4], "one may be decided ahead, three wait"
    assert not first.done()
    gated.commits.set()
    await asyncio.gather(first, *calls, return_exceptions=True)
    assert await taken(gated, make) == {"hall": 7 - len(refused)}


async def test_conflicts_and_the_time_of_commits_are_counted(make, gated):
    counted = Metrics("booking")
    metrics = PrometheusLaneMetrics(counted)
    lanes, other = Lanes([BatchDesk(gated, metrics=metrics)]), make.lanes_on(gated)
    await lanes.submit(make.project(make.offer()), make.cause())

    def value(of):
        return counted.registry.get_sample_value(f"usher_{of}", {"service": "booking"}) or (
            counted.registry.get_sample_value(f"usher_{of}")
        )

    assert not value("lane_conflicts_total")
    began, before = time.perf_counter(), value("lane_batch_seconds_sum")

    async def be_first():
        await other.submit(make.hold("users/other"), make.cause())
        gated.commits.clear()

    gated.first = be_first
    asked = asyncio.create_task(lanes.submit(make.hold(), make.cause()))
    await eventually(lambda: gated.arrived == 3)
    await asyncio.sleep(0.02)  # the time that shall be seen
    gated.commits.set()
    await asked
    assert value("lane_conflicts_total") == 1
    assert 0.02 <= value("lane_batch_seconds_sum") - before <= time.perf_counter() - began

"""Waiting lists over the in-memory journal and over the embedded database, with two replicas: one suite."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from booking_service.domain.booking import Booking
from booking_service.domain.commands import (
    Cancel,
    ClaimPayment,
    Expire,
    JoinWaitingList,
    LeaveWaitingList,
    SetWaitingPriority,
)
from booking_service.domain.ports import Condition
from booking_service.domain.states import BookingState
from booking_service.domain.terms import BookingTerms, WaitingListTerms
from booking_service.domain.waiting_entry import EntryState
from booking_service.domain.waiting_list import wish_of
from booking_service.handlers.serve_waiting_list import serve_waiting_list
from booking_service.inbound.waiting_list_worker import WAITING_LIST_LEASE, WaitingListWorker
from booking_service.outbound.desk import BatchDesk, expiry_cause
from booking_service.outbound.lanes import Lanes
from booking_service.outbound.repositories import MongoBookings, MongoStocks
from booking_service.outbound.waiting_entries import MongoWaitingEntries
from domain_kit.ids import new_id
from domain_kit.refusals import AlreadyExists, FailedPrecondition
from mongo_store import MongoOutbox
from testkit.memory import MemoryJournal, MemoryOutbox

TERMS = BookingTerms(waiting_list=WaitingListTerms(enabled=True, offer_for=timedelta(hours=1)))


def join(make, user, quantity=1, kind="standard"):
    entry = f"{make.EVENT}/waitingListEntries/{new_id()}"
    return JoinWaitingList(make.EVENT, entry, user, f"{make.EVENT}/ticketTypes/{kind}", "", quantity)


async def sold_out(make, lanes, places, **changes):
    """The bookings of all places of the event, one each."""
    offer = make.offer(capacities={"hall": places}, terms=replace(TERMS, **changes))
    await lanes.submit(make.project(offer), make.cause())
    holds = (lanes.submit(make.hold(f"users/early{each}"), make.cause()) for each in range(places))
    return await asyncio.gather(*holds)


async def waiting(make, lanes, *users, quantity=1):
    return [await lanes.submit(join(make, user, quantity), make.cause()) for user in users]


def serve(make, journal, desk, clock, at_once=50):
    entries, stocks = MongoWaitingEntries(journal), MongoStocks(journal)
    return serve_waiting_list(entries, stocks, desk, clock, event=make.EVENT, at_once=at_once)


async def states(make, journal):
    page = await MongoWaitingEntries(journal).of_event(make.EVENT, limit=500)
    return {each.user: each.state.name for each in page.items}


async def test_of_many_who_join_at_once_on_two_replicas_each_waits_once(make, journal):
    """INVARIANT: a user has one live entry for one thing, whatever reaches which replica; arrivals have no gap."""
    replicas = [make.lanes_on(journal) for _ in range(2)]
    await sold_out(make, replicas[0], 1)
    calls = [replicas[each % 2].submit(join(make, f"users/{each // 4}"), make.cause()) for each in range(40)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    joined = [each for each in results if not isinstance(each, BaseException)]
    assert sorted(each.user for each in joined) == sorted(f"users/{each}" for each in range(10))
    assert {type(each) for each in results} == {type(joined[0]), AlreadyExists}
    assert sorted(each.number for each in joined) == list(range(1, 11))
    stock = await MongoStocks(journal).stock(make.EVENT)
    assert (stock.inventory.waiting, stock.inventory.arrivals) == ({"standard//1": 10}, 10)


async def test_no_place_goes_to_the_public_past_those_who_wait_and_none_is_lost(make, journal, clock):
    """INVARIANT: with two replicas that cancel, book and offer at once each freed place goes to the next who waits."""
    replicas = [make.lanes_on(journal) for _ in range(2)]
    early = await sold_out(make, replicas[0], 10)
    users = [f"users/{each:02}" for each in range(8)]
    await waiting(make, replicas[0], *users)

    async def free(number):
        return await replicas[number % 2].submit(Cancel(make.EVENT, early[number].name, ""), make.cause())

    async def offer(number):
        return await serve(make, journal, replicas[number % 2], clock, at_once=2)

    async def try_to_book(number):
        return await replicas[number % 2].submit(make.hold(f"users/late{number}"), make.cause())

    tries = [call(number) for number in range(6) for call in (free, offer, try_to_book)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    late = [each for each in results if isinstance(each, Booking) and each.buyer.startswith("users/late")]
    assert not late
    assert {each.reason for each in results if isinstance(each, BaseException)} == {"SOLD_OUT"}
    while await serve(make, journal, replicas[0], clock, at_once=2):
        pass
    assert await states(make, journal) == {
        user: "OFFERED" if number < 6 else "WAITING" for number, user in enumerate(users)
    }
    stock = await MongoStocks(journal).stock(make.EVENT)
    assert (stock.inventory.taken, stock.inventory.waiting) == ({"hall": 10}, {"standard//1": 2})
    assert not await MongoWaitingEntries(journal).due(clock(), 9)


async def test_an_offer_ends_with_its_booking_in_the_same_commit(make, journal, clock):
    lanes, other = make.lanes_on(journal), make.lanes_on(journal)
    early = await sold_out(make, lanes, 3)
    await waiting(make, lanes, "users/1", "users/2", "users/3")
    for booking in early:
        await lanes.submit(Cancel(make.EVENT, booking.name, ""), make.cause())
    await serve(make, journal, lanes, clock)
    entries = (await MongoWaitingEntries(journal).of_event(make.EVENT, limit=9)).items
    paid, cancelled, late = [await MongoBookings(journal).get(each.booking) for each in entries]
    assert [each.offer_expire_time for each in entries] == [clock() + timedelta(hours=1)] * 3
    claim = ClaimPayment(make.EVENT, paid.name, "payments/1", paid.total, make.Issuer())
    await other.submit(claim, make.cause())
    await other.submit(Cancel(make.EVENT, cancelled.name, ""), make.cause())
    clock.advance(hours=2)
    await other.submit(Expire(make.EVENT, late.name), expiry_cause(late))
    found = (await MongoWaitingEntries(journal).of_event(make.EVENT, limit=9)).items
    assert [(each.state.name, each.lapse_reason) for each in found] == [
        ("FULFILLED", ""), ("LAPSED", "OFFER_CANCELLED"), ("LAPSED", "OFFER_EXPIRED"),
    ]  # fmt: skip
    assert all(each.end_time is not None for each in found)


async def test_the_first_are_found_by_priority_and_arrival_over_all_wishes(make, journal, clock):
    lanes = make.lanes_on(journal)
    early = await sold_out(make, lanes, 6)
    entries = [*await waiting(make, lanes, "users/1", "users/2"), *await waiting(make, lanes, "users/3", quantity=2)]
    entries += await waiting(make, lanes, "users/4")
    await lanes.submit(SetWaitingPriority(make.EVENT, entries[3].name, "", 7), make.cause())
    for booking in early[:3]:
        await lanes.submit(Cancel(make.EVENT, booking.name, ""), make.cause())
    await serve(make, journal, lanes, clock)
    assert await states(make, journal) == {
        "users/4": "OFFERED", "users/1": "OFFERED", "users/2": "OFFERED", "users/3": "WAITING",
    }  # fmt: skip
    page = await MongoWaitingEntries(journal).of_event(make.EVENT, [Condition("state", "WAITING")], limit=9)
    assert [each.user for each in page.items] == ["users/3"]


async def test_the_first_of_a_long_list_are_found_window_by_window_wherever_its_front_is(make, journal):
    """INVARIANT: whatever was served, left or put elsewhere before, the first are those of the smallest turns."""
    lanes, entries, stocks = make.lanes_on(journal), MongoWaitingEntries(journal, window=2), MongoStocks(journal)
    await sold_out(make, lanes, 4)
    made = [*await waiting(make, lanes, *(f"users/{each}" for each in range(14)))]
    made += await waiting(make, lanes, "users/many", quantity=2)
    wishes = {wish_of(each) for each in made}

    async def agrees():
        page = await entries.of_event(make.EVENT, [Condition("state", "WAITING")], limit=99)
        inventory = (await stocks.stock(make.EVENT)).inventory
        for some in (wishes, {wish_of(made[0])}):
            turns = sorted((each for each in page.items if wish_of(each) in some), key=lambda each: each.turn)
            for limit in (1, 3, 99):
                assert list(await entries.first(inventory, some, limit)) == turns[:limit]
        return [each.user for each in turns]

    async def put(number, priority):
        await lanes.submit(SetWaitingPriority(make.EVENT, made[number].name, "", priority), make.cause())

    assert await agrees() == [f"users/{each}" for each in range(14)]
    for number in range(9):
        await lanes.submit(LeaveWaitingList(make.EVENT, made[number].name, ""), make.cause())
        if number in (0, 5, 8):
            await agrees()
    await put(9, 2)
    await put(11, -1)
    assert await agrees() == ["users/9", "users/10", "users/12", "users/13", "users/11"]
    await lanes.submit(LeaveWaitingList(make.EVENT, made[10].name, ""), make.cause())
    assert (await agrees())[:2] == ["users/9", "users/12"]
    await put(9, 0)  # in front of where the front was last
    assert await agrees() == ["users/9", "users/12", "users/13", "users/11"]
    for number in (9, 12, 13):
        await lanes.submit(LeaveWaitingList(make.EVENT, made[number].name, ""), make.cause())
    assert await agrees() == ["users/11"]
    await waiting(make, lanes, "users/late")
    assert await agrees() == ["users/late", "users/11"]


async def test_who_may_not_have_more_tickets_lapses_and_the_next_is_served(make, journal, clock):
    lanes = make.lanes_on(journal)
    early = await sold_out(make, lanes, 2, most_per_person=1)
    await waiting(make, lanes, early[0].buyer, "users/1")
    await lanes.submit(Cancel(make.EVENT, early[1].name, ""), make.cause())
    await serve(make, journal, lanes, clock)
    found = (await MongoWaitingEntries(journal).of_event(make.EVENT, limit=9)).items
    assert [(each.state.name, each.lapse_reason) for each in found] == [
        ("LAPSED", "TOO_MANY_FOR_PERSON"), ("OFFERED", ""),
    ]  # fmt: skip


async def test_those_who_wait_when_the_sale_ends_are_told_in_batches(make, journal, clock):
    lanes = make.lanes_on(journal)
    await sold_out(make, lanes, 1)
    await waiting(make, lanes, *(f"users/{each}" for each in range(5)))
    entries = MongoWaitingEntries(journal)
    assert not await entries.due(clock(), 9)
    clock.advance(days=10)
    assert await entries.due(clock(), 9) == [make.EVENT]
    rounds = 0
    while await serve(make, journal, lanes, clock, at_once=2):
        rounds += 1
    assert rounds == 3
    found = (await entries.of_event(make.EVENT, limit=9)).items
    assert {(each.state, each.lapse_reason) for each in found} == {(EntryState.LAPSED, "SALE_ENDED")}
    assert not await entries.due(clock(), 9)


@asynccontextmanager
async def working(worker):
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        worker.stop()
        await task


@pytest.mark.parametrize("leading_replica_commits", [True, False])
async def test_the_worker_of_one_replica_serves_what_any_replica_frees(make, journal, clock, leading_replica_commits):
    outbox = MemoryOutbox(journal) if isinstance(journal, MemoryJournal) else MongoOutbox(journal)
    entries, stocks, workers = MongoWaitingEntries(journal), MongoStocks(journal), []

    def replica():
        def tell(stock):
            workers[number].committed(stock)

        desks = [BatchDesk(journal, on_change=tell) for _ in range(2)]
        lanes, number = Lanes(desks), len(workers)
        # A look once a minute: only the commits of the replica itself may wake its worker in time.
        poll = 60.0 if leading_replica_commits else 0.05
        workers.append(WaitingListWorker(entries, entries, stocks, lanes, outbox, clock, poll=poll))
        return lanes

    first, second = replica(), replica()
    early = await sold_out(make, first, 2)
    await waiting(make, first, "users/1", "users/2")
    async with working(workers[0]):
        while await outbox.hold_lease(WAITING_LIST_LEASE, "whoever asks", 0.0):
            await asyncio.sleep(0)
        async with working(workers[1]):
            frees = first if leading_replica_commits else second
            await frees.submit(Cancel(make.EVENT, early[0].name, ""), make.cause())
            async with asyncio.timeout(5):
                while (await states(make, journal))["users/1"] != "OFFERED":
                    await asyncio.sleep(0.01)
    assert await states(make, journal) == {"users/1": "OFFERED", "users/2": "WAITING"}
    bookings = (await MongoBookings(journal).of_user("users/1", limit=9)).items
    assert [(each.state, each.buyer) for each in bookings] == [(BookingState.HELD, "users/1")]


async def test_an_order_that_changed_after_the_look_up_is_looked_up_again(make, journal, clock):
    """INVARIANT: who was put first meanwhile is not passed by an offer that was prepared before."""
    lanes = make.lanes_on(journal)
    early = await sold_out(make, lanes, 1)
    first, second = await waiting(make, lanes, "users/1", "users/2")
    await lanes.submit(Cancel(make.EVENT, early[0].name, ""), make.cause())

    class Meanwhile(MongoWaitingEntries):
        async def first(self, inventory, wishes, limit):
            found = await super().first(inventory, wishes, limit)
            if not changed:
                changed.append(True)
                await lanes.submit(SetWaitingPriority(make.EVENT, second.name, "", 1), make.cause())
            return found

    changed: list[bool] = []
    entries = Meanwhile(journal)
    assert await serve_waiting_list(entries, MongoStocks(journal), lanes, clock, event=make.EVENT)
    assert await states(make, journal) == {"users/1": "WAITING", "users/2": "WAITING"}
    assert await serve_waiting_list(entries, MongoStocks(journal), lanes, clock, event=make.EVENT)
    assert await states(make, journal) == {"users/1": "WAITING", "users/2": "OFFERED"}
    assert (await entries.get(first.name)).state is EntryState.WAITING
    with pytest.raises(FailedPrecondition, match="SOLD_OUT"):
        await lanes.submit(make.hold(), make.cause())

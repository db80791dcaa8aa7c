"""Bookings of before a limit are counted page by page, over the in-memory journal and the embedded database."""

import asyncio

import pytest

from booking_service.domain.commands import Cancel
from booking_service.domain.people import Person
from booking_service.domain.terms import BookingTerms
from booking_service.handlers.count_bookings import count_bookings
from booking_service.outbound.documents import KIND_OF, PEOPLE
from booking_service.outbound.repositories import MongoBookings, MongoStocks
from domain_kit.refusals import FailedPrecondition, Unavailable


async def tickets(journal):
    people = [KIND_OF[Person].from_document(each) for each in await journal.find(PEOPLE, {})]
    return {each.buyer: dict(each.tickets) for each in people if each.tickets}


async def on_sale(make, journal, limit=0):
    lanes = make.lanes_on(journal)
    await lanes.submit(make.project(make.offer()), make.cause())
    return lanes


async def limited(make, lanes, version=2):
    await lanes.submit(make.project(make.offer(version=version, terms=BookingTerms(most_per_person=3))), make.cause())


async def test_all_that_was_booked_before_is_counted_once_by_however_many_processes(make, journal):
    lanes, others = await on_sale(make, journal), make.lanes_on(journal)
    bookings, stocks = MongoBookings(journal), MongoStocks(journal)
    held = [await lanes.submit(make.hold(f"users/{n % 2}", standard=2), make.cause()) for n in range(5)]
    assert await count_bookings(bookings, stocks, lanes) == 0
    await limited(make, lanes)
    await lanes.submit(Cancel(make.EVENT, held[4].name, ""), make.cause())
    await asyncio.gather(*(count_bookings(bookings, stocks, each, page=2) for each in (lanes, others)))
    assert await tickets(journal) == {"users/0": {"standard": 4}, "users/1": {"standard": 4}}
    assert [(await bookings.get(each.name)).counted for each in held] == [True] * 4 + [False]
    with pytest.raises(FailedPrecondition, match="at most 3"):
        await others.submit(make.hold("users/1"), make.cause())
    assert (await stocks.stock(make.EVENT)).inventory.count_due is None
    assert await count_bookings(bookings, stocks, lanes) == 0


async def test_a_count_that_broke_off_is_taken_up_again(make, journal):
    lanes = await on_sale(make, journal)
    bookings, stocks = MongoBookings(journal), MongoStocks(journal)
    for _ in range(5):
        await lanes.submit(make.hold("users/ada"), make.cause())
    await limited(make, lanes)

    class Dying:
        async def submit(self, command, cause):
            if command.event == make.EVENT and await tickets(journal):
                raise Unavailable("GONE", "It died.")
            return await lanes.submit(command, cause)

    assert await count_bookings(bookings, stocks, Dying(), page=2) == 0
    assert (await tickets(journal))["users/ada"]["standard"] < 5
    assert await count_bookings(bookings, stocks, lanes, page=2) == 1
    assert await tickets(journal) == {"users/ada": {"standard": 5}}


async def test_a_replica_that_has_not_heard_of_the_limit_counts_what_it_holds(make, journal):
    lanes, others = await on_sale(make, journal), make.lanes_on(journal)
    await others.submit(make.hold("users/bob"), make.cause())  # it remembers the offer without a limit
    await limited(make, lanes)
    held = await others.submit(make.hold("users/bob", standard=2), make.cause())
    assert held.counted
    await count_bookings(MongoBookings(journal), MongoStocks(journal), lanes)
    assert await tickets(journal) == {"users/bob": {"standard": 3}}


async def test_an_inventory_of_an_earlier_release_is_not_due(make, journal):
    lanes = await on_sale(make, journal)
    await lanes.submit(make.hold(), make.cause())
    assert await MongoStocks(journal).to_count(10) == []
    assert (await MongoStocks(journal).stock(make.EVENT)).inventory.count_due is None

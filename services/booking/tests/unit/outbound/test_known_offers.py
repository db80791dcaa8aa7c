import asyncio

import pytest

from booking_service.domain.stock import Stock
from booking_service.outbound import known_offers
from booking_service.outbound.known_offers import KnownOffers
from domain_kit.refusals import Unavailable


class Stocks:
    def __init__(self, offer):
        self.told, self.reads, self.broken = offer, 0, False

    async def offer(self, event):
        self.reads += 1
        told = self.told
        await asyncio.sleep(0)
        if self.broken:
            raise Unavailable("STORE_UNAVAILABLE", "gone")
        return told


class Timer:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def known(make):
    stocks, timer = Stocks(make.offer()), Timer()
    return KnownOffers(stocks, timer=timer), stocks, timer


async def test_many_who_ask_at_once_cost_one_read_and_a_while_later_another(known, make):
    offers, stocks, timer = known
    for expected in (1, 1, 2):
        assert set(map(id, await asyncio.gather(*(offers.offer(make.EVENT) for _ in range(50))))) == {id(stocks.told)}
        assert stocks.reads == expected
        timer.now += 3.0


async def test_what_a_lane_has_committed_need_not_be_read(known, make):
    offers, stocks, _ = known
    newer = make.offer(version=2)
    offers.committed(Stock(newer, make.stock().inventory))
    assert await offers.offer(make.EVENT) is newer
    assert stocks.reads == 0


async def test_one_that_is_checked_later_may_be_of_any_age_and_a_newer_that_was_met_takes_its_place(known, make):
    offers, stocks, timer = known
    first = await offers.last_known(make.EVENT)
    timer.now += 3600
    assert await offers.last_known(make.EVENT) is first
    assert stocks.reads == 1
    offers.learn(make.offer(version=2))
    assert (await offers.last_known(make.EVENT)).version == 2


async def test_an_event_that_was_unknown_is_asked_for_again_after_a_moment_also_by_those_who_take_any_age(known, make):
    offers, stocks, timer = known
    offer, stocks.told = stocks.told, None
    assert await offers.last_known(make.EVENT) is None
    timer.now, stocks.told = 6.0, offer
    assert await offers.last_known(make.EVENT) is offer


async def test_a_read_that_began_before_a_commit_does_not_bring_the_older_offer_back(known, make):
    offers, _, timer = known
    reading = asyncio.create_task(offers.offer(make.EVENT))
    await asyncio.sleep(0)
    newer = make.offer(version=2)
    offers.committed(Stock(newer, make.stock().inventory))
    await reading
    assert await offers.offer(make.EVENT) is newer
    timer.now += 5
    assert await offers.offer(make.EVENT) is newer


async def test_a_failed_read_is_told_to_all_and_tried_again(known, make):
    offers, stocks, _ = known
    stocks.broken = True
    for each in await asyncio.gather(*(offers.offer(make.EVENT) for _ in range(3)), return_exceptions=True):
        assert isinstance(each, Unavailable)
    stocks.broken = False
    assert await offers.offer(make.EVENT) is stocks.told


async def test_the_longest_unused_are_forgotten(known, make, monkeypatch):
    monkeypatch.setattr(known_offers, "REMEMBERED", 2)
    offers, stocks, _ = known
    for event in ("events/a", "events/b", "events/c", "events/a"):
        await offers.offer(event)
    assert stocks.reads == 4

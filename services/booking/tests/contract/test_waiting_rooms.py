"""The waiting room on the in-memory fake and on the embedded database, with several replicas at it."""

import asyncio
import time
from collections import Counter
from datetime import timedelta

import pytest

from booking_service.domain.terms import BookingTerms, WaitingRoomTerms
from booking_service.domain.waiting_room import standing_of, turn_time
from booking_service.outbound.place_keys import PlaceKeys
from booking_service.outbound.room_documents import BLOCKS, ROOMS
from booking_service.outbound.waiting_rooms import MongoWaitingRooms
from domain_kit.refusals import Unavailable


class Counted:
    def __init__(self):
        self.joins = 0

    def joined(self, users):
        self.joins += users


@pytest.fixture
def opened(make):
    def offer(per_minute=60, version=1, **changes):
        terms = WaitingRoomTerms(True, per_minute, timedelta(minutes=2))
        return make.offer(version=version, terms=BookingTerms(waiting_room=terms), **changes)

    return offer


@pytest.fixture
def replica(journal, clock):
    def start(store=journal, seconds=0.0):
        return MongoWaitingRooms(store, clock, Counted(), seconds=seconds)

    return start


def counted(names, name, method):
    async def call(*args, **kwargs):
        names.append(name)
        return await method(*args, **kwargs)

    return call


async def crowd(rooms, offer, users):
    return [place for place, _ in await asyncio.gather(*(rooms.join(offer, user) for user in users))]


async def test_places_are_numbered_in_order_of_arrival_and_taken_in_few_commits(replica, opened, journal):
    rooms, users = replica(), [f"users/{number}" for number in range(100)]
    places = await crowd(rooms, opened(), users)
    assert [place.number for place in places] == [*range(1, 101)]
    assert [place.user for place in places] == users
    blocks = await journal.find(BLOCKS, {})
    assert sum(len(block["users"]) for block in blocks) == 100
    assert len(blocks) <= 6


async def test_a_long_queue_makes_nothing_dearer(opened, memory, clock, monkeypatch):
    """INVARIANT: what else the process serves keeps its latency while a queue grows: all of it costs what it did."""
    statements = []
    for name in ("find", "commit_batch"):
        monkeypatch.setattr(memory, name, counted(statements, name, getattr(memory, name)))
    rooms, offer = MongoWaitingRooms(memory, clock, Counted(), seconds=3600), opened(per_minute=1)

    async def asked(since):
        """The CPU's seconds, least of five, and statements of 160 who come, and of 2,000 looks."""
        seconds = []
        for turn in range(since, since + 5):
            statements.clear()
            began = time.process_time()
            await crowd(rooms, offer, [f"users/{turn}-{number}" for number in range(160)])
            for _ in range(2_000):
                await rooms.room(offer)
                rooms.count()
            seconds.append(time.process_time() - began)
        return min(seconds), Counter(statements)

    seconds, few = await asked(0)
    await crowd(rooms, offer, [f"users/queue-{number}" for number in range(20_000)])
    later, many = await asked(5)
    assert many == few == {"commit_batch": 5}
    assert later < 2 * seconds


async def test_a_user_who_joins_again_has_the_same_place_in_every_replica(replica, opened, clock):
    """INVARIANT: one place a user and event, however often and wherever they join."""
    offer, one, other = opened(), replica(), replica()
    first, _ = await one.join(offer, "users/ada")
    clock.advance(seconds=30)
    again = await asyncio.gather(*(each.join(offer, "users/ada") for each in [one, other, replica(), one]))
    assert [place for place, _ in again] == [first] * 4
    bob, _ = await other.join(offer, "users/bob")
    assert (bob.number, (await one.join(offer, "users/bob"))[0]) == (2, bob)


async def test_replicas_that_race_give_every_number_once_and_every_user_one(replica, opened, journal):
    """INVARIANT: no number twice, no user twice, no gap."""
    offer, replicas = opened(), [replica() for _ in range(4)]
    users = [f"users/{number}" for number in range(150)]
    answers = await asyncio.gather(*(crowd(each, offer, users[start:] + users[:start])
                                     for start, each in enumerate(replicas)))  # fmt: skip
    by_user = {}
    for place in (place for places in answers for place in places):
        assert by_user.setdefault(place.user, place) == place
    assert sorted(place.number for place in by_user.values()) == [*range(1, 151)]
    assert (await journal.find(ROOMS, {}))[0]["issued"] == 150


async def test_a_process_that_starts_anew_knows_who_was_there(replica, opened, clock):
    offer = opened()
    places = await crowd(replica(), offer, [f"users/{number}" for number in range(40)])
    anew = replica()
    assert await crowd(anew, offer, [place.user for place in places]) == places
    assert anew._metrics.joins == 0


async def test_whose_turn_is_over_joins_again_at_the_end_and_old_blocks_are_deleted(replica, opened, clock, journal):
    offer, rooms = opened(), replica()
    await crowd(rooms, offer, [f"users/{number}" for number in range(40)])
    clock.advance(minutes=2, seconds=10)
    early, room = await rooms.join(offer, "users/0")
    assert early.number == 41
    late, _ = await rooms.join(offer, "users/39")
    assert late.number == 40
    assert turn_time(late, room) + timedelta(minutes=2) > clock()
    clock.advance(minutes=5)
    await rooms.join(offer, "users/new")
    assert [block["users"] for block in await journal.find(BLOCKS, {})] == [["users/new"]]
    assert (await rooms.join(offer, "users/39"))[0].number == 43
    assert rooms.count() == (0, 43)


async def test_a_changed_rate_is_taken_over_by_whoever_looks_and_then_by_all(replica, opened, clock):
    slow, fast = opened(60), opened(600, version=2)
    one, other = replica(), replica()
    places = await crowd(one, slow, [f"users/{number}" for number in range(100)])
    clock.advance(seconds=15)
    looked = await other.room(fast)
    assert looked.pace.per_minute == 600
    stale = await one.room(slow)
    assert (stale.pace, stale.tuned, stale.version) == (looked.pace, 1, looked.version)
    waits = [standing_of(places[30], room, fast.terms.waiting_room, clock()).wait for room in (looked, stale)]
    assert waits == [timedelta(seconds=1.1)] * 2
    assert (await one.join(slow, "users/late"))[1].pace.per_minute == 600


async def test_whoever_only_looks_reads_once_a_moment(replica, opened, journal):
    reads = []

    class Counting:
        def __getattr__(self, name):
            return getattr(journal, name)

        async def find(self, *args, **options):
            reads.append(args)
            return await journal.find(*args, **options)

    rooms = replica(Counting(), seconds=1000.0)
    place, _ = await rooms.join(opened(), "users/ada")
    before = len(reads)
    for room in await asyncio.gather(*(rooms.room(opened()) for _ in range(50))):
        assert room.issued == place.number
    assert len(reads) == before


async def test_a_commit_whose_outcome_is_unknown_is_looked_up_by_the_next_join(replica, opened, journal):
    class Flaky:
        broken = True

        def __getattr__(self, name):
            return getattr(journal, name)

        async def commit_batch(self, writes, rows):
            await journal.commit_batch(writes, rows)
            if self.broken:
                raise Unavailable("STORE_UNAVAILABLE", "gone")

    store = Flaky()
    rooms = replica(store)
    with pytest.raises(Unavailable):
        await rooms.join(opened(), "users/ada")
    store.broken = False
    assert (await rooms.join(opened(), "users/ada"))[0].number == 1
    assert (await rooms.join(opened(), "users/bob"))[0].number == 2


async def test_the_caller_that_goes_away_keeps_its_place(replica, opened):
    rooms = replica()
    joining = asyncio.create_task(rooms.join(opened(), "users/ada"))
    await asyncio.sleep(0)
    joining.cancel()
    assert (await rooms.join(opened(), "users/bob"))[0].number == 2
    assert (await rooms.join(opened(), "users/ada"))[0].number == 1


async def test_replicas_read_each_others_tokens(replica, opened, journal):
    keys = [PlaceKeys(journal) for _ in range(3)]
    await asyncio.gather(*(each.open() for each in keys))
    place, _ = await replica().join(opened(), "users/ada")
    token = keys[0].place_token(place)
    for each in keys:
        assert await each.read_place(token, place.event, "users/ada") == place
    await keys[0].add(2)
    keys[1]._looked = float("-inf")
    assert await keys[1].read_place(keys[0].place_token(place), place.event, "users/ada") == place

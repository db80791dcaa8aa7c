"""What the relay may rely on, on the fake and on MongoDB alike."""

import asyncio
from datetime import timedelta

from domain_kit.backbone import EncodedEvent, Published
from mongo_store import Index, JournalRow, VersionedEvent


async def commit(store, subject, *versions):
    events = [VersionedEvent(EncodedEvent("test.Happened", b"x"), subject, version) for version in versions]
    await store.journal.commit([], JournalRow(store.cause(), subject, events))


def places(events):
    return [(event.subject, event.version) for event in events]


def published(events, partition=0, first=0):
    return [Published(event.row, event.index, partition, first + number) for number, event in enumerate(events)]


async def test_pending_domain_events_come_in_commit_order(store):
    expected = []
    for number in range(1, 6):
        for subject in ("jars/b", "jars/a"):
            await commit(store, subject, 2 * number - 1, 2 * number)
            expected += [(subject, 2 * number - 1), (subject, 2 * number)]
    assert places(await store.outbox.pending(99)) == expected
    assert places(await store.outbox.pending(3)) == expected[:3]
    assert [(event.subject, event.version) async for event in store.outbox.everything()] == expected
    ids = [event.id for event in await store.outbox.pending(99)]
    assert len(set(ids)) == 20


async def test_versions_of_one_aggregate_are_in_order_even_where_rows_are_not(store):
    await commit(store, "jars/a", 2)
    await commit(store, "jars/b", 1)
    await commit(store, "jars/a", 1)
    assert places(await store.outbox.pending(9)) == [("jars/a", 1), ("jars/b", 1), ("jars/a", 2)]


async def test_a_row_is_published_when_all_its_domain_events_are(store):
    await commit(store, "jars/a", 1, 2, 3)
    first, second, third = await store.outbox.pending(9)
    await store.outbox.mark_published(published([second], first=7))
    assert places(await store.outbox.pending(9)) == [("jars/a", 1), ("jars/a", 3)]
    await store.outbox.mark_published(published([first, third], first=8))
    assert await store.outbox.pending(9) == []
    assert await store.outbox.last_offsets() == {0: 9}
    assert [version async for version in versions(store)] == [1, 2, 3]


async def versions(store):
    async for event in store.outbox.everything():
        yield event.version


async def test_what_the_broker_lost_is_pending_again(store):
    await commit(store, "jars/a", 1, 2)
    await commit(store, "jars/b", 1)
    await commit(store, "jars/c", 1)
    a1, a2, b1, c1 = await store.outbox.pending(9)
    await store.outbox.mark_published([*published([a1, a2], 0, 4), *published([b1], 0, 6), *published([c1], 1, 50)])
    assert await store.outbox.mark_lost({0: 5}) == 2
    assert places(await store.outbox.pending(9)) == [("jars/a", 2), ("jars/b", 1)]
    assert await store.outbox.mark_lost({0: 5}) == 0
    assert await store.outbox.last_offsets() == {0: 6, 1: 50}
    await store.outbox.mark_published(published([a2, b1], 0, 5))
    assert await store.outbox.pending(9) == []
    assert await store.outbox.last_offsets() == {0: 6, 1: 50}


async def test_the_age_of_the_oldest_pending_domain_event_is_known(store):
    assert await store.outbox.oldest_pending_age() == timedelta()
    await commit(store, "jars/a", 1)
    store.clock.move(30)
    await commit(store, "jars/a", 2)
    assert await store.outbox.oldest_pending_age() == timedelta(seconds=30)
    await store.outbox.mark_published(published(await store.outbox.pending(9)))
    assert await store.outbox.oldest_pending_age() == timedelta()


async def test_a_commit_wakes_the_relay_also_when_it_came_first(store):
    waiting = asyncio.create_task(store.outbox.wait_for_commit(30))
    await asyncio.sleep(0)
    await commit(store, "jars/a", 1)
    await asyncio.wait_for(waiting, 5)
    await commit(store, "jars/a", 2)
    await asyncio.wait_for(store.outbox.wait_for_commit(30), 5)


async def test_a_commit_without_domain_events_wakes_nobody(store):
    await commit(store, "jars/a")
    began = asyncio.get_running_loop().time()
    await store.outbox.wait_for_commit(0.05)
    assert asyncio.get_running_loop().time() - began >= 0.04
    assert await store.outbox.pending(9) == []


async def test_a_lease_has_one_holder_until_it_ends_or_is_given_back(store):
    assert await store.outbox.hold_lease("relay", "one", 10)
    assert not await store.outbox.hold_lease("relay", "two", 10)
    assert await store.outbox.hold_lease("other", "two", 10)
    store.clock.move(6)
    assert await store.outbox.hold_lease("relay", "one", 10)
    store.clock.move(6)
    assert not await store.outbox.hold_lease("relay", "two", 10)
    store.clock.move(5)
    assert await store.outbox.hold_lease("relay", "two", 10)
    await store.outbox.release_lease("relay", "one")
    assert not await store.outbox.hold_lease("relay", "one", 10)
    await store.outbox.release_lease("relay", "two")
    assert await store.outbox.hold_lease("relay", "one", 10)


async def test_only_one_of_many_gets_a_free_lease(store):
    assert sum(await asyncio.gather(*(store.outbox.hold_lease("relay", f"{n}", 10) for n in range(10)))) == 1


async def test_whole_and_partial_rows_are_marked_together(store):
    await commit(store, "jars/a", 1, 2)
    await commit(store, "jars/b", 1)
    a1, a2, b1 = await store.outbox.pending(9)
    await store.outbox.mark_published(published([a1, b1]))
    assert places(await store.outbox.pending(9)) == [("jars/a", 2)]
    await store.outbox.mark_published(published([a2], first=2))
    await store.outbox.mark_published([])
    assert await store.outbox.pending(9) == []
    assert await store.outbox.mark_lost({0: 0}) == 2
    assert places(await store.outbox.pending(9)) == [("jars/a", 1), ("jars/a", 2), ("jars/b", 1)]


async def test_each_of_many_rows_remembers_where_its_own_domain_events_went(store):
    for number in range(150):
        await commit(store, f"jars/{number}", *range(1, 2 + number % 3))
    events = await store.outbox.pending(999)
    await store.outbox.mark_published(published(events, first=1000))
    assert await store.outbox.pending(9) == []
    assert await store.outbox.mark_lost({0: 1000 + len(events) - 7, 1: 0}) > 0
    assert places(await store.outbox.pending(99)) == places(events[-7:])
    await store.outbox.mark_published(published(events[-7:], 1, 5))
    assert await store.outbox.mark_lost({0: 0, 1: 8}) == 149  # the first of the seven stand before what was lost
    assert places(await store.outbox.pending(999)) == places([*events[:-7], *events[-4:]])
    for start in range(0, 999, 50):  # of what was put back together, some are published before the rest
        await store.outbox.mark_published(published(await store.outbox.pending(50), first=2000 + start))
    assert await store.outbox.pending(9) == []
    assert await store.outbox.mark_lost({}) == 0


async def test_a_loss_is_found_in_all_that_went_out_page_by_page(store, monkeypatch):
    for number in range(100):
        await commit(store, f"jars/{number:02}", 1)
    monkeypatch.setattr("mongo_store.outbox.LOOKED_AT", 9)
    for turn in range(50):  # two at a time, each into a partition of its own
        one, two = (await store.outbox.pending(9))[:2]
        await store.outbox.mark_published([*published([one], 0, turn), *published([two], 1, turn)])
    assert await store.outbox.pending(9) == []
    assert await store.outbox.mark_lost({0: 10, 1: 49}) == 41
    monkeypatch.undo()
    again = [f"jars/{number:02}" for number in (*range(20, 100, 2), 99)]
    assert places(await store.outbox.pending(999)) == [(jar, 1) for jar in again]
    assert await store.outbox.mark_lost({0: 10, 1: 49}) == 0
    assert await store.outbox.mark_lost({0: 0, 1: 0}) == 59


async def test_what_an_earlier_release_had_not_published_is_pending(mongo_store):
    """It kept that in the rows themselves."""
    store, rows = mongo_store, mongo_store.journal.database.collection("journal")
    await store.journal.database.ensure_indexes({"journal": [Index("pending", [("ord", 1)], where={"pub": False})]})
    await commit(store, "jars/a", 1, 2)
    await commit(store, "jars/b", 1)
    await commit(store, "jars/c", 1)
    await store.journal.database.collection("journal_pending").delete_many({})
    await store.journal.database.collection("journal_offsets").insert_one({"_id": 0, "off": 6})
    assert await store.outbox.last_offsets() == {0: 6}
    there = {"p": 0, "o": 5}
    await rows.update_one({"agg": "jars/a"}, {"$set": {"pub": False, "off": [there, None]}})
    await rows.update_one({"agg": "jars/b"}, {"$set": {"pub": True, "off": [{"p": 0, "o": 6}]}})
    await rows.update_one({"agg": "jars/c"}, {"$set": {"pub": True, "off": [{"p": 1, "o": 7}]}})
    for _ in range(2):
        await store.journal.ensure_indexes()
        assert places(await store.outbox.pending(9)) == [("jars/a", 2)]
    (event,) = await store.outbox.pending(9)
    await store.outbox.mark_published(published([event], 1, 3))
    assert await store.outbox.last_offsets() == {0: 6, 1: 3}
    assert await store.outbox.mark_lost({1: 3}) == 2
    assert places(await store.outbox.pending(9)) == [("jars/a", 2), ("jars/c", 1)]
    await store.outbox.mark_published(published(await store.outbox.pending(9), 2, 3))
    await store.outbox.mark_published(published([event], 0, 4))
    assert await store.outbox.mark_lost({0: 6}) == 1
    assert places(await store.outbox.pending(9)) == [("jars/b", 1)]
    assert await store.outbox.mark_lost({0: 0}) == 1
    assert places(await store.outbox.pending(9)) == [("jars/a", 1), ("jars/a", 2), ("jars/b", 1)]


async def test_domain_events_of_one_commit_are_published_lost_and_published_again_each_by_itself(store):
    await asyncio.gather(*(commit(store, f"jars/{name}", 1, 2) for name in "abcdef"))
    before = await store.outbox.pending(99)
    assert places(await store.outbox.pending(5)) == places(before[:5])
    await store.outbox.mark_published(published(before[:5]))
    assert await store.outbox.pending(99) == before[5:]
    assert await store.outbox.mark_lost({0: 3}) == 2
    assert await store.outbox.pending(99) == before[3:]
    await store.outbox.mark_published(published(before[3:], first=3))
    assert await store.outbox.pending(99) == []
    await store.outbox.mark_published(published(before, first=20))
    assert await store.outbox.pending(99) == []


async def test_another_process_publishes_the_same_domain_events(mongo_store, open_store, mongo_uri):
    mongo_store.clock.move(0.0123456)
    await asyncio.gather(*(commit(mongo_store, f"jars/{number}", 1, 2) for number in range(40)))
    mine = await mongo_store.outbox.pending(99)
    async with open_store(mongo_uri, mongo_store.journal.database.name) as other:
        assert await other.outbox.pending(99) == mine
        await other.outbox.mark_published(published(mine[:-1]))
    assert await mongo_store.outbox.pending(99) == mine[-1:]
    await mongo_store.outbox.mark_published(published(mine))
    assert await mongo_store.outbox.pending(99) == []

"""An outbox that is content with what it remembers tells everything once all the same, whoever else commits."""

from contextlib import asynccontextmanager

import pytest

from domain_kit.backbone import EncodedEvent, Published
from mongo_store import Journal, JournalRow, MongoOutbox, VersionedEvent
from mongo_store import outbox as outbox_module

PENDING = "journal_pending"


@asynccontextmanager
async def counting_looks(monkeypatch, outbox):
    looks, look = [], outbox._look

    async def counted(limit):
        looks.append(limit)
        return await look(limit)

    monkeypatch.setattr(outbox, "_look", counted)
    yield looks


async def commit(journal, cause, subject, *versions):
    events = [VersionedEvent(EncodedEvent("test.Happened", b"x"), subject, version) for version in versions]
    await journal.commit([], JournalRow(cause, subject, events))


def subjects(events):
    return [event.subject for event in events]


def published(events, first=0):
    return [Published(event.row, event.index, 0, first + number) for number, event in enumerate(events)]


async def waiting(store):
    return await store.journal.database.collection(PENDING).count_documents({})


@pytest.fixture
def outbox(mongo_store):
    return MongoOutbox(mongo_store.journal, patience=60.0)


async def test_what_this_process_commits_needs_no_look_at_the_store(mongo_store, outbox, monkeypatch):
    store = mongo_store
    async with counting_looks(monkeypatch, outbox) as looks:
        assert await outbox.pending(9) == []
        for number in range(3):
            await commit(store.journal, store.cause(), f"jars/{number}", 1)
            events = await outbox.pending(9)
            assert subjects(events) == [f"jars/{number}"]
            await outbox.mark_published(published(events, number))
        assert len(looks) == 1
    assert await waiting(store) == 3, "marked later, all at once"
    assert await outbox.last_offsets() == {0: 2}
    await outbox.settle()
    assert await waiting(store) == 0
    assert await MongoOutbox(store.journal).last_offsets() == {0: 2}


async def test_what_was_published_and_not_marked_is_not_pending_here_but_after_a_crash(mongo_store, outbox):
    store = mongo_store
    await commit(store.journal, store.cause(), "jars/a", 1, 2)
    first, second = await outbox.pending(9)
    await outbox.mark_published(published([first]))
    outbox._trusted_until = float("-inf")
    assert await outbox.pending(9) == [second]
    following = MongoOutbox(Journal(store.journal.database), patience=60.0)
    assert [event.version for event in await following.pending(9)] == [1, 2]


async def test_commits_of_another_process_are_seen_when_patience_ends(mongo_store, outbox):
    store = mongo_store
    other = Journal(store.journal.database)
    assert await outbox.pending(9) == []
    await commit(other, store.cause(), "jars/other", 1)
    await commit(store.journal, store.cause(), "jars/mine", 1)
    assert subjects(await outbox.pending(9)) == ["jars/mine"]
    outbox._trusted_until = float("-inf")
    assert set(subjects(await outbox.pending(9))) == {"jars/other", "jars/mine"}
    await commit(other, store.cause(), "jars/more", 1)
    assert set(subjects(await outbox.pending(9))) == {"jars/other", "jars/mine", "jars/more"}, "trust is gone"


async def test_what_another_process_has_published_is_not_published_again(mongo_store, outbox):
    store = mongo_store
    await commit(store.journal, store.cause(), "jars/a", 1)
    leader = MongoOutbox(Journal(store.journal.database))
    await leader.mark_published(published(await leader.pending(9)))
    await commit(store.journal, store.cause(), "jars/b", 1)
    assert subjects(await outbox.pending(9)) == ["jars/b"]


async def test_memory_that_had_to_forget_something_is_not_trusted(mongo_store, outbox):
    store = mongo_store
    assert await outbox.pending(9) == []
    await commit(store.journal, store.cause(), "jars/a", 1)
    store.journal.recent._most_events = 1
    await commit(store.journal, store.cause(), "jars/b", 1)
    assert subjects(await outbox.pending(9)) == ["jars/a", "jars/b"]


async def test_losses_are_found_among_what_is_not_marked_yet(mongo_store, outbox):
    store = mongo_store
    await commit(store.journal, store.cause(), "jars/a", 1, 2)
    await outbox.mark_published(published(await outbox.pending(9)))
    assert await outbox.mark_lost({0: 1}) == 1
    assert [event.version for event in await outbox.pending(9)] == [2]


async def test_a_lease_is_asked_for_again_when_a_third_of_it_is_over(mongo_store, outbox):
    store = mongo_store
    leases = store.journal.database.collection("leases")
    assert await outbox.hold_lease("sweep", "a", 9.0)
    first = await leases.find_one({"_id": "sweep"})
    store.clock.move(2)
    assert await outbox.hold_lease("sweep", "a", 9.0)
    assert await leases.find_one({"_id": "sweep"}) == first
    store.clock.move(1)
    assert await outbox.hold_lease("sweep", "a", 9.0)
    assert (await leases.find_one({"_id": "sweep"}))["until"] > first["until"]
    store.clock.move(10)
    assert await MongoOutbox(store.journal).hold_lease("sweep", "b", 9.0)
    assert not await outbox.hold_lease("sweep", "a", 9.0)
    assert not await outbox.hold_lease("sweep", "a", 9.0)


async def test_who_has_lost_its_office_leaves_what_it_did_not_mark_to_the_next(mongo_store, outbox):
    store = mongo_store
    await commit(store.journal, store.cause(), "jars/a", 1)
    await outbox.mark_published(published(await outbox.pending(9)))
    await outbox.leave_pending()
    assert subjects(await outbox.pending(9)) == ["jars/a"]
    assert await outbox.last_offsets() == {}


async def test_a_long_backlog_that_is_published_but_not_marked_hides_nothing(mongo_store, outbox, monkeypatch):
    monkeypatch.setattr(outbox_module, "LOOKED_AT", 3)
    store = mongo_store
    for number in range(8):
        await commit(Journal(store.journal.database), store.cause(), f"jars/{number}", 1, 2)
    seen = []
    while events := await outbox.pending(4):
        seen += [(event.subject, event.version) for event in events]
        await outbox.mark_published(published(events, len(seen)))
    assert sorted(seen) == [(f"jars/{number}", version) for number in range(8) for version in (1, 2)]


async def test_marks_wait_their_own_time_however_impatient_the_outbox_is(mongo_store, monkeypatch):
    store, now = mongo_store, 100.0
    monkeypatch.setattr(outbox_module.time, "monotonic", lambda: now)
    outbox = MongoOutbox(store.journal, patience=0.0, marks_after=1.0)
    await commit(store.journal, store.cause(), "jars/a", 1)
    await outbox.mark_published(published(await outbox.pending(9)))
    now += 0.9
    assert (await outbox.pending(9), await waiting(store)) == ([], 1)
    now += 0.2
    assert (await outbox.pending(9), await waiting(store)) == ([], 0)

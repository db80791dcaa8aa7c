"""What a commit promises, on the fake and on MongoDB alike."""

import asyncio

import pytest

from domain_kit.backbone import EncodedEvent
from domain_kit.refusals import AlreadyExists, InvalidArgument
from mongo_store import (
    Check,
    Delete,
    Insert,
    JournalRow,
    Put,
    Replace,
    RequestRepeated,
    VersionConflict,
    VersionedEvent,
)


def row(store, key="", subject="things/a", versions=(), answer=None, fingerprint=b"same"):
    events = [VersionedEvent(EncodedEvent("test.Happened", b"\x00\xff"), subject, version) for version in versions]
    return JournalRow(store.cause(key, fingerprint), subject, events, answer)


async def things(store):
    return {document["_id"]: document.get("v") for document in await store.journal.find("things", {})}


async def test_all_kinds_of_write_go_together(store):
    await store.journal.commit([Insert("things", {"_id": n, "version": 1, "v": 0}) for n in "abc"], row(store))
    await store.journal.commit(
        [
            Replace("things", {"_id": "a", "version": 2, "v": 1}, 1),
            Put("things", {"_id": "b", "v": 2}),
            Put("things", {"_id": "d", "v": 3}),
            Delete("things", "c"),
            Delete("things", "never there"),
        ],
        row(store),
    )
    assert await things(store) == {"a": 1, "b": 2, "d": 3}


async def test_a_check_changes_nothing_and_lets_nothing_through_once_its_document_has_changed(store):
    await store.journal.commit([Insert("things", {"_id": "a", "version": 3, "v": 0})], row(store))
    await store.journal.commit([Check("things", "a", 3), Insert("things", {"_id": "b", "v": 1})], row(store))
    assert await things(store) == {"a": 0, "b": 1}
    for moved in (Check("things", "a", 2), Check("things", "nowhere", 1)):
        with pytest.raises(VersionConflict):
            await store.journal.commit([moved, Insert("things", {"_id": "c", "v": 1})], row(store))
    assert await things(store) == {"a": 0, "b": 1}


async def test_nothing_is_written_when_one_write_does_not_fit(store):
    """INVARIANT: all writes of a command or none, and its row with them."""
    await store.journal.commit([Insert("things", {"_id": "a", "version": 1, "v": 0})], row(store))
    with pytest.raises(VersionConflict) as conflict:
        await store.journal.commit(
            [Insert("things", {"_id": "b"}), Replace("things", {"_id": "a", "version": 6, "v": 9}, 5)],
            row(store, "k", versions=[1]),
        )
    assert conflict.value.names == (("things", "a"),)
    with pytest.raises(AlreadyExists):
        await store.journal.commit(
            [Put("things", {"_id": "c"}), Insert("things", {"_id": "a"})], row(store, "k", versions=[1])
        )
    with pytest.raises(VersionConflict):
        await store.journal.commit([Replace("things", {"_id": "x", "version": 2}, 1)], row(store, "k", versions=[1]))
    assert await things(store) == {"a": 0}
    assert await store.outbox.pending(9) == []
    assert await store.journal.answer_to(store.cause("k")) is None


async def test_a_repeat_is_told_with_its_answer_before_anything_else_is_noticed(store):
    await store.journal.commit([Insert("things", {"_id": "a"})], row(store, "k", answer={"told": [1, "two"]}))
    with pytest.raises(RequestRepeated) as repeat:
        await store.journal.commit([Insert("things", {"_id": "a"})], row(store, "k"))
    assert repeat.value.answer == {"told": [1, "two"]}
    with pytest.raises(InvalidArgument):
        await store.journal.commit([Insert("things", {"_id": "b"})], row(store, "k", fingerprint=b"other"))


async def test_a_row_without_an_answer_is_still_remembered(store):
    await store.journal.commit([], row(store, "k"))
    assert await store.journal.answer_to(store.cause("k")) == {}
    assert await store.journal.answer_to(store.cause("other")) is None


async def test_a_conflict_leaves_its_neighbours_alone(store):
    """INVARIANT: of commits that run together, those that cannot go through fail alone."""
    await store.journal.commit([Insert("things", {"_id": "a", "version": 1, "v": 0})], row(store, "seen"))

    def command(number):
        if number % 10 == 3:
            return [Replace("things", {"_id": "a", "version": 9}, 8)], row(store)
        if number % 10 == 5:
            return [Insert("things", {"_id": "a"})], row(store)
        if number % 10 == 7:
            return [Insert("things", {"_id": f"n{number}"})], row(store, "seen")
        return [Insert("things", {"_id": f"n{number}", "v": number})], row(store, f"k{number}", versions=[1])

    outcomes = await asyncio.gather(
        *(store.journal.commit(*command(number)) for number in range(50)), return_exceptions=True
    )
    kinds = {3: VersionConflict, 5: AlreadyExists, 7: RequestRepeated}
    assert [type(outcome) for outcome in outcomes] == [kinds.get(number % 10, type(None)) for number in range(50)]
    assert await things(store) == {"a": 0} | {f"n{n}": n for n in range(50) if n % 10 not in kinds}
    assert len(await store.outbox.pending(99)) == 35


@pytest.mark.parametrize("size", [3, 40])  # many inserts into one collection are sent in another way than a few
async def test_one_batch_is_one_transaction(store, size):
    rows = [row(store, f"k{n}", f"things/{n}", [1], {"n": n}) for n in range(size)]
    await store.journal.commit_batch([Insert("things", {"_id": f"n{n}"}) for n in range(size)], rows)
    more = [row(store, f"fresh{n}") for n in range(size)]
    with pytest.raises(RequestRepeated) as repeat:
        await store.journal.commit_batch(
            [Insert("things", {"_id": f"new{n}"}) for n in range(size)],
            [*more, row(store, "k1"), row(store, "k2"), row(store, "k0", fingerprint=b"other")],
        )
    assert repeat.value.recorded.answers == {"k1": {"n": 1}, "k2": {"n": 2}}
    assert repeat.value.recorded.reused == {"k0"}
    recorded = await store.journal.answers_to([store.cause("k1"), store.cause("fresh1")])
    assert recorded.answers == {"k1": {"n": 1}}
    assert set(await things(store)) == {f"n{n}" for n in range(size)}


@pytest.mark.parametrize("size", [3, 40])
@pytest.mark.parametrize("taken", [0, 2])
async def test_the_write_of_a_batch_that_met_a_taken_value_is_named(store, size, taken):
    await store.new("jars/first", label="taken")
    jars = [{"_id": f"jars/{n}", "version": 1, "label": "taken" if n == taken else ""} for n in range(size)]
    writes = [Insert("things", {"_id": "before"}), *(Insert("jars", jar) for jar in jars), Put("things", {"_id": "b"})]
    with pytest.raises(AlreadyExists) as refused:
        await store.journal.commit_batch(writes, [row(store, f"k{n}") for n in range(size)])
    assert refused.value.metadata["resource"] == f"jars/{taken}"
    assert refused.value.metadata["index"] == "label"
    assert await things(store) == {}
    assert await store.journal.answer_to(store.cause("k0")) is None


async def test_a_cause_without_a_key_is_an_error(store):
    with pytest.raises(ValueError, match="key"):
        JournalRow(type(store.cause())(""), "things/a")


async def test_many_documents_asked_for_by_name_are_all_found_once(store):
    names = [f"jars/{number}" for number in range(40)]
    await asyncio.gather(*(store.new(name) for name in names))
    found = await store.journal.find("jars", {"_id": {"$in": [*names, names[0], "jars/none"]}})
    assert sorted(each["_id"] for each in found) == sorted(names)
    assert len(await store.journal.find("jars", {"_id": {"$in": names}}, limit=30)) == 30

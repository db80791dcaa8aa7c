"""What a repository promises, on the fake and on MongoDB alike."""

import asyncio
from dataclasses import replace

import pytest

from domain_kit.backbone import EncodedEvent
from domain_kit.refusals import Aborted, AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from mongo_store import JournalRow, MongoRepository, Put


async def test_what_was_created_is_read_back_with_version_one(store):
    created = await store.new("jars/a", coins=3, label="honey")
    assert created.version == 1
    assert await store.jars.get("jars/a") == created == store.Jar("jars/a", 3, "honey", None, 1)


async def test_a_missing_aggregate_is_named_in_the_refusal(store):
    with pytest.raises(NotFound) as refusal:
        await store.jars.get("jars/none")
    assert refusal.value.metadata == {"resource": "jars/none"}
    with pytest.raises(NotFound):
        await store.add("jars/none")


async def test_creating_the_same_name_twice_is_refused(store):
    await store.new("jars/a")
    with pytest.raises(AlreadyExists) as refusal:
        await store.new("jars/a", coins=9)
    assert (refusal.value.reason, refusal.value.metadata["index"]) == ("RESOURCE_ALREADY_EXISTS", "_id_")
    assert (await store.jars.get("jars/a")).coins == 0


async def test_a_taken_unique_value_is_refused_by_the_name_of_its_index(store):
    await store.new("jars/a", label="honey")
    with pytest.raises(AlreadyExists) as refusal:
        await store.new("jars/b", label="honey")
    assert (refusal.value.reason, refusal.value.metadata["index"]) == ("VALUE_TAKEN", "label")
    assert refusal.value.metadata["resource"] == "jars/b"
    with pytest.raises(NotFound):
        await store.jars.get("jars/b")
    await store.new("jars/b")
    await store.new("jars/c")


async def test_an_update_raises_the_version_by_its_domain_events(store):
    await store.new("jars/a")
    after = await store.jars.update(
        "jars/a", lambda jar: (replace(jar, coins=5), ["Added", "Counted"]), cause=store.cause()
    )
    assert (after.coins, after.version) == (5, 3)
    events = await store.outbox.pending(10)
    assert [(event.type, event.version) for event in events] == [
        ("test.Created", 1),
        ("test.Added", 2),
        ("test.Counted", 3),
    ]
    assert [event.payload for event in events[1:]] == [b"jars/a@3:5", b"jars/a@3:5"]
    assert {(event.correlation_id, event.traceparent, event.time) for event in events} == {
        ("correlation", "00-trace", store.clock.now)
    }


async def test_deciding_on_nothing_writes_no_domain_event_but_remembers_the_request(store):
    await store.new("jars/a")
    assert (await store.add("jars/a", 0, key="nothing")).version == 1
    await store.add("jars/a", 4)
    assert (await store.add("jars/a", 7, key="nothing")).coins == 0
    assert (await store.jars.get("jars/a")).coins == 4
    assert await store.history("jars/a") == [1, 2]


async def test_changing_without_a_domain_event_is_an_error(store):
    await store.new("jars/a")
    with pytest.raises(ValueError, match="without a domain event"):
        await store.jars.update("jars/a", lambda jar: (replace(jar, coins=1), []), cause=store.cause())
    with pytest.raises(ValueError, match="without a domain event"):
        await store.jars.create(store.Jar("jars/b"), [], cause=store.cause())


async def test_a_stale_etag_is_refused_and_the_present_one_accepted(store):
    await store.new("jars/a")
    await store.add("jars/a", etag='"1"')
    with pytest.raises(Aborted) as refusal:
        await store.add("jars/a", etag='"1"')
    assert refusal.value.reason == "ETAG_MISMATCH"
    assert (await store.add("jars/a", etag='"2"')).coins == 2


async def test_a_repeated_request_gets_its_first_answer_also_after_other_writes(store):
    """INVARIANT: one request id, one effect, one answer."""
    cause = store.cause("create")
    created = await store.jars.create(store.Jar("jars/a", 1), ["Created"], cause=cause)
    first = await store.add("jars/a", 2, key="add", etag='"1"')
    await store.add("jars/a", 10)
    assert await store.add("jars/a", 2, key="add", etag='"1"') == first
    assert await store.jars.create(store.Jar("jars/a", 1), ["Created"], cause=cause) == created
    assert (await store.jars.get("jars/a")).coins == 13
    assert await store.history("jars/a") == [1, 2, 3]


async def test_a_repeated_request_gets_its_answer_where_deciding_again_would_refuse(store):
    await store.new("jars/a")
    full = await store.add("jars/a", 5, limit=5, key="fill")
    assert await store.add("jars/a", 5, limit=5, key="fill") == full
    with pytest.raises(FailedPrecondition):
        await store.add("jars/a", 5, limit=5)


async def test_a_request_id_with_another_payload_is_refused(store):
    await store.new("jars/a")
    await store.add("jars/a", key="k")
    for fingerprint in (b"other", b""):
        with pytest.raises(InvalidArgument) as refusal:
            await store.jars.update(
                "jars/a", lambda jar: (replace(jar, coins=99), ["Added"]), cause=store.cause("k", fingerprint)
            )
        assert refusal.value.reason == "REQUEST_ID_REUSED"
        assert [violation.field for violation in refusal.value.violations] == ["request_id"]
    with pytest.raises(InvalidArgument):
        await store.jars.create(store.Jar("jars/z"), ["Created"], cause=store.cause("k", b"other"))
    assert (await store.jars.get("jars/a")).coins == 1


async def test_a_decision_that_raises_leaves_nothing_behind(store):
    await store.new("jars/a")
    with pytest.raises(FailedPrecondition):
        await store.add("jars/a", 9, limit=5, key="k")
    assert await store.journal.answer_to(store.cause("k")) is None
    assert (await store.add("jars/a", 3, limit=5, key="k")).coins == 3
    assert await store.history("jars/a") == [1, 2]


async def test_parallel_writers_of_one_aggregate_lose_no_update(store):
    """INVARIANT: every acknowledged change is in the state, and versions are dense."""
    await store.new("jars/a")
    after = await asyncio.gather(*(store.add("jars/a") for _ in range(40)))
    assert sorted(jar.version for jar in after) == list(range(2, 42))
    assert (await store.jars.get("jars/a")).coins == 40
    assert await store.history("jars/a") == list(range(1, 42))


async def test_the_same_request_in_parallel_takes_effect_once(store):
    await store.new("jars/a")
    answers = await asyncio.gather(*(store.add("jars/a", 5, key="k") for _ in range(12)))
    assert {(jar.coins, jar.version) for jar in answers} == {(5, 2)}


async def test_a_repeat_is_answered_without_the_fields_that_are_not_recorded(store):
    """INVARIANT: rows are kept for ever, so what must be forgotten is never in one."""

    def read(document):
        return store.Jar(document["_id"], document["coins"], document.get("label", ""), None, document["version"])

    jars = MongoRepository(
        store.journal,
        collection="jars",
        to_document=lambda jar: {"coins": jar.coins, "label": jar.label, "rank": jar.rank},
        from_document=read,
        encode=lambda event, jar: EncodedEvent(f"test.{event}", b""),
        unrecorded=["label"],
    )
    cause = store.cause("unrecorded")
    first = await jars.create(store.Jar("jars/a", 1, "the combination"), ["Created"], cause=cause)
    again = await jars.create(store.Jar("jars/b", 1, "another"), ["Created"], cause=cause)
    assert (first.label, again.label, again.name) == ("the combination", "", "jars/a")
    assert (await jars.get("jars/a")).label == "the combination"
    assert "label" not in await store.journal.answer_to(cause)


async def test_parallel_creations_of_one_name_succeed_once(store):
    outcomes = await asyncio.gather(*(store.new("jars/a", coins=n) for n in range(8)), return_exceptions=True)
    made = [outcome for outcome in outcomes if isinstance(outcome, store.Jar)]
    assert len(made) == 1
    assert all(isinstance(outcome, AlreadyExists) for outcome in outcomes if outcome not in made)
    assert await store.jars.get("jars/a") == made[0]


async def test_pages_visit_each_once_in_order_with_ties_and_missing_values(store):
    ranks = [None, 3, 1, 3, None, 2, 3]
    for number, rank in enumerate(ranks):
        await store.new(f"jars/{number}", rank=rank)
    names = {1: ["0", "4", "2", "5", "1", "3", "6"], -1: ["6", "3", "1", "5", "2", "4", "0"]}
    for direction, expected in names.items():
        for limit in (1, 2, 3, 7, 8):
            seen, after = [], None
            while True:
                page = await store.jars.find_page({}, sort=[("rank", direction)], after=after, limit=limit)
                seen += [jar.name.removeprefix("jars/") for jar in page.items]
                after = page.following
                if after is None:
                    break
            assert seen == expected


async def test_a_page_holds_only_what_matches(store):
    for number in range(6):
        await store.new(f"jars/{number}", coins=number, rank=number % 2)
    page = await store.jars.find_page({"coins": {"$gte": 2}, "rank": 0}, sort=[("coins", -1)], limit=5)
    assert [jar.coins for jar in page.items] == [4, 2]
    assert page.following is None
    fifth = await store.jars.find_one({"$or": [{"coins": 99}, {"coins": {"$in": [5]}}]})
    assert fifth == await store.jars.get("jars/5")
    assert await store.jars.find_one({"coins": 77}) is None


async def test_writes_beside_an_aggregate_go_with_its_changes_only(store):
    store.jars._beside = lambda before, after: [Put("shelf", {"_id": after.name, "was": before and before.coins})]
    await store.new("jars/a", coins=1)
    assert await store.journal.read("shelf", "jars/a") == {"_id": "jars/a", "was": None}
    await store.add("jars/a", 5)
    await store.add("jars/a", 0)
    with pytest.raises(FailedPrecondition):
        await store.add("jars/a", 5, limit=1)
    assert await store.journal.read("shelf", "jars/a") == {"_id": "jars/a", "was": 1}


async def test_fields_that_must_not_be_kept_for_ever_are_not_in_the_recorded_answer(store):
    store.jars._unrecorded = frozenset({"label"})
    await store.new("jars/a", label="secret")
    await store.add("jars/a", key="k")
    assert "label" not in await store.journal.answer_to(store.cause("k"))
    assert (await store.jars.get("jars/a")).label == "secret"


async def test_domain_events_carry_the_trail_that_led_to_them(store):
    await store.new("jars/a")
    await store.add("jars/a")
    await store.add("jars/a", 0)
    await store.add("jars/a")
    trails = [event.trail async for event in store.outbox.everything()]
    assert trails == ["", "test.Created=1", "test.Created=1 test.Added=2"]


async def test_an_aggregate_stored_before_there_were_trails_has_none(store):
    await store.journal.commit(
        [Put("jars", {"_id": "jars/old", "coins": 1, "label": "", "rank": None, "version": 4})],
        JournalRow(store.cause(), "jars/old"),
    )
    await store.add("jars/old")
    assert [(event.version, event.trail) async for event in store.outbox.everything()] == [(5, None)]


async def test_what_was_written_last_is_not_read_again_to_decide(store, monkeypatch):
    mine, reads = store.remembering, []
    await mine.create(store.Jar("jars/a"), ["Created"], cause=store.cause())
    kept = store.journal.read

    async def read(*args):
        reads.append(args)
        return await kept(*args)

    monkeypatch.setattr(store.journal, "read", read)
    for _ in range(3):
        after = await mine.update(
            "jars/a", lambda jar: (replace(jar, coins=jar.coins + 1), ["Added"]), cause=store.cause()
        )
    assert (after.coins, after.version, reads) == (3, 4, [])
    assert await store.history("jars/a") == [1, 2, 3, 4]


async def test_what_is_remembered_never_counts_against_what_is_stored(store):
    """INVARIANT: a process that remembers decides as one that reads, whatever others wrote meanwhile."""
    mine = store.remembering

    def adding(limit):
        def decide(jar):
            if jar.coins >= limit:
                raise FailedPrecondition("JAR_FULL", "Full.")
            return replace(jar, coins=jar.coins + 1), ["Added"]

        return decide

    await mine.create(store.Jar("jars/a"), ["Created"], cause=store.cause())
    await store.add("jars/a", 5)
    assert (await mine.update("jars/a", adding(99), cause=store.cause())).coins == 6
    await store.add("jars/a", 5)
    unchanged = await mine.update("jars/a", lambda jar: (jar, []), cause=store.cause())
    assert unchanged.coins == 11
    await mine.update("jars/a", adding(99), cause=store.cause())
    await store.add("jars/a", -12)
    assert (await mine.update("jars/a", adding(3), cause=store.cause("once"))).coins == 1
    await store.add("jars/a", 5)
    assert (await mine.update("jars/a", adding(3), cause=store.cause("once"))).coins == 1
    with pytest.raises(FailedPrecondition):
        await mine.update("jars/a", adding(3), cause=store.cause())
    assert await store.history("jars/a") == list(range(1, 9))

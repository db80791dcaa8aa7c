"""Documents in an index: later versions win, searches are typed, a new generation takes over without a gap."""

import asyncio
import dataclasses

import pytest

from elastic_store import (
    BulkResult,
    ElasticRefused,
    ElasticUnavailable,
    IndexMissing,
    Outcome,
    PointInTimeGone,
    Put,
    Remove,
    open_elastic,
)
from testkit.noida import free_port

MATCH_ALL = {"query": {"match_all": {}}, "track_total_hits": True}


async def test_a_document_comes_back_by_its_id(index):
    assert await index.put("events/a", {"title": "Jazz", "seats": 50})
    assert await index.get("events/a") == {"title": "Jazz", "seats": 50}
    assert await index.get("events/b") is None


async def test_an_older_or_equal_version_never_replaces_a_later_one(index):
    """INVARIANT: whatever the order of arrival, the document of the highest version stays."""
    assert await index.put("a", {"seats": 3}, version=3)
    assert not await index.put("a", {"seats": 2}, version=2)
    assert not await index.put("a", {"seats": 33}, version=3)
    assert await index.get("a") == {"seats": 3}
    assert await index.put("a", {"seats": 4}, version=4)
    assert await index.get("a") == {"seats": 4}


async def test_an_older_deletion_does_not_delete(index):
    await index.put("a", {"seats": 3}, version=3)
    assert not await index.delete("a", version=2)
    assert await index.get("a")
    assert await index.delete("a", version=4)
    assert await index.get("a") is None
    assert not await index.delete("a")


async def test_each_write_of_a_bulk_has_its_own_outcome(index):
    await index.put("old", {"seats": 9}, version=9)
    results = await index.bulk(
        [
            Put("new", {"title": "New"}, version=1),
            Put("old", {"seats": 1}, version=1),
            Put("bad", {"seats": "many"}, version=1),
            Put("strict", {"nobody": "knows this field"}),
            Remove("old", version=10),
            Remove("never"),
        ]
    )
    assert results[0] == BulkResult("new", Outcome.WRITTEN)
    assert [result.outcome.name for result in results] == [
        "WRITTEN", "OUTDATED", "REFUSED", "REFUSED", "WRITTEN", "MISSING",
    ]  # fmt: skip
    assert results[2].reason
    assert await index.bulk([]) == []


async def test_a_search_result_is_typed(index):
    await index.bulk(
        [
            Put("a", {"title": "Late night jazz", "city": "Oslo", "seats": 20}, version=7),
            Put("b", {"title": "Jazz breakfast", "city": "Rome", "seats": 10}, version=8),
            Put("c", {"title": "Opera", "city": "Rome", "seats": 30}, version=9),
        ],
        refresh=True,
    )
    found = await index.search(
        {
            "query": {"match": {"title": "jazz"}},
            "sort": [{"seats": "asc"}],
            "highlight": {"fields": {"title": {}}},
            "aggs": {"cities": {"terms": {"field": "city"}}},
            "track_total_hits": True,
            "version": True,
        }
    )
    assert (found.total, found.total_is_exact) == (2, True)
    assert [(hit.id, hit.sort, hit.version) for hit in found.hits] == [("b", (10,), 8), ("a", (20,), 7)]
    assert found.hits[0].highlight == {"title": ["<em>Jazz</em> breakfast"]}
    assert {each["key"]: each["doc_count"] for each in found.aggregations["cities"]["buckets"]} == {
        "Oslo": 1,
        "Rome": 1,
    }
    assert await index.count() == 3
    assert await index.count({"term": {"city": "Rome"}}) == 2


async def test_pages_of_a_point_in_time_do_not_shift(index):
    await index.bulk([Put(f"{number:02}", {"seats": number}) for number in range(10)], refresh=True)
    async with index.point_in_time() as pit:
        body = {"sort": [{"seats": "asc"}], "size": 6, "pit": {"id": pit, "keep_alive": "1m"}}
        first = await index.search(body)
        await index.put("new", {"seats": -1}, refresh=True)
        second = await index.search(body | {"search_after": first.hits[-1].sort})
    assert [hit.source["seats"] for hit in (*first.hits, *second.hits)] == list(range(10))


async def test_all_walks_over_every_document(index):
    await index.bulk([Put(str(number), {"seats": number}, version=number + 1) for number in range(25)], refresh=True)
    hits = [hit async for hit in index.all(batch=7)]
    assert sorted((hit.source["seats"], hit.version) for hit in hits) == [(n, n + 1) for n in range(25)]


async def test_ensuring_twice_and_at_once_makes_one_index(elastic, definition):
    index = elastic.index(definition)
    assert await asyncio.gather(*(index.ensure() for _ in range(4))) == [0] * 4
    assert await index.ensure() == 0
    assert await index._holder() == definition.concrete


async def test_a_new_generation_takes_the_documents_along(elastic, index, definition):
    await index.bulk([Put(str(n), {"title": f"Event {n}", "seats": n}, version=n + 1) for n in range(30)])
    mapping = definition.mapping | {"properties": definition.mapping["properties"] | {"free": {"type": "boolean"}}}
    following = elastic.index(dataclasses.replace(definition, mapping=mapping, generation=2))

    def transform(document_id, document):
        return None if document_id == "7" else {**document, "free": document["seats"] == 0}

    copied = await asyncio.gather(following.ensure(transform), following.ensure(transform))
    assert sum(copied) >= 29
    await following.refresh()
    assert await following.count() == 29
    assert await following.get("7") is None
    assert (await following.get("0"))["free"] is True
    # Both generations are one name: who still runs with the old definition writes to the new index.
    assert await index.put("8", {"title": "Later"}, version=50)
    assert not await following.put("8", {"title": "Earlier"}, version=9)


async def test_what_is_written_to_the_old_generation_during_the_copy_comes_along(
    elastic, index, definition, monkeypatch
):
    await index.put("early", {"seats": 1}, version=1)
    following = elastic.index(dataclasses.replace(definition, generation=2))
    switch = following._switch

    async def late_write_then_switch(holder):
        await index.put("late", {"seats": 2}, version=1)
        await index.put("early", {"seats": 3}, version=2)
        await switch(holder)

    monkeypatch.setattr(following, "_switch", late_write_then_switch)
    assert await following.ensure() == 3
    assert (await following.get("late"), await following.get("early")) == ({"seats": 2}, {"seats": 3})


async def test_an_index_that_was_not_made_is_said_so(elastic, definition):
    index = elastic.index(definition)
    with pytest.raises(IndexMissing):
        await index.search(MATCH_ALL)
    with pytest.raises(IndexMissing):
        await index.put("a", {"seats": 1})
    with pytest.raises(IndexMissing):
        await index.bulk([Put("a", {"seats": 1})])
    assert await index._holder() == ""


async def test_a_malformed_search_is_refused(index):
    with pytest.raises(ElasticRefused):
        await index.search({"query": {"no_such_query": {}}})


async def test_a_document_that_does_not_fit_is_refused(index):
    with pytest.raises(ElasticRefused):
        await index.put("a", {"seats": "many"})


async def test_a_closed_point_in_time_is_gone(index):
    pit = await index.open_point_in_time()
    await index.close_point_in_time(pit)
    with pytest.raises(PointInTimeGone):
        await index.search({"pit": {"id": pit, "keep_alive": "1m"}, **MATCH_ALL})


async def test_a_new_generation_can_be_filled_from_elsewhere_before_it_is_seen(elastic, index, definition):
    await index.bulk([Put("old", {"title": "Old"}, version=1)], refresh=True)
    following = elastic.index(dataclasses.replace(definition, generation=2))
    seen_meanwhile = []

    async def fill(write):
        results = await write([Put("new", {"title": "New"}, version=7)])
        assert results == [BulkResult("new", Outcome.WRITTEN)]
        seen_meanwhile.append([hit.id async for hit in index.all()])

    await following.ensure(fill=fill)
    assert seen_meanwhile == [["old"]]
    assert [(hit.id, hit.version) async for hit in index.all()] == [("new", 7)]
    await following.ensure(fill=fill)
    assert len(seen_meanwhile) == 1


async def test_a_bulk_does_not_make_an_index_that_was_lost_meanwhile(index, definition):
    await index.bulk([Put("a", {"seats": 1})])
    await index._client.indices.delete(index=definition.concrete)
    with pytest.raises(IndexMissing):
        await index.bulk([Put("b", {"seats": 2})])
    assert await index.ensure() == 0
    assert await index.count() == 0


async def test_an_index_is_made_ahead_with_its_alias_and_template_and_again_nothing_happens(elastic, definition):
    assert await elastic.index(definition).make() == [f"{definition.concrete}: made"]
    assert await elastic.index(definition).make() == []
    assert await elastic.index(definition).put("a", {"title": "Night"}, refresh=True)
    assert await elastic.index(definition).count() == 1


async def test_a_new_generation_made_ahead_is_filled_but_the_old_one_answers_until_it_starts(
    elastic, index, definition
):
    newer = dataclasses.replace(definition, generation=2)
    await index.put("a", {"title": "Old"}, refresh=True)

    async def fill(write):
        assert [each.outcome for each in await write([Put("b", {"title": "New"})])] == [Outcome.WRITTEN]

    for _ in range(2):
        await elastic.index(newer).make(fill=fill)
        assert await index.get("a") == {"title": "Old"}
        assert await index.get("b") is None
    await elastic.index(newer).ensure(fill=fill)
    assert (await index.get("a"), await index.get("b")) == (None, {"title": "New"})


async def test_requests_are_timed_by_operation_and_only_those_without_an_answer_failed(engine, index, definition):
    class Recorder:
        def answered(self, operation, seconds, failed):
            told.append((operation, failed))

    told = []
    async with open_elastic(engine.elasticsearch, metrics=Recorder()) as elastic:
        await elastic.index(definition).get("events/a")
        await elastic.ping()
    async with open_elastic(f"http://127.0.0.1:{free_port()}", retries=0, metrics=Recorder()) as elastic:
        with pytest.raises(ElasticUnavailable):
            await elastic.index(definition).search(MATCH_ALL)
    assert told == [("get", False), ("ping", False), ("search", True)]

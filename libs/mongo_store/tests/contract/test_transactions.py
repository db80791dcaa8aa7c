"""One transaction of all kinds of write: what it leaves, and where it says that something stood in its way."""

import pytest

from domain_kit.ids import new_id
from mongo_store import Check, Delete, Insert, Put, Replace, open_database
from mongo_store.metrics import NoMetrics
from mongo_store.transaction import MANY, Blocked, transact
from mongo_store.writes import Remove, Update

MEBIBYTE = 2**20


@pytest.fixture
async def database(mongo_uri):
    """One of its own."""
    async with open_database(mongo_uri, f"test_{new_id()}") as opened:
        yield opened
        await opened.client.drop_database(opened.name)


async def jars(database):
    return {each["_id"]: each async for each in database.collection("jars").find()}


async def test_each_kind_of_write(database):
    await transact(
        database, [Insert("jars", {"_id": each, "version": 1, "of": [1, 2]}) for each in "abcde"], NoMetrics()
    )
    operations = [
        Replace("jars", {"_id": "a", "version": 2}, 1),
        Check("jars", "b", 1),
        Put("jars", {"_id": "c", "fill": "plum"}),
        Put("jars", {"_id": "f", "fill": "fig"}),
        Delete("jars", "d"),
        Remove("jars", {"_id": "e", "of": [9]}),
        Update("jars", {"_id": "e"}, {"$pullAll": {"of": [2]}}),
        Update("jars", {"_id": "g"}, {"$max": {"version": 3}}, upsert=True),
        Update("jars", {"_id": "h"}, {"$max": {"version": 3}}),
    ]
    assert await transact(database, operations, NoMetrics()) is None
    assert await jars(database) == {
        "a": {"_id": "a", "version": 2},
        "b": {"_id": "b", "version": 1, "of": [1, 2]},
        "c": {"_id": "c", "fill": "plum"},
        "e": {"_id": "e", "version": 1, "of": [1]},
        "f": {"_id": "f", "fill": "fig"},
        "g": {"_id": "g", "version": 3},
    }


@pytest.mark.parametrize(
    "wrong",
    [
        Put("jars", {"$set": {"fill": "fig"}, "_id": "a"}),
        Update("jars", {"_id": "a"}, {"fill": "fig"}),
        Update("jars", {}, {}),
    ],
)
async def test_a_document_is_not_taken_for_operators_nor_they_for_one(database, wrong):
    await transact(database, [Insert("jars", {"_id": "a", "fill": "plum"})], NoMetrics())
    with pytest.raises(ValueError, match="operator"):
        await transact(database, [wrong], NoMetrics())
    assert await jars(database) == {"a": {"_id": "a", "fill": "plum"}}


async def test_nothing_is_left_of_one_that_meets_a_taken_name(database):
    await transact(database, [Insert("jars", {"_id": "a"})], NoMetrics())
    blocked = await transact(database, [Put("lids", {"_id": "a"}), Insert("jars", {"_id": "a"})], NoMetrics())
    assert blocked == Blocked(1, "_id_")
    assert await database.collection("lids").count_documents({}) == 0


async def test_more_than_one_command_holds_goes_in_several(database):
    """MongoDB takes 16 MiB in one, and a document may be as large."""
    large = [Insert("jars", {"_id": each, "fill": b"x" * 7 * MEBIBYTE}) for each in "abc"]
    assert await transact(database, large, NoMetrics()) is None
    assert len(await jars(database)) == 3
    again = [Put("lids", {"_id": each, "fill": b"x" * 6 * MEBIBYTE}) for each in "xyz"]
    assert await transact(database, [*again, Insert("jars", {"_id": "c"})], NoMetrics()) == Blocked(3, "_id_")
    assert await database.collection("lids").count_documents({}) == 0


async def test_many_inserts_of_one_collection_go_in_several_too(database):
    large = [Insert("jars", {"_id": number, "fill": b"x" * 3 * MEBIBYTE}) for number in range(2 * MANY)]
    assert await transact(database, large, NoMetrics()) is None
    assert len(await jars(database)) == 2 * MANY
    again = [Insert("jars", {**each.document, "_id": each.document["_id"] + 100}) for each in large]
    again[13] = Insert("jars", {"_id": 3})
    assert await transact(database, again, NoMetrics()) == Blocked(13, "_id_")
    assert len(await jars(database)) == 2 * MANY


async def test_the_first_of_many_inserts_that_meets_a_taken_value_is_told(database):
    await database.collection("jars").create_index("lid", name="by_lid", unique=True)
    await transact(database, [Insert("jars", {"_id": "a", "lid": 7})], NoMetrics())
    many = [Insert("jars", {"_id": str(number), "lid": number}) for number in range(MANY + 2)]
    assert await transact(database, [Put("lids", {"_id": "a"}), *many], NoMetrics()) == Blocked(1 + 7, "by_lid")
    assert list(await jars(database)) == ["a"]
    assert await database.collection("lids").count_documents({}) == 0


def refilled(fill: object, version: int = 1) -> list[Replace]:
    return [
        Replace("jars", {"_id": number, "version": version + 1, "fill": fill}, version) for number in range(2 * MANY)
    ]


@pytest.fixture
async def jam(database):
    """As many jars of version 1 as go into a command of their own."""
    first = [Insert("jars", {"_id": number, "version": 1, "fill": "jam"}) for number in range(2 * MANY)]
    await transact(database, first, NoMetrics())


async def test_many_replacements_of_one_collection_are_all_made(database, jam):
    operations = [Put("lids", {"_id": "a"}), *refilled("plum")]
    assert await transact(database, operations, NoMetrics(), replacing=2 * MANY + 1) is None
    assert {each["fill"] for each in (await jars(database)).values()} == {"plum"}
    assert await database.collection("lids").count_documents({}) == 1


async def test_one_of_many_replacements_that_meets_another_version_keeps_all_from_being_made(database, jam):
    changed = Replace("jars", {"_id": 3, "version": 2, "fill": "fig"}, 1)
    assert await transact(database, [changed], NoMetrics(), replacing=1) is None
    assert await transact(database, refilled("plum"), NoMetrics(), replacing=2 * MANY) == Blocked()
    assert sorted({each["fill"] for each in (await jars(database)).values()}) == ["fig", "jam"]


async def test_the_first_of_many_replacements_that_meets_a_taken_value_is_told(database, jam):
    await database.collection("jars").create_index(
        "lid", name="by_lid", unique=True, partialFilterExpression={"lid": {"$gt": 0}}
    )
    await transact(database, [Insert("jars", {"_id": "a", "lid": 7})], NoMetrics())
    wrong = refilled("plum")
    wrong[5] = Replace("jars", {"_id": 5, "version": 2, "lid": 7}, 1)
    blocked = await transact(database, [Put("lids", {"_id": "a"}), *wrong], NoMetrics(), replacing=2 * MANY + 1)
    assert blocked == Blocked(1 + 5, "by_lid")
    assert "plum" not in {each.get("fill") for each in (await jars(database)).values()}


async def test_more_replacements_than_one_command_holds_go_in_several(database, jam):
    assert await transact(database, refilled(b"x" * 3 * MEBIBYTE), NoMetrics(), replacing=2 * MANY) is None
    assert {each["version"] for each in (await jars(database)).values()} == {2}


async def test_none_of_many_replacements_is_taken_for_operators(database, jam):
    wrong = [*refilled("plum")[:-1], Replace("jars", {"$set": {}, "_id": 2 * MANY - 1, "version": 2}, 1)]
    with pytest.raises(ValueError, match="operator"):
        await transact(database, wrong, NoMetrics(), replacing=2 * MANY)
    assert {each["fill"] for each in (await jars(database)).values()} == {"jam"}

"""What is found first is the same as SecantusDB finds its own way, and no more is read for it than is wanted."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from secantus import storage

from local_stack.quick_looks import look_at_first_quickly

NOON = datetime(2027, 5, 1, 12, tzinfo=UTC)
TIMES = [NOON + timedelta(minutes=number) for number in range(6)]
PLAIN: list[dict[str, Any]] = [
    {"of": of, "other": place % 2, "more": str(place % 2), "time": TIMES[place * 7 % 6]}
    for place in range(8)
    for of in ("a", "b", "ab", "", 1)
]
ODD: list[dict[str, Any]] = [{"of": "a", "time": each} for each in (None, 1, "1", NOON.replace(year=1960))]
LISTS: list[dict[str, Any]] = [{"of": "a", "time": each} for each in ([], [TIMES[0]], [TIMES[3], TIMES[1]])]
DOCUMENTS = {
    "plain": PLAIN,
    "odd": [*PLAIN, *ODD, {"of": "a"}, {"of": ["a", "b"], "time": TIMES[2]}],
    "lists": PLAIN + LISTS,
}
BOUNDS = st.dictionaries(
    st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), st.sampled_from(TIMES), min_size=1, max_size=2
)
RESTS = st.sampled_from([{}, {}, {"of": "a"}, {"of": "b"}, {"of": 1}, {"other": 1}, {"of": "a", "more": "0"}])
SORTS = st.sampled_from(
    [
        {"time": 1},
        {"time": 1},
        {"time": 1},
        {"time": -1},
        {"of": 1},
        {"time": 1, "of": 1},
        {"time": 1, "_id": 1},
        {"time": 1, "_id": -1},
        None,
    ]
)
EVER = {"partialFilterExpression": {"time": {"$gt": datetime(1970, 1, 1, tzinfo=UTC)}}}
INDEXES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "plain": ({"time": 1}, {}),
    "downwards": ({"time": -1}, {}),
    "of two": ({"time": 1, "of": 1}, {}),
    "of two, the second downwards": ({"time": 1, "of": -1}, {}),
    "of others": ({"time": 1, "other": 1}, {}),
    "of three": ({"time": 1, "of": 1, "more": 1}, {}),
    "what has a time": ({"time": 1, "of": 1}, EVER),
    "sparse": ({"time": 1}, {"sparse": True}),
    "what is of a": ({"time": 1}, {"partialFilterExpression": {"of": "a"}}),
    "what is of a, of two": ({"time": 1, "other": 1}, {"partialFilterExpression": {"of": "a"}}),
}


@pytest.fixture
def storing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A storage that is taught, in a copy; `own_way` finds as before."""
    kind = type("Taught", (storage.Storage,), {})
    look_at_first_quickly(kind)
    opened = kind(str(tmp_path / "data"), enable_oplog=False)
    yield opened
    opened.close()


def counted_reads(storing: Any, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many documents it reads from now on, each time it does."""
    read, docs = list[int](), storing._docs_by_recordids

    def counted(db: str, coll: str, numbers: list[int]) -> Any:
        read.append(len(numbers))
        return docs(db, coll, numbers)

    monkeypatch.setattr(storing, "_docs_by_recordids", counted)
    return read


def test_the_same_is_found_in_the_same_order(storing: Any) -> None:
    for (index, how), (name, documents) in product(INDEXES.items(), DOCUMENTS.items()):
        coll = f"{name}, {index}"
        storing.create_collection("db", coll, {})
        storing.create_index("db", coll, "one", *how)
        storing.insert("db", coll, [{"_id": place, **each} for place, each in enumerate(documents)])

    @settings(max_examples=400, deadline=None)
    @given(
        st.sampled_from(sorted(DOCUMENTS)), st.sampled_from(sorted(INDEXES)), BOUNDS, RESTS, SORTS, st.integers(0, 9),
        st.integers(0, 3),
    )  # fmt: skip
    def same(name: str, index: str, bounds: Any, rest: Any, sort: Any, limit: int, skip: int) -> None:
        for where in ({"time": bounds, **rest}, {**rest, "time": bounds}):
            asked = {"sort": sort, "limit": limit, "skip": skip}
            quick = storing.find_matching("db", f"{name}, {index}", where, **asked)
            assert quick == storage.Storage.find_matching(storing, "db", f"{name}, {index}", where, **asked)

    same()


NAMES = ["", "a", "a\0", "a\0b", "aa", "b", "b/1", "b/10", "b/2", "\x7f", "é", "\uffff", "\U0001f600"]
OTHERS = [None, 1, 2.5, True, {"a": 1}, b"a", NOON]
NAME_BOUNDS = st.dictionaries(
    st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), st.sampled_from([*NAMES, *NAMES, "0", "b/", 1]), max_size=3
)
NAMED = st.sampled_from([{}, {}, {"n": 1}, {"$and": [{"n": {"$gt": 0}}]}, {"_id": "b"}, {"_id": {"$in": ["a", 1]}}])
BOUNDED = st.builds(
    lambda bounds, others, rest: {"_id": bounds, **rest, "$and": [{"_id": others}, {"n": {"$lt": 2}}]},
    NAME_BOUNDS, NAME_BOUNDS, NAMED,
) | st.builds(lambda bounds, rest: {**rest, "_id": bounds}, NAME_BOUNDS, NAMED)  # fmt: skip


def test_the_same_names_are_found_in_the_same_order(storing: Any) -> None:
    named: dict[str, list[Any]] = {"texts": NAMES, "odd": [*OTHERS, *NAMES], "none": []}
    for coll, names in named.items():
        storing.create_collection("db", coll, {})
        storing.insert("db", coll, [{"_id": each, "n": place % 3} for place, each in enumerate(reversed(names))])
    storing.insert("db", "textt", [{"_id": "a"}])
    storing.insert("db", "texts ", [{"_id": "b"}])

    @settings(max_examples=600, deadline=None)
    @given(
        st.sampled_from(["texts", "texts", "odd", "none", "nowhere"]), NAMED | BOUNDED,
        st.sampled_from([{"_id": 1}, {"_id": -1}]), st.integers(0, 6), st.integers(0, 3),
        st.sampled_from([None, {"n": 1}, {"_id": 0}]),
    )  # fmt: skip
    def same(coll: str, where: Any, sort: Any, limit: int, skip: int, projection: Any) -> None:
        asked = {"sort": sort, "limit": limit, "skip": skip, "projection": projection}
        quick = storing.find_matching("db", coll, where, **asked)
        assert quick == storage.Storage.find_matching(storing, "db", coll, where, **asked)

    same()


@pytest.mark.parametrize(
    ("where", "direction", "first"),
    [({}, 1, "0000"), ({"_id": {"$lt": "0002"}}, 1, "0000"), ({}, -1, "0499"), ({"_id": {"$gt": "0200"}}, 1, "0201"),
     ({"$and": [{"_id": {"$gte": "0100", "$lt": "0400"}}, {"n": 0}]}, -1, "0399")],
)  # fmt: skip
def test_no_more_names_are_read_than_are_wanted(
    storing: Any, monkeypatch: pytest.MonkeyPatch, where: dict[str, Any], direction: int, first: str
) -> None:
    storing.insert("db", "named", [{"_id": f"{number * 7 % 500:04}", "n": 0} for number in range(500)])
    unframe, read = storage._unframe_doc_value, list[bytes]()

    def counted(value: bytes) -> Any:
        read.append(value)
        return unframe(value)

    monkeypatch.setattr(storage, "_unframe_doc_value", counted)
    found = storing.find_matching("db", "named", where, sort={"_id": direction}, limit=7)
    assert [int(each["_id"]) for each in found] == [int(first) + direction * place for place in range(len(read))]
    assert len(read) == (2 if "0002" in str(where) else 7)


@pytest.mark.parametrize("rest", [{}, {"of": "a"}, {"of": "b"}], ids=["any", "most", "few"])
def test_no_more_is_read_than_is_wanted(storing: Any, monkeypatch: pytest.MonkeyPatch, rest: dict[str, str]) -> None:
    storing.create_index("db", "due", "one", {"time": 1, "of": 1}, EVER)
    storing.insert(
        "db", "due", [{"of": "b" if at % 50 == 49 else "a", "time": NOON + timedelta(seconds=at)} for at in range(500)]
    )
    read = counted_reads(storing, monkeypatch)
    where = {"time": {"$gt": NOON - timedelta(days=1), "$lte": NOON + timedelta(days=1)}, **rest}
    found = storing.find_matching("db", "due", where, sort={"time": 1}, limit=7)
    assert [each["time"] for each in found] == sorted(each["time"] for each in found)
    assert len(found) == 7
    assert read == [7]


@pytest.mark.parametrize("wrong", [3, "a", None, [3], ["_id"], {"_id": "a"}])
def test_what_cannot_be_asked_is_refused_as_before(storing: Any, wrong: Any) -> None:
    storing.insert("db", "named", [{"_id": "a"}])
    told = []
    for find in (storing.find_matching, lambda *of, **how: storage.Storage.find_matching(storing, *of, **how)):
        try:
            told.append(find("db", "named", {"$and": wrong}, sort={"_id": 1}, limit=1))
        except Exception as refusal:  # whatever it is has to be the same
            told.append([type(refusal), str(refusal)])
    assert told[0] == told[1]


def test_of_what_waits_no_more_is_read_than_is_wanted_and_what_is_level_with_it(
    storing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    storing.create_index("db", "letters", "one", {"time": 1}, {"partialFilterExpression": {"of": "a"}})
    storing.insert(
        "db",
        "letters",
        [
            {"_id": -at, "of": "b" if at % 5 == 4 else "a", "time": NOON + timedelta(hours=at // 10)}
            for at in range(500)
        ],
    )
    read = counted_reads(storing, monkeypatch)
    where = {"of": "a", "time": {"$gt": NOON - timedelta(days=1)}}
    found = storing.find_matching("db", "letters", where, sort={"time": 1, "_id": 1}, limit=10)
    assert [each["_id"] for each in found] == [-8, -7, -6, -5, -3, -2, -1, 0, -18, -17]
    assert read == [16]  # eight of an hour have one time


def test_what_is_not_committed_is_found_by_its_own_transaction_only(storing: Any) -> None:
    storing.create_index("db", "due", "one", {"time": 1, "of": 1}, EVER)
    storing.insert("db", "due", [{"_id": "old", "of": "a", "time": NOON}])
    where, first = {"time": {"$lte": NOON + timedelta(hours=1)}, "of": "a"}, {"sort": {"time": 1}, "limit": 2}
    handle = storing.begin_user_transaction()
    try:
        with storing.use_user_transaction(handle):
            storing.insert("db", "due", [{"_id": "new", "of": "a", "time": NOON - timedelta(hours=1)}])
            assert [each["_id"] for each in storing.find_matching("db", "due", where, **first)] == ["new", "old"]
    finally:
        storing.abort_user_transaction(handle)
    assert [each["_id"] for each in storing.find_matching("db", "due", where, **first)] == ["old"]

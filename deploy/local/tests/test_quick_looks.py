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
    {"of": of, "other": place % 2, "time": TIMES[place * 7 % 6]} for place in range(8) for of in ("a", "b", "ab", "", 1)
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
RESTS = st.sampled_from([{}, {}, {"of": "a"}, {"of": "b"}, {"of": 1}, {"other": 1}, {"of": "a", "other": 1}])
SORTS = st.sampled_from([{"time": 1}, {"time": 1}, {"time": 1}, {"time": -1}, {"of": 1}, {"time": 1, "of": 1}, None])
EVER = {"partialFilterExpression": {"time": {"$gt": datetime(1970, 1, 1, tzinfo=UTC)}}}
INDEXES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "plain": ({"time": 1}, {}),
    "downwards": ({"time": -1}, {}),
    "of two": ({"time": 1, "of": 1}, {}),
    "of two, the second downwards": ({"time": 1, "of": -1}, {}),
    "of others": ({"time": 1, "other": 1}, {}),
    "what has a time": ({"time": 1, "of": 1}, EVER),
    "sparse": ({"time": 1}, {"sparse": True}),
}


@pytest.fixture
def storing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A storage that is taught, in a copy; `own_way` finds as before."""
    kind = type("Taught", (storage.Storage,), {})
    look_at_first_quickly(kind)
    opened = kind(str(tmp_path / "data"), enable_oplog=False)
    yield opened
    opened.close()


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


@pytest.mark.parametrize("rest", [{}, {"of": "a"}, {"of": "b"}], ids=["any", "most", "few"])
def test_no_more_is_read_than_is_wanted(storing: Any, monkeypatch: pytest.MonkeyPatch, rest: dict[str, str]) -> None:
    storing.create_index("db", "due", "one", {"time": 1, "of": 1}, EVER)
    storing.insert(
        "db", "due", [{"of": "b" if at % 50 == 49 else "a", "time": NOON + timedelta(seconds=at)} for at in range(500)]
    )
    read, docs = [], storing._docs_by_recordids
    monkeypatch.setattr(
        storing, "_docs_by_recordids", lambda db, coll, ids: read.append(len(ids)) or docs(db, coll, ids)
    )
    where = {"time": {"$gt": NOON - timedelta(days=1), "$lte": NOON + timedelta(days=1)}, **rest}
    found = storing.find_matching("db", "due", where, sort={"time": 1}, limit=7)
    assert [each["time"] for each in found] == sorted(each["time"] for each in found)
    assert len(found) == 7
    assert read == [7]


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

"""A replacement written at once leaves what SecantusDB leaves, and goes its long way wherever it may not."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bson
import pytest
from bson.int64 import Int64
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.errors import OperationFailure
from secantus import storage
from secantus.server import SecantusDBServer

from local_stack.quick_updates import replace_quickly

ODD = st.sampled_from(
    [1.0, True, "1", None, Int64(1), [1], [0], {"$gt": 0}, {"a": 1}, {"a": 2}, [{"a": 1}, {"a": [2]}], -0.0, 0]
)
PLACE = {"type": "Point", "coordinates": [1, 2]}
SMALL = st.sampled_from([1, 2])  # what most fields are
WHERE = st.fixed_dictionaries(
    {"_id": st.sampled_from(["a", "b", "a", "b", "c", "d", "e", "f", 1]), "version": st.just(1) | SMALL | ODD},
    optional={"n": SMALL | ODD},
)
REPLACEMENTS = st.fixed_dictionaries(
    {"version": SMALL}, optional={"n": SMALL | ODD, "_id": st.sampled_from(["a", "b"]), "at": st.just(PLACE) | SMALL}
) | st.just({"$set": {"n": 7}})
SAID = st.sampled_from(
    [{}, {}, {"multi": True}, {"upsert": True}, {"return_post_images": True}, {"validator": {"n": 2}}]
)
COLLECTIONS: dict[str, Any] = {"plain": {}, "capped": {"capped": True, "size": 150}}
RECORD_BYTES = 8
INDEXES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "indexed": ({"n": 1}, {}),
    "of two": ({"version": -1, "n": 1}, {}),
    "unique": ({"n": 1}, {"unique": True}),
    "partial": ({"version": 1}, {"partialFilterExpression": {"n": {"$gte": 1}}}),
    "there": ({"version": 1}, {"partialFilterExpression": {"n": {"$exists": True}}}),
    "within": ({"n.a": 1}, {}),
    "sparse": ({"n": 1}, {"sparse": True}),
    "by name": ({"_id": -1, "n": 1}, {}),
    "within, some": ({"version": 1, "n.a": 1, "_id": 1}, {"partialFilterExpression": {"n": {"$gt": 0}}}),
    "to be unique": ({"n": 1}, {"prepareUnique": True}),
    "of a place": ({"at": "2dsphere"}, {}),
    "collated": ({"n": 1}, {"collation": {"locale": "en", "strength": 2}}),
}
DOCUMENTS: list[dict[str, Any]] = [
    {"_id": "a", "version": 1, "n": 2},
    {"_id": "b", "version": True, "n": 1},
    {"_id": "d", "version": 1, "n": True},
    {"_id": "e", "version": 1, "n": [False]},
    {"_id": "f", "version": 1, "n": {"a": 1}},
    {"_id": 1, "version": 2, "n": 3},
]
LATER = len(DOCUMENTS) * len(COLLECTIONS | INDEXES) + 1


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The storage module as it is taught, in a copy: its Storage and what that is made of."""
    for name in ("_candidates_iter", "_update_matching_single_txn"):
        monkeypatch.setattr(storage.Storage, name, getattr(storage.Storage, name))
    monkeypatch.setattr(storage, "apply_update", storage.apply_update)
    own_way = storage.Storage._update_matching_single_txn
    went: list[Any] = []

    def long_way(self: Any, db: str, coll: str, where: Any, update: Any, **options: Any) -> Any:
        went.append(where)
        return own_way(self, db, coll, where, update, **options)

    monkeypatch.setattr(storage.Storage, "_update_matching_single_txn", long_way)
    replace_quickly(storage)
    return SimpleNamespace(own_way=own_way, went=went, way=storage.Storage._update_matching_single_txn)


@pytest.fixture
def storing(tmp_path: Path) -> Iterator[Any]:
    opened = storage.Storage(str(tmp_path / "data"), enable_oplog=False)
    yield opened
    opened.close()


@contextmanager
def transaction(storing: Any) -> Iterator[None]:
    """Rolled back at its end."""
    handle = storing.begin_user_transaction()
    try:
        with storing.use_user_transaction(handle):
            yield
    finally:
        storing.abort_user_transaction(handle)


def outcome(storing: Any, way: Callable[..., Any], coll: str, where: Any, update: Any, said: Any) -> Any:
    """What it answers and leaves, to the byte, or its refusal."""
    with transaction(storing):
        try:
            answer = way(storing, "db", coll, where, update, let={"NOW": None}, **said)
        except Exception as refusal:  # whatever it is has to be the same
            return type(refusal), str(refusal)
        whole = [bson.encode(each) for each in storing.find_matching("db", coll, {})]
        asked = ({"n": 1}, {"n": 1, "version": 2}, {"n.a": 1}, {"version": 2, "n": {"$gte": 1}}, {"n": None})
        found = [[each["_id"] for each in storing.find_matching("db", coll, where)] for where in asked]
        return answer, whole, found, entries(storing), list(storing._iter_indexes("db", coll))


def entries(storing: Any) -> list[Any]:
    """Whatever the indexes hold; one number for all documents that came later, each of which gets another."""
    cursor, held = storing._cursor(storage._IDX_ENTRIES_TABLE), []
    cursor.reset()
    while cursor.next() == 0:
        *of, key = cursor.get_key()
        number = int.from_bytes(key[-RECORD_BYTES:])
        held.append((of, key[:-RECORD_BYTES], min(number, LATER), cursor.get_value()))
    cursor.reset()
    return held


def test_the_same_is_answered_and_left_as_before(storing: Any, quick: Any) -> None:
    for name in (*COLLECTIONS, *INDEXES):
        storing.create_collection("db", name, COLLECTIONS.get(name, {}))
        storing.insert("db", name, DOCUMENTS)
    for name, (keys, how) in INDEXES.items():
        storing.create_index("db", name, "one", keys, how)

    @settings(max_examples=80, deadline=None)
    @given(WHERE, REPLACEMENTS, SAID)
    @example({"_id": "a", "version": 1}, {"version": 1, "n": 2}, {})
    @example({"_id": "d", "version": 1}, {"version": 2, "n": 1}, {})
    @example({"_id": "e", "version": 1}, {"version": 2, "n": [0]}, {})
    @example({"_id": "f", "version": 1}, {"version": 2, "n": {"a": 2}}, {})
    @example({"_id": "a", "version": 1}, {"version": 2, "n": [{"a": 1}, {"a": 2}]}, {})
    @example({"_id": "a", "version": 1}, {"version": 2, "at": PLACE}, {})
    @example({"_id": "a", "version": 1}, {"version": 2, "at": 7}, {})
    @example({"_id": "a", "version": 1}, {"_id": "b", "version": 2}, {})
    def check(where: Any, update: Any, said: Any) -> None:
        for name in (*COLLECTIONS, *INDEXES, "none"):
            former = outcome(storing, quick.own_way, name, where, update, said)
            assert outcome(storing, quick.way, name, where, update, said) == former

    check()


def test_a_guarded_replacement_in_a_transaction_is_written_at_once(storing: Any, quick: Any) -> None:
    storing.insert("db", "plain", [{"_id": "a", "version": 1, "lines": [{"date": 1}]}])
    storing.create_index("db", "plain", "due", {"due": 1}, {"partialFilterExpression": {"due": {"$gt": 0}}})
    storing.create_index("db", "plain", "dates", {"lines.date": 1, "_id": 1}, {})
    handle = storing.begin_user_transaction()
    later = {"version": 2, "lines": [{"date": 2}, {"date": 3}], "due": 7}
    with storing.use_user_transaction(handle):
        told = storing.update_matching("db", "plain", {"_id": "a", "version": 1}, later, let={"NOW": 0})
    storing.commit_user_transaction(handle)
    assert told == {"matched": 1, "modified": 1, "upserted_id": None, "did_upsert": False}
    assert storing.find_matching("db", "plain", {}) == [{"_id": "a", **later}]
    for date, due in ((1, 0), (2, 1), (3, 1)):
        assert len(storing.find_matching("db", "plain", {"lines.date": date})) == due
    assert [of[-1] for of, *_ in entries(storing)] == ["dates", "dates", "due"]
    assert quick.went == []
    storing.update_matching("db", "plain", {"_id": "a", "version": 2}, {"version": 3})  # a transaction of its own
    assert quick.went == [{"_id": "a", "version": 2}]


@pytest.mark.usefixtures("quick")
def test_of_two_transactions_that_replace_the_same_one_is_told_of_the_conflict(tmp_path: Path) -> None:
    server = SecantusDBServer(storage_path=str(tmp_path / "data"))
    server.start()
    with MongoClient[Any](server.uri) as client, client.start_session() as first, client.start_session() as second:
        things = client["test"]["things"]
        things.insert_many([{"_id": name, "version": 1} for name in "ab"])
        second.start_transaction()
        assert things.replace_one({"_id": "b", "version": 1}, {"version": 2}, session=second).matched_count == 1
        with first.start_transaction():
            assert things.replace_one({"_id": "a", "version": 1}, {"version": 2}, session=first).matched_count == 1
        with pytest.raises(OperationFailure) as conflict:
            things.replace_one({"_id": "a", "version": 1}, {"version": 3}, session=second)
        assert conflict.value.code == 112
        assert conflict.value.has_error_label("TransientTransactionError")
        assert list(things.find()) == [{"_id": "a", "version": 2}, {"_id": "b", "version": 1}]
    server.stop()

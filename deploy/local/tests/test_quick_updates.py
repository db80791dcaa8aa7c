"""A document that is replaced quickly is the one that SecantusDB would have made of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.errors import OperationFailure, WriteError
from secantus import storage
from secantus.server import SecantusDBServer

from local_stack.quick_updates import replace_quickly

APPLY = storage.apply_update
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab$.", max_size=2), inner, max_size=2),
    max_leaves=6,
)
NAMES = st.sampled_from(["_id", "a", "b", "a.b", "$set", ""])
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=3) | st.dictionaries(NAMES, st.just("a"), min_size=1, max_size=3)


@pytest.fixture
def candidates(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The filters by which documents are looked for."""
    filters: list[Any] = []
    for name in ("_try_index_id_keys", "_candidates_iter"):
        monkeypatch.setattr(storage.Storage, name, getattr(storage.Storage, name))
    monkeypatch.setattr(storage, "apply_update", APPLY)
    inner = storage.Storage._try_index_id_keys  # what is taught is inside it

    def looked(self: Any, db: str, coll: str, where: Any, **options: Any) -> Any:
        filters.append(where)
        return inner(self, db, coll, where, **options)

    monkeypatch.setattr(storage.Storage, "_try_index_id_keys", looked)
    replace_quickly(storage)
    return filters


@pytest.fixture
def things(candidates: list[Any], tmp_path: Path) -> Iterator[Any]:
    server = SecantusDBServer(storage_path=str(tmp_path / "data"))
    server.start()
    with MongoClient[Any](server.uri) as client:
        yield client["test"]["things"]
    server.stop()


def made(apply: Any, document: Any, update: Any, **options: Any) -> Any:
    """What it makes of the document, in its order, or the kind of its refusal."""
    try:
        return list(apply(document, update, **options).items())
    except Exception as refusal:  # whatever it is has to be the same
        return type(refusal), str(refusal)


@pytest.mark.usefixtures("candidates")
def test_the_same_document_as_before_comes_of_it() -> None:
    @given(DOCUMENTS, DOCUMENTS | st.lists(DOCUMENTS, max_size=1), st.booleans())
    def check(document: Any, update: Any, is_upsert: bool) -> None:
        former = made(APPLY, document, update, is_upsert=is_upsert)
        assert made(storage.apply_update, document, update, is_upsert=is_upsert) == former

    assert storage.apply_update is not APPLY
    check()


def test_a_guarded_replacement_looks_only_for_its_document(things: Any, candidates: list[Any]) -> None:
    things.create_index("version")
    things.insert_many([{"_id": str(number), "version": 1, "n": [number]} for number in range(20)])
    candidates.clear()
    assert things.replace_one({"_id": "7", "version": 1}, {"_id": "7", "version": 2, "n": [8]}).matched_count == 1
    assert candidates == [{"_id": "7"}]
    assert things.find_one({"_id": "7"}) == {"_id": "7", "version": 2, "n": [8]}
    assert [each["_id"] for each in things.find({"version": 2})] == ["7"]


@pytest.mark.parametrize("where", [{"$and": 3, "_id": "7"}, {"n": 1, "_id": "7"}, {"_id": "7", "$expr": True}])
def test_what_other_documents_are_asked_first_is_looked_for_as_before(
    things: Any, candidates: list[Any], where: dict[str, Any]
) -> None:
    things.insert_one({"_id": "8", "n": 1})
    candidates.clear()
    try:
        things.replace_one(where, {"_id": "7"}, upsert=True)
    except OperationFailure:
        assert things.count_documents({}) == 1
    assert candidates[0] == where


def test_what_is_guarded_and_has_changed_is_left_as_it_is(things: Any) -> None:
    things.insert_one({"_id": "a", "version": 2})
    assert things.replace_one({"_id": "a", "version": 1}, {"version": 3}).matched_count == 0
    assert things.delete_one({"_id": "a", "version": 1}).deleted_count == 0
    assert things.update_one({"_id": "a", "version": 1}, {"$set": {"version": 3}}).matched_count == 0
    assert list(things.find()) == [{"_id": "a", "version": 2}]


def test_other_filters_and_updates_go_on_as_before(things: Any) -> None:
    things.insert_many([{"_id": 1, "n": 1}, {"_id": "1", "n": 1}, {"_id": "2", "n": 2}])
    assert things.replace_one({"_id": 1, "n": 1}, {"n": 5}).modified_count == 1
    assert things.update_many({"_id": {"$in": ["1", "2"]}, "n": {"$gt": 1}}, {"$inc": {"n": 7}}).modified_count == 1
    assert things.replace_one({"_id": "3", "n": 1}, {"n": 3}, upsert=True).upserted_id == "3"
    with pytest.raises(WriteError):
        things.replace_one({"_id": "1", "n": 1}, {"_id": "4"})
    assert {each["_id"]: each["n"] for each in things.find()} == {1: 5, "1": 1, "2": 9, "3": 3}

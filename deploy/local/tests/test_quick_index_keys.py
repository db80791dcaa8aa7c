"""What is put into an index quickly is what SecantusDB puts there."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from bson import Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from hypothesis import given
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.errors import WriteError
from secantus import sortkey, storage
from secantus.server import SecantusDBServer

from local_stack.quick_index_keys import make_index_keys_quickly

PARTS: Any = (storage, sortkey)
KEYS, MULTIKEY, RANK = storage._index_key_variants, storage._doc_makes_multikey, sortkey._rank
NOW = datetime(2026, 11, 27, 9, 0, 0, 1000, UTC)
SINGLE = (
    st.none()
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats()
    | st.text(max_size=4)
    | st.binary(max_size=4)
    | st.sampled_from(
        [NOW, NOW.replace(tzinfo=None), ObjectId(b"0" * 12), Int64(7), Decimal128("1.5"), Code("a"), Regex("a", 0)]
    )
    | st.sampled_from([MinKey(), MaxKey(), Timestamp(1, 2), bytearray(b"a")])
)
INSIDE = st.lists(SINGLE, max_size=2) | st.dictionaries(st.sampled_from(["a", "b", "0"]), SINGLE, max_size=2)
VALUES = SINGLE | INSIDE | st.lists(INSIDE, max_size=2)
DOCUMENTS = st.fixed_dictionaries({"a": VALUES}, optional={"_id": SINGLE, "b": VALUES})
SPECS = st.dictionaries(st.sampled_from(["_id", "a", "b", "a.b", "a.0"]), st.sampled_from([1, -1]), min_size=1)


@pytest.fixture
def taught(monkeypatch: pytest.MonkeyPatch) -> None:
    for owner, name in (
        (storage, "_index_key_variants"),
        (storage, "_doc_makes_multikey"),
        (sortkey, "_rank"),
        (storage.Storage, "_validate_geo_indexes"),
    ):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    make_index_keys_quickly(*PARTS)


@pytest.fixture
def things(taught: None, tmp_path: Path) -> Iterator[Any]:
    server = SecantusDBServer(storage_path=str(tmp_path / "data"))
    server.start()
    with MongoClient[Any](server.uri) as client:
        yield client["test"]["things"]
    server.stop()


@pytest.mark.usefixtures("taught")
def test_the_same_keys_as_before_come_of_a_document() -> None:
    @given(DOCUMENTS, SPECS, st.booleans())
    def check(document: Any, spec: Any, sparse: bool) -> None:
        assert storage._index_key_variants(document, spec, sparse=sparse) == KEYS(document, spec, sparse=sparse)
        assert storage._doc_makes_multikey(document, spec) == MULTIKEY(document, spec)

    assert storage._index_key_variants is not KEYS
    assert storage._doc_makes_multikey is not MULTIKEY
    check()


@pytest.mark.usefixtures("taught")
def test_values_rank_as_before() -> None:
    @given(VALUES)
    def check(value: Any) -> None:
        assert sortkey._rank(value) == RANK(value)

    assert sortkey._rank is not RANK
    check()


def test_found_by_index_is_what_was_put_there(things: Any) -> None:
    things.create_index([("buyer", 1), ("time", -1)])
    things.create_index("tags")
    things.insert_many(
        [
            {"_id": 1, "buyer": "ada", "time": NOW, "tags": ["a", "b"]},
            {"_id": 2, "buyer": "ada", "time": None, "tags": "b"},
            {"_id": 3, "time": NOW},
        ]
    )
    things.update_one({"_id": 2}, {"$set": {"buyer": "eve"}})
    asked = things.find({"buyer": "ada"}).sort("time", -1)
    assert "IXSCAN" in str(asked.explain()["queryPlanner"]["winningPlan"])
    assert [each["_id"] for each in asked] == [1]
    assert sorted(each["_id"] for each in things.find({"tags": "b"})) == [1, 2]
    assert [each["_id"] for each in things.find({"buyer": None})] == [3]


def test_a_place_that_is_none_is_still_refused(things: Any) -> None:
    things.create_index([("place", "2dsphere")])
    things.insert_one({"_id": 1, "place": {"type": "Point", "coordinates": [7.0, 50.0]}})
    with pytest.raises(WriteError):
        things.insert_one({"_id": 2, "place": {"type": "Point", "coordinates": [7.0, 950.0]}})
    assert things.count_documents({}) == 1


def test_another_version_of_it_is_refused() -> None:
    with pytest.raises(AttributeError):
        make_index_keys_quickly(SimpleNamespace(), sortkey)

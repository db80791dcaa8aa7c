"""The embedded database remembers what indexes a collection has, and never longer than it is true."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import DuplicateKeyError
from secantus import storage
from secantus.server import SecantusDBServer

from local_stack.embedded_database import remember_indexes


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Each look at the table of indexes."""
    looks: list[tuple[str, str]] = []
    for name in ("_coll_lock", "_iter_indexes", "_cursor", "_maybe_mark_multikey"):
        monkeypatch.setattr(storage.Storage, name, getattr(storage.Storage, name))
    read = storage.Storage._iter_indexes

    def counted(self: Any, db: str, coll: str) -> Any:
        looks.append((db, coll))
        return read(self, db, coll)

    monkeypatch.setattr(storage.Storage, "_iter_indexes", counted)
    remember_indexes(storage.Storage)
    return looks


@pytest.fixture
def things(reads: list[tuple[str, str]], tmp_path: Path) -> Iterator[Any]:
    server = SecantusDBServer(storage_path=str(tmp_path / "data"))
    server.start()
    with MongoClient[Any](server.uri) as client:
        yield client["test"]["things"]
    server.stop()


def found_by_index(things: Any, where: dict[str, Any]) -> list[int]:
    plan = things.find(where).explain()["queryPlanner"]["winningPlan"]
    assert "IXSCAN" in str(plan), "the question is about the index"
    return sorted(each["_id"] for each in things.find(where))


def test_a_statement_reads_the_indexes_a_few_times_whatever_it_inserts(things: Any, reads: list[Any]) -> None:
    things.create_index("n")
    things.create_index("name", unique=True)
    reads.clear()
    things.insert_many([{"_id": number, "n": number % 3, "name": str(number)} for number in range(50)])
    assert len(reads) < 10
    assert found_by_index(things, {"n": 1}) == list(range(1, 50, 3))
    with pytest.raises(DuplicateKeyError):
        things.insert_one({"_id": 99, "name": "7"})


def test_an_index_that_comes_and_goes_is_noticed_by_the_next_statement(things: Any) -> None:
    things.insert_one({"_id": 1, "n": 1})
    things.create_index("n", name="by_n")
    things.insert_one({"_id": 2, "n": 1})
    assert found_by_index(things, {"n": 1}) == [1, 2]
    things.drop_index("by_n")
    things.insert_one({"_id": 3, "n": 1})
    things.create_index("n", unique=False, name="by_n_again")
    things.delete_one({"_id": 1})
    things.update_one({"_id": 2}, {"$set": {"n": 5}})
    assert found_by_index(things, {"n": 1}) == [3]
    assert found_by_index(things, {"n": 5}) == [2]


def test_the_first_list_in_an_indexed_field_is_found_by_each_of_its_values(things: Any) -> None:
    things.create_index("tags")
    things.insert_many([{"_id": 1, "tags": "a"}, {"_id": 2, "tags": ["a", "b"]}, {"_id": 3, "tags": ["b", "c"]}])
    assert sorted(each["_id"] for each in things.find({"tags": "b"})) == [2, 3]
    things.update_one({"_id": 1}, {"$set": {"tags": ["c"]}})
    assert sorted(each["_id"] for each in things.find({"tags": "c"})) == [1, 3]


def test_indexes_made_while_others_insert_hold_every_document(things: Any) -> None:
    things.insert_one({"_id": -1, "n": 0})  # SecantusDB waits for ever where both would make the collection

    def insert(first: int) -> None:
        for number in range(first, first + 100):
            things.insert_one({"_id": number, "n": 7})

    with ThreadPoolExecutor(5) as pool:
        inserting = [pool.submit(insert, first) for first in range(0, 400, 100)]
        pool.submit(things.create_index, "n").result()
        for each in inserting:
            each.result()
    assert found_by_index(things, {"n": 7}) == list(range(400))

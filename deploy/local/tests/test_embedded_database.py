"""The embedded database remembers what indexes a collection has, and never longer than it is true."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymongo import MongoClient, ReplaceOne
from pymongo.errors import DuplicateKeyError, OperationFailure, WriteError
from secantus import query, server, storage
from secantus.server import SecantusDBServer

from local_stack.embedded_database import (
    BoxOfficeFirst,
    judge_quickly,
    keep_no_oplog,
    remember_indexes,
    remember_options,
    serve_in_turn,
    tell_slow,
)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Each look at the tables of indexes and options: which, and of which collection."""
    looks: list[tuple[str, str]] = []
    taught = ("_coll_lock", "_iter_indexes", "_cursor", "_maybe_mark_multikey", "_coll_options", "_ensure_collection")
    for name in (*taught, "__init__"):
        monkeypatch.setattr(storage.Storage, name, getattr(storage.Storage, name))
    monkeypatch.setattr(server, "dispatch", server.dispatch)
    for name in ("_iter_indexes", "_coll_options"):
        monkeypatch.setattr(storage.Storage, name, counted(getattr(storage.Storage, name), looks))
    remember_indexes(storage.Storage)
    remember_options(storage.Storage)
    keep_no_oplog(storage.Storage)
    return looks


def counted(read: Any, looks: list[tuple[str, str]]) -> Any:
    def looked(self: Any, db: str, coll: str) -> Any:
        looks.append((read.__name__, coll))
        return read(self, db, coll)

    return looked


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


def test_a_look_reads_the_indexes_once(things: Any, reads: list[Any]) -> None:
    things.create_index([("due", 1)], partialFilterExpression={"due": {"$gt": 0}})
    things.create_index("n")
    things.insert_many([{"_id": number, "due": number, "n": number} for number in range(20)])
    for asked in ({"due": {"$gt": 0, "$lte": 3}}, {"n": {"$in": [1, 2, 3]}}):
        reads.clear()
        assert [each["_id"] for each in things.find(asked, sort=[("due", 1)], limit=9)] == [1, 2, 3]
        assert reads.count(("_iter_indexes", "things")) == 1


def test_what_is_written_after_a_look_of_the_same_command_sees_indexes_made_meanwhile(
    things: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    things.insert_one({"_id": 1, "n": 1})
    things.create_index("other")
    update = storage.Storage.update_matching

    def somebody_makes_one(self: Any, *of: Any, **how: Any) -> Any:
        list(self._iter_indexes("test", "things"))  # what the command has looked at before
        monkeypatch.setattr(storage.Storage, "update_matching", update)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(things.create_index, "n").result()
        return update(self, *of, **how)

    monkeypatch.setattr(storage.Storage, "update_matching", somebody_makes_one)
    things.update_one({"_id": 1}, {"$set": {"n": 2}})
    assert found_by_index(things, {"n": 2}) == [1]
    assert found_by_index(things, {"n": 1}) == []


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


def test_a_bulk_write_reads_the_options_once_whatever_it_replaces(things: Any, reads: list[Any]) -> None:
    things.insert_many([{"_id": number, "n": 0} for number in range(40)])
    reads.clear()
    namespace = things.full_name
    replacing = [ReplaceOne({"_id": number}, {"_id": number, "n": 1}, namespace=namespace) for number in range(40)]
    assert things.database.client.bulk_write(replacing).modified_count == 40
    assert reads.count(("_coll_options", "things")) == 1


def test_options_that_change_are_noticed_by_the_next_statement(things: Any) -> None:
    things.insert_one({"_id": 1, "n": 1})
    with MongoClient[Any](things.database.client.address[0], things.database.client.address[1]) as somebody:
        somebody["test"].command("collMod", "things", validator={"n": {"$gt": 0}})
    with pytest.raises(WriteError):
        things.insert_one({"_id": 2, "n": 0})
    things.drop()
    things.insert_one({"_id": 2, "n": 0})
    assert things.find_one() == {"_id": 2, "n": 0}


def test_transactions_are_all_or_nothing_without_an_oplog(things: Any) -> None:
    client = things.database.client
    things.insert_one({"_id": 0})
    with client.start_session() as session:
        with session.start_transaction():
            things.insert_many([{"_id": 1}, {"_id": 2}], session=session)
        with pytest.raises(OperationFailure), session.start_transaction():
            things.insert_one({"_id": 3}, session=session)
            things.insert_one({"_id": 1}, session=session)
    assert [each["_id"] for each in things.find(sort=[("_id", 1)])] == [0, 1, 2]
    assert client["local"]["oplog.rs"].count_documents({}) == 0


def test_a_statement_of_a_transaction_reads_the_indexes_once_whatever_it_replaces(
    things: Any, reads: list[Any]
) -> None:
    things.create_index("n")
    things.insert_many([{"_id": str(number), "version": 1, "n": 0} for number in range(40)])

    def replaced(session: Any, n: Any) -> Any:
        told = [{"q": {"_id": str(of), "version": 1}, "u": {"_id": str(of), "version": 1, "n": n}} for of in range(40)]
        reads.clear()
        things.database.command({"update": "things", "updates": told}, session=session)
        return reads.count(("_iter_indexes", "things"))

    with things.database.client.start_session() as session, session.start_transaction():
        assert replaced(session, 1) == 1
        assert replaced(session, [2, 3]) == 2  # the first list that an index holds changes what is known of it
        assert replaced(session, [4]) == 1
    assert replaced(None, 5) >= 40  # each a transaction of its own, which sees indexes that are new
    assert things.count_documents({"n": 4}) == 0
    assert things.count_documents({"n": 5}) == 40


def test_who_stands_back_goes_on_once_nobody_else_is_served() -> None:
    order, told = BoxOfficeFirst(patience=60), []

    def letters() -> None:
        with order.turn(stands_back=True):
            told.append("letters")

    with ThreadPoolExecutor(1) as pool:
        with order.turn(stands_back=False), order.turn(stands_back=False):
            waiting = pool.submit(letters)
            with pytest.raises(TimeoutError):
                waiting.result(0.05)
            told.append("bookings")
        waiting.result(10)
    assert told == ["bookings", "letters"]


def test_who_stands_back_is_not_kept_for_ever() -> None:
    order = BoxOfficeFirst(patience=0.01)
    with order.turn(stands_back=False), order.turn(stands_back=True):
        pass


def test_a_client_stands_back_by_its_name(things: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    turn = BoxOfficeFirst.turn

    def noted(self: BoxOfficeFirst, *, stands_back: bool) -> Any:
        asked.append(stands_back)
        return turn(self, stands_back=stands_back)

    monkeypatch.setattr(BoxOfficeFirst, "turn", noted)
    serve_in_turn(["usher-notification"])
    for name, back in (("usher-notification", True), ("usher-booking", False)):
        with MongoClient[Any](*things.database.client.address, appname=name) as client:
            client["test"].command("ping")
            asked.clear()
            client["test"].command("ping")
            assert back in asked


def test_a_service_that_has_a_whole_collection_read_is_told_in_the_log(
    things: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(server, "dispatch", server.dispatch)
    things.insert_many([{"_id": number, "n": number} for number in range(500)])
    tell_slow(0.0002, "usher-")
    for name in ("usher-booking", "somebody"):
        with MongoClient[Any](*things.database.client.address, appname=name) as client:
            list(client[things.database.name][things.name].find({"n": {"$gt": -1}}))
    told = [each.getMessage() for each in caplog.records if "find" in each.getMessage()]
    assert told
    assert all(f"find of {things.name} by usher-booking took" in each for each in told)


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.text(max_size=2),
    st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
    st.lists(st.datetimes(), max_size=2),
    st.dictionaries(st.sampled_from("abc"), st.datetimes(), max_size=2),
)
WHERE = st.dictionaries(
    st.sampled_from(["a", "b", "a.b"]), st.one_of(VALUES, st.dictionaries(st.sampled_from(["$gt", "$lt"]), VALUES)),
    max_size=2,
)  # fmt: skip


def answer(judge: Any, document: Any, where: Any) -> Any:
    try:
        return judge(document, where)
    except Exception as error:  # whatever it is, it is the same
        return repr(error)


@given(st.dictionaries(st.sampled_from("ab"), VALUES), WHERE)
def test_a_document_is_judged_as_secantus_judges_it(document: Any, where: Any) -> None:
    taught = SimpleNamespace(matches=query.matches)
    judge_quickly(taught)
    assert answer(taught.matches, document, where) == answer(query.matches, document, where)


def test_what_belongs_into_an_index_of_what_ends_is_told_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    taught = SimpleNamespace(matches=lambda *of: asked.append(of))
    judge_quickly(taught)
    ends = {"end": {"$gt": datetime(1970, 1, 1, tzinfo=UTC)}}
    assert [taught.matches(each, ends) for each in ({"end": datetime(2027, 1, 1, tzinfo=UTC)}, {"end": None}, {})] == [
        True, False, False,
    ]  # fmt: skip
    assert asked == []

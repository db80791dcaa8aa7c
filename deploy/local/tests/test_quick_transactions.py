"""Transactions of the embedded database wait neither for each other nor for a look at what is old."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import wiredtiger
from secantus import storage, transactions

from local_stack.quick_transactions import forget_oldest_answers, let_go_after_a_sweep, pass_transactions_in_use

PAGE_BYTES = 5_000_000
LETTER = "x" * 20_000


@pytest.fixture
def storing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    monkeypatch.setenv("WIREDTIGER_CONFIG", "statistics=(fast)")
    kind = type("Storage", (storage.Storage,), {})
    let_go_after_a_sweep(kind)
    opened = kind(str(tmp_path / "data"), enable_oplog=False)
    for collection in ("letters", neighbour("letters")):
        opened.insert("mail", collection, [{"_id": number} for number in range(10)])
    opened.close()
    opened = kind(str(tmp_path / "data"), enable_oplog=False)  # both are on one page now, and letters are not its end
    yield opened
    opened.close()


def neighbour(collection: str) -> str:
    """A collection that stands behind it in the same table."""
    table = storage._doc_table_for("mail", collection)  # what SecantusDB itself makes of them
    return next(
        each
        for each in (f"{collection}{number}" for number in count())
        if storage._doc_table_for("mail", each) == table
    )


def waited(storing: Any) -> int:
    """How often somebody had to wait for a page that could not be split, because it was held."""
    session = storing._conn.open_session()  # what WiredTiger counts is told by nothing else
    counts = session.open_cursor("statistics:", None, None)
    times = int(counts[wiredtiger.stat.conn.page_forcible_evict_blocked][2])
    session.close()
    return times


def fill_pages(storing: Any) -> None:
    """Put more than two pages of letters, each in a transaction."""
    for number in range(2 * PAGE_BYTES // len(LETTER)):
        handle = storing.begin_user_transaction()
        with storing.use_user_transaction(handle):
            storing.insert("mail", "letters", [{"_id": f"letter {number}", "text": LETTER}])
        storing.commit_user_transaction(handle)


def test_who_looks_for_documents_whose_time_is_over_holds_no_page_until_the_next_look(storing: Any) -> None:
    storing.create_index("mail", "letters", "expires", {"expires": 1}, {"expireAfterSeconds": 60})
    storing.insert("mail", "letters", [{"_id": "old", "expires": datetime.now(UTC) - timedelta(days=1)}])
    storing.release_thread_snapshot()
    with ThreadPoolExecutor(1) as sweeper:
        assert sweeper.submit(storing.prune_ttl_all_collections).result() == 1
        fill_pages(storing)
    assert waited(storing) == 0
    assert storing.count_matching("mail", "letters", {}) == 10 + 2 * PAGE_BYTES // len(LETTER)


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Of transactions and of what writes were answered, by a `clock` that tests set."""
    kind = transactions.TransactionRegistry
    monkeypatch.setattr(kind, "_prune_retryable_locked", kind._prune_retryable_locked)
    monkeypatch.setattr(transactions, "_RETRYABLE_RECORD_MAX", 3)
    forget_oldest_answers(kind)
    clock = [1_000_000.0]
    registry: Any = kind(time_func=lambda: clock[0])
    registry.clock = clock
    return registry


def answered(registry: Any) -> list[int]:
    """Which of the writes 0 to 5 would be answered as before."""
    return [each for each in range(6) if registry.retryable_reply(b"session", each, b"same") is not None]


def test_what_a_write_was_answered_is_kept_for_its_repeat_until_it_is_too_old(registry: Any) -> None:
    for number in range(3):
        registry.record_retryable(b"session", number, b"same", {"ok": 1.0, "n": number})
        registry.clock[0] += 600
    assert registry.retryable_reply(b"session", 1, b"same")["n"] == 1
    assert answered(registry) == [0, 1, 2]
    registry.clock[0] += 1
    assert answered(registry) == [1, 2]


def test_of_more_answers_than_are_kept_the_oldest_go(registry: Any) -> None:
    for number in range(5):
        registry.record_retryable(b"session", number, b"same", {"ok": 1.0, "n": number})
    assert answered(registry) == [2, 3, 4]


@pytest.fixture
def ended() -> list[Any]:
    """Transactions that were rolled back."""
    return []


@pytest.fixture
def transacting(ended: list[Any]) -> Any:
    kind = type("Registry", (transactions.TransactionRegistry,), {})
    pass_transactions_in_use(kind)
    clock = [1_000_000.0]
    registry: Any = kind(time_func=lambda: clock[0], lifetime_seconds=60.0, rollback_func=ended.append)
    registry.clock = clock
    return registry


def begun(registry: Any, session: bytes) -> Any:
    transaction, refusal = registry.for_statement(session, None, 1, start=True)
    assert refusal is None
    return transaction


def test_a_transaction_at_a_statement_keeps_no_other_waiting_and_is_not_ended(
    transacting: Any, ended: list[Any]
) -> None:
    slow = begun(transacting, b"slow")
    with ThreadPoolExecutor(1) as other, slow.mutex:  # held as while it executes or commits
        transacting.clock[0] += 61
        quick = other.submit(begun, transacting, b"quick").result(timeout=10)
        assert other.submit(transacting.commit, b"quick", 1).result(timeout=10) is None
    assert quick.state is transactions.TxnState.COMMITTED
    assert slow.state is transactions.TxnState.IN_PROGRESS
    assert ended == []


def test_a_transaction_that_was_left_alone_is_ended(transacting: Any, ended: list[Any]) -> None:
    left, used = begun(transacting, b"left"), begun(transacting, b"used")
    transacting.clock[0] += 60
    assert transacting.for_statement(b"used", None, 1, start=False) == (used, None)
    transacting.clock[0] += 1
    assert transacting.prune_expired() == 1
    assert (left.state, used.state) == (transactions.TxnState.ABORTED, transactions.TxnState.IN_PROGRESS)
    assert ended == [left]

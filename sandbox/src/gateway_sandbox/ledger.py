"""What the card network remembers, in one SQLite file that survives kill -9."""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Object = dict[str, Any]

_TABLES = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, kind TEXT NOT NULL, parent TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (kind, seq);
CREATE INDEX IF NOT EXISTS refunds_pending ON objects (seq)
    WHERE kind = 'refund' AND json_extract(body, '$.status') = 'pending';
CREATE INDEX IF NOT EXISTS objects_by_parent ON objects (parent, kind, seq);
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, endpoint TEXT NOT NULL, fingerprint TEXT NOT NULL,
    request TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (
    event TEXT PRIMARY KEY, made REAL NOT NULL, due REAL NOT NULL, attempts INTEGER NOT NULL, done INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (done, due);
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an idempotency key was answered with."""

    endpoint: str
    fingerprint: str
    request: str
    status: int
    body: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to the webhook; instants in Unix seconds."""

    event: str
    made: float
    attempts: int


class Ledger:
    """Every change of one request is one transaction, on the disk before the answer leaves."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(folder / "card-network.sqlite3", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(_TABLES)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. Within the block nothing is awaited, so no other request sees half of it."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def save(self, thing: Object, parent: str = "") -> None:
        """Insert or replace by id; `parent` is the payment intent it belongs to and stays as first given."""
        self._db.execute(
            "INSERT INTO objects (id, kind, parent, body) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            (thing["id"], thing["object"], parent, json.dumps(thing)),
        )

    def load(self, kind: str, identifier: str) -> Object | None:
        """The object, or None."""
        row = self._db.execute("SELECT body FROM objects WHERE id = ? AND kind = ?", (identifier, kind)).fetchone()
        return json.loads(row[0]) if row else None

    def page(self, kind: str, *, parent: str = "", after: str = "", limit: int = -1) -> Sequence[Object]:
        """Newest first, those after the object `after`."""
        rows = self._db.execute(
            "SELECT body FROM objects WHERE kind = ? AND (? = '' OR parent = ?) "
            "AND (? = '' OR seq < (SELECT seq FROM objects WHERE id = ?)) ORDER BY seq DESC LIMIT ?",
            (kind, parent, parent, after, after, limit),
        )
        return [json.loads(body) for (body,) in rows]

    def pending_refunds(self) -> Sequence[Object]:
        """Oldest first."""
        rows = self._db.execute(
            "SELECT body FROM objects WHERE kind = 'refund' AND json_extract(body, '$.status') = 'pending' ORDER BY seq"
        )
        return [json.loads(body) for (body,) in rows]

    def answer(self, key: str) -> Answer | None:
        """What an idempotency key was answered with."""
        row = self._db.execute(
            "SELECT endpoint, fingerprint, request, status, body FROM answers WHERE key = ?", (key,)
        ).fetchone()
        return Answer(*row) if row else None

    def remember(self, key: str, answer: Answer) -> None:
        """Keep it for good."""
        self._db.execute(
            "INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?)",
            (key, answer.endpoint, answer.fingerprint, answer.request, answer.status, answer.body),
        )

    def enqueue(self, event: Object, now: float) -> None:
        """Put an event on its way to the webhook."""
        self._db.execute("INSERT INTO deliveries VALUES (?, ?, ?, 0, 0)", (event["id"], now, now))

    def due(self, now: float, limit: int) -> Sequence[Delivery]:
        """Deliveries to try now, oldest first."""
        rows = self._db.execute(
            "SELECT event, made, attempts FROM deliveries WHERE done = 0 AND due <= ? ORDER BY rowid LIMIT ?",
            (now, limit),
        )
        return [Delivery(*row) for row in rows]

    def delivered(self, event: str) -> None:
        """The webhook answered 2xx."""
        self._db.execute("UPDATE deliveries SET done = 1, attempts = attempts + 1 WHERE event = ?", (event,))

    def postpone(self, event: str, due: float) -> None:
        """The webhook did not."""
        self._db.execute("UPDATE deliveries SET attempts = attempts + 1, due = ? WHERE event = ?", (due, event))

    def deliveries(self) -> Mapping[str, int]:
        """How many events arrived and how many are on their way."""
        counts = dict(self._db.execute("SELECT done, COUNT(*) FROM deliveries GROUP BY done").fetchall())
        return {"delivered": counts.get(1, 0), "pending": counts.get(0, 0)}

"""SecantusDB as its own command starts it, but quicker; what it does is the same (docs/performance_bookings.md).

Threads take turns more often: it has one for each connection, and each step into its storage gives the interpreter
away, so that with Python's 5 ms a short statement waits that long behind a long one, several times over.

What indexes a collection has is read once a statement instead of a dozen times a document or a look: until the command
is answered, or this thread has looked at the table of indexes itself. A write outside a transaction, which would miss
one that others have just made, reads it once it has the lock of the collection, under which alone indexes are changed.
Its options too, three times a statement of a `bulkWrite`: until the command is answered or this thread changes one.

Commands of services that stand back (platform_processes) wait while others are served: the interpreter is shared, and
nice(2) reaches no thread of this process.

Transactions do not wait for each other's statements, nor for pages that a look at what is old holds
(quick_transactions.py).

Whether a document belongs into a partial index of what has a time (`{field: {$gt: time}}`) is told by one comparison.

Keys are put together with fewer calls (quick_keys.py), and those of indexes with fewer questions about each document
(quick_index_keys.py); single documents are replaced with less work (quick_updates.py). Of what an index has in order
only so much is read as is wanted (quick_looks.py).

A statement of a service that took long is told in the log: while it reads a whole collection, nobody else is served.

The collector leaves alone what the program is made of, and looks less often at what a statement leaves.

No oplog is kept: it would hold each document a second time, for change streams and recovery to a point in time, and
Usher uses neither. What is asked of a replica set otherwise (transactions, retryable writes) does not need it.
"""

import gc
import logging
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, cast

from secantus import server, sortkey, storage, transactions
from secantus.cli import main as serve

from local_stack.platform_processes import DOWNSTREAM
from local_stack.quick_index_keys import make_index_keys_quickly
from local_stack.quick_keys import make_keys_quickly
from local_stack.quick_looks import look_at_first_quickly
from local_stack.quick_transactions import forget_oldest_answers, let_go_after_a_sweep, pass_transactions_in_use
from local_stack.quick_updates import replace_quickly

SWITCH_SECONDS = 0.0005
YOUNG_OBJECTS = 10_000  # before the collector looks for cycles among them; Python's 700 are a statement or two
PATIENCE = 0.05
SLOW_SECONDS = 1.0
Namespace = tuple[str, str]


class IndexMemory(threading.local):
    """Of one thread: how deep it is in the locks of collections, and the indexes that the command in hand has read."""

    def __init__(self) -> None:
        self.depth: dict[Namespace, int] = {}
        self.known: dict[Namespace, list[Any]] | None = None
        self.marking = False

    @contextmanager
    def during(self, collection: Namespace, lock: Any, *, alone: bool) -> Iterator[None]:
        """Hold the lock. alone: what was known of the collection before need not be true any longer."""
        with lock:
            held = self.depth.get(collection, 0)
            if alone and not held:
                self.forget(collection)
            self.depth[collection] = held + 1
            try:
                yield
            finally:
                self.depth[collection] = held

    def forget(self, *collections: Namespace) -> None:
        """What is known of these, or of all."""
        known = self.known or {}
        for each in collections or list(known):
            known.pop(each, None)


def remember_indexes(kind: Any) -> None:
    """Teach a Storage class to, for as long as a command of SecantusDB's server takes; AttributeError where it has not
    the parts that this relies on.
    """
    memory, table = IndexMemory(), storage._IDX_TABLE
    lock, read, cursor, mark = kind._coll_lock, kind._iter_indexes, kind._cursor, kind._maybe_mark_multikey

    def coll_lock(self: Any, db: str, coll: str) -> Any:
        in_transaction = getattr(self._tls, "user_txn", None) is not None  # which sees none that others have made
        return memory.during((db, coll), lock(self, db, coll), alone=not in_transaction)

    def iter_indexes(self: Any, db: str, coll: str) -> Iterable[Any]:
        if memory.known is None:
            return cast("Iterable[Any]", read(self, db, coll))
        found = memory.known.get((db, coll))
        if found is None:
            found = list(read(self, db, coll))
            memory.known[db, coll] = found
        return found

    def any_cursor(self: Any, uri: str, **options: Any) -> Any:
        if uri == table and not memory.marking:  # whoever asks for it may be about to change it
            memory.forget()
        return cursor(self, uri, **options)

    def mark_multikey(self: Any, db: str, coll: str, doc: Any, indexes: Any, already: set[str]) -> Any:
        before, memory.marking = len(already), True
        try:
            return mark(self, db, coll, doc, indexes, already)
        finally:
            memory.marking = False
            if len(already) != before:
                memory.forget()

    know_during_a_command(memory)
    kind._coll_lock, kind._iter_indexes = coll_lock, iter_indexes
    kind._cursor, kind._maybe_mark_multikey = any_cursor, mark_multikey


class OptionsMemory(threading.local):
    """Of one thread: the options of collections that the command in hand has read, and whether it is reading them."""

    def __init__(self) -> None:
        self.known: dict[Namespace, dict[str, Any]] | None = None
        self.reading = False

    def forget(self) -> None:
        """They may be about to change."""
        if self.known and not self.reading:
            self.known.clear()

    def while_reading(self, look: Callable[[Any, str, str], Any]) -> Callable[[Any, str, str], Any]:
        """`look`, without it being taken for a change."""

        def looked(storing: Any, db: str, coll: str) -> Any:
            self.reading = True
            try:
                return look(storing, db, coll)
            finally:
                self.reading = False

        return looked


def remember_options(kind: Any) -> None:
    """Teach a Storage class to, for as long as a command of SecantusDB's server takes."""
    memory, table = OptionsMemory(), storage._COLL_TABLE
    cursor = kind._cursor
    read, ensure = memory.while_reading(kind._coll_options), memory.while_reading(kind._ensure_collection)

    def coll_options(self: Any, db: str, coll: str) -> Any:
        if memory.known is None:
            return read(self, db, coll)
        options = memory.known.get((db, coll))
        if options is None:
            options = read(self, db, coll)
            if options is None:
                return None
            memory.known[db, coll] = options
        return dict(options)  # whoever changes them changes a copy, and writes it

    def any_cursor(self: Any, uri: str, **options: Any) -> Any:
        if uri == table:
            memory.forget()
        return cursor(self, uri, **options)

    kind._coll_options, kind._ensure_collection, kind._cursor = coll_options, ensure, any_cursor
    know_during_a_command(memory)


def know_during_a_command(memory: IndexMemory | OptionsMemory) -> None:
    """Teach SecantusDB's server to: what is known counts until the command is answered that has read it."""
    dispatch = server.dispatch

    def one_command(body: Any, context: Any) -> Any:
        memory.known = {}
        try:
            return dispatch(body, context)
        finally:
            memory.known = None

    server.dispatch = one_command


class BoxOfficeFirst:
    """Of commands: those that stand back wait while others are served, each at most `patience` seconds."""

    def __init__(self, patience: float) -> None:
        self._patience, self._served, self._none_is = patience, 0, threading.Condition()

    @contextmanager
    def turn(self, *, stands_back: bool) -> Iterator[None]:
        """Wait for it, hold it."""
        with self._none_is:
            if stands_back:
                self._none_is.wait_for(lambda: not self._served, self._patience)
            else:
                self._served += 1
        try:
            yield
        finally:
            if not stands_back:
                with self._none_is:
                    self._served -= 1
                    if not self._served:
                        self._none_is.notify_all()


def serve_in_turn(stand_back: Collection[str]) -> None:
    """Teach SecantusDB's server to. stand_back: application names of clients."""
    order, dispatch = BoxOfficeFirst(PATIENCE), server.dispatch

    def one_command(body: Any, context: Any) -> Any:
        with order.turn(stands_back=_client(context) in stand_back):
            return dispatch(body, context)

    server.dispatch = one_command


def tell_slow(seconds: float, applications: str) -> None:
    """Teach SecantusDB's server to: statements that took so much CPU, of clients whose names begin so."""
    dispatch, log = server.dispatch, logging.getLogger(__name__)

    def one_command(body: Any, context: Any) -> Any:
        began = time.thread_time()
        try:
            return dispatch(body, context)
        finally:
            took = time.thread_time() - began
            if took >= seconds and (client := _client(context)).startswith(applications):
                command, collection = next(iter(body.items()))
                log.warning("slow statement: %s of %s by %s took %.1f s of CPU", command, collection, client, took)

    server.dispatch = one_command


def _client(context: Any) -> str:
    """The name that it gave."""
    client = context.connections.get(context.connection_id)
    metadata = client.client_metadata if client is not None else None
    return str(((metadata or {}).get("application") or {}).get("name") or "")


def judge_quickly(module: Any) -> None:
    """Teach SecantusDB's storage to tell whether a document belongs into an index of what has a time at all."""
    matches = module.matches

    def judged(document: Any, where: Any, **options: Any) -> bool:
        if len(where) == 1 and not options:
            ((field, condition),) = where.items()
            if isinstance(condition, dict) and condition.keys() == {"$gt"} and field.isidentifier():
                bound, value = condition["$gt"], document.get(field)
                if isinstance(bound, datetime):
                    if value is None:
                        return False
                    if isinstance(value, datetime) and (value.tzinfo is None) == (bound.tzinfo is None):
                        return value > bound
        return bool(matches(document, where, **options))

    module.matches = judged


def keep_no_oplog(kind: Any) -> None:
    """Teach a Storage class to; it has a parameter for it, which its server sets for every replica set."""
    begin = kind.__init__

    def without(self: Any, *arguments: Any, **options: Any) -> None:
        begin(self, *arguments, **{**options, "enable_oplog": False})

    kind.__init__ = without


def main() -> int:
    """Serve until told to end; arguments as SecantusDB's own."""
    sys.setswitchinterval(SWITCH_SECONDS)
    let_go_after_a_sweep(storage.Storage)
    remember_indexes(storage.Storage)
    remember_options(storage.Storage)
    tell_slow(SLOW_SECONDS, "usher-")
    serve_in_turn([f"usher-{each}" for each in DOWNSTREAM])
    look_at_first_quickly(storage.Storage)
    judge_quickly(storage)
    replace_quickly(storage)
    make_keys_quickly(storage.wt.Cursor, sortkey)
    make_index_keys_quickly(storage, sortkey)
    keep_no_oplog(storage.Storage)
    forget_oldest_answers(transactions.TransactionRegistry)
    pass_transactions_in_use(transactions.TransactionRegistry)
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])
    return int(serve() or 0)


if __name__ == "__main__":
    sys.exit(main())

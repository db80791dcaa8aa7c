"""One MongoDB transaction of many writes in few round trips, repeated where MongoDB says that repeating may help."""

import asyncio
import random
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any

from pymongo import DeleteMany, DeleteOne, InsertOne, ReplaceOne, UpdateMany, UpdateOne
from pymongo.errors import BulkWriteError, ClientBulkWriteException, ConnectionFailure, PyMongoError

from domain_kit.crash_points import crash_point
from domain_kit.refusals import Aborted
from mongo_store.database import DUPLICATE_KEY, DURABLE, Database, reachable
from mongo_store.metrics import StoreMetrics
from mongo_store.writes import Check, Delete, Insert, Put, Replace, Write

Operation = InsertOne[Any] | ReplaceOne[Any] | UpdateOne | UpdateMany | DeleteOne | DeleteMany
Step = tuple[str, Sequence[Insert]] | Sequence[Operation]  # inserts into one collection, or anything

_WRITE_CONFLICT = 112
CONFLICT_PATIENCE = 10.0  # seconds of write conflicts with others before a caller is told
_FAILOVER_PATIENCE = 10.0  # seconds of lost connections
_SUSPICIOUS = 0.25  # seconds of write conflicts after which somebody may have died in the middle of a transaction
MANY = 8  # documents for one collection from which an insert command of their own is worth its round trip


@dataclass(frozen=True, slots=True)
class Blocked:
    """Nothing was written: operation `position` met a taken value of `index`, or (None) a guard did not match."""

    position: int | None = None
    index: str = ""


def operation(database: str, write: Write) -> Operation:
    """The MongoDB operation of a write."""
    namespace = f"{database}.{write.collection}"
    if isinstance(write, Insert):
        return InsertOne(write.document, namespace=namespace)
    if isinstance(write, Replace):
        guard = {"_id": write.id, "version": write.expected_version}
        return ReplaceOne(guard, write.document, namespace=namespace)
    if isinstance(write, Check):
        same = {"version": write.expected_version}
        return UpdateOne({"_id": write.id, **same}, {"$set": same}, namespace=namespace)
    if isinstance(write, Put):
        return ReplaceOne({"_id": write.id}, write.document, upsert=True, namespace=namespace)
    return DeleteOne({"_id": write.id}, namespace=namespace)


async def transact(
    database: Database,
    operations: Sequence[Operation | Write],
    metrics: StoreMetrics,
    *,
    replacing: int | None = None,
    conflict_patience: float = CONFLICT_PATIENCE,
) -> Blocked | None:
    """All operations or none; None when they are there to stay (majority, journaled).

    replacing: how many documents replacements and checks must meet, else Blocked. Aborted WRITE_CONFLICT when others
    kept getting in the way for `conflict_patience` seconds, Unavailable STORE_UNAVAILABLE when MongoDB did not answer;
    after Unavailable the transaction may or may not have gone through, so the caller repeats it under the same cause.
    """
    began, attempt = time.monotonic(), 0
    with reachable():
        while True:
            try:
                return await _once(database, operations, replacing)
            except PyMongoError as trouble:
                lost = isinstance(trouble, ConnectionFailure)
                patience = _FAILOVER_PATIENCE if lost else conflict_patience
                if not _transient(trouble):
                    raise
                if time.monotonic() > began + patience:
                    if lost:
                        raise
                    raise _write_conflict() from trouble
            metrics.retried("transient")
            attempt += 1
            if not lost and time.monotonic() > began + _SUSPICIOUS:
                await database.sessions.end_abandoned()
            await asyncio.sleep(random.uniform(0, min(0.002 * 2**attempt, 0.1)))  # noqa: S311 - spreads writers


async def _once(database: Database, operations: Sequence[Operation | Write], replacing: int | None) -> Blocked | None:
    steps = list(_steps(database.name, operations))
    async with database.sessions.take() as session:
        return await database.off_the_loop(lambda: _run(database, session.delegate, steps, replacing))


def _run(database: Database, session: Any, steps: Sequence[Step], replacing: int | None) -> Blocked | None:
    """All of a transaction in the thread it is called in, which goes on with it where the caller has gone away.

    Motor would come back to the event loop between any two commands, and wait there until the loop has time.
    """
    session.start_transaction(write_concern=DURABLE)
    met = position = 0
    try:
        for step in steps:
            try:
                met += _send(database, step, session)
            except (ClientBulkWriteException, BulkWriteError) as failure:
                return _blocked(failure, position)
            position += len(step[1] if isinstance(step, tuple) else step)
        if replacing is not None and met != replacing:
            return Blocked()
        crash_point("store.before_commit")
        _commit(session)
        crash_point("store.after_commit")
        return None
    finally:
        if session.in_transaction:
            session.abort_transaction()


def _blocked(failure: ClientBulkWriteException | BulkWriteError, position: int) -> Blocked:
    """By a taken value; whatever else it was is raised. position: of the first operation of its step."""
    for index, error in _errors(failure):
        if error["code"] == DUPLICATE_KEY:
            return Blocked(position + index, _index_name(error))
    inner = getattr(failure, "error", None)
    raise (inner if isinstance(inner, PyMongoError) else failure) from failure


def _send(database: Database, step: Step, session: Any) -> int:
    """How many documents its replacements and updates have met."""
    if isinstance(step, tuple):
        collection, inserts = step
        documents = [insert.document for insert in inserts]
        database.collection(collection).delegate.insert_many(documents, session=session)
        return 0
    result = database.client.delegate.bulk_write(step, session=session)
    return int(result.matched_count + result.upserted_count)


def _steps(database: str, operations: Sequence[Operation | Write]) -> Iterator[Step]:
    """In order, with as few commands as pay: one for all, but many inserts into one collection cost half as their own.

    Measured on the embedded database with 32 documents: 0.6 of the CPU and 0.5 of the time (docs/performance.md).
    """
    together: list[Operation] = []
    for collection, run in groupby(operations, lambda each: each.collection if isinstance(each, Insert) else ""):
        inserts: list[Insert] = []
        others: list[Operation] = []
        for each in run:
            if isinstance(each, Insert):
                inserts.append(each)
            else:
                others.append(operation(database, each) if isinstance(each, Replace | Check | Put | Delete) else each)
        if len(inserts) < MANY:
            together += [*(operation(database, each) for each in inserts), *others]
            continue
        if together:
            yield together
            together = []
        yield collection, inserts
    if together:
        yield together


def _errors(failure: ClientBulkWriteException | BulkWriteError) -> list[tuple[int, Any]]:
    """What went wrong where within its step."""
    if isinstance(failure, BulkWriteError):
        return [(error["index"], error) for error in failure.details["writeErrors"]]
    errors: Any = failure.write_errors or ()
    return [(error["idx"], error) for error in errors]


def _commit(session: Any) -> None:
    give_up = time.monotonic() + _FAILOVER_PATIENCE
    while True:
        try:
            session.commit_transaction()
            return  # noqa: TRY300 - leaves the loop
        except PyMongoError as trouble:
            if not trouble.has_error_label("UnknownTransactionCommitResult") or time.monotonic() > give_up:
                raise


def _transient(trouble: PyMongoError) -> bool:
    if trouble.has_error_label("TransientTransactionError"):
        return True
    errors = _errors(trouble) if isinstance(trouble, ClientBulkWriteException | BulkWriteError) else ()
    return any(error.get("code") == _WRITE_CONFLICT for _, error in errors)


def _index_name(error: dict[str, Any]) -> str:
    found = re.search(r"index: (\S+)", error.get("errmsg", ""))
    return found.group(1) if found else "_".join(error.get("keyPattern", {"unknown": 1}))


def _write_conflict() -> Aborted:
    return Aborted(
        "WRITE_CONFLICT", "Others kept changing the same data; try again.", retry_after=timedelta(milliseconds=200)
    )

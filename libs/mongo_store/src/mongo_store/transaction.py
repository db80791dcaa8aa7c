"""One MongoDB transaction of many writes in few round trips, repeated where MongoDB says that repeating may help."""

import asyncio
import random
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import groupby
from typing import Any

from pymongo.errors import (
    ConnectionFailure,
    DocumentTooLarge,
    OperationFailure,
    PyMongoError,
)

from domain_kit.crash_points import crash_point
from domain_kit.refusals import Aborted
from mongo_store.database import DUPLICATE_KEY, DURABLE, Database, reachable
from mongo_store.metrics import StoreMetrics
from mongo_store.writes import Check, Delete, Insert, Operation, Put, Remove, Replace, Update

Step = tuple[str, Sequence[Insert | Replace]] | Sequence[Operation]  # one kind in one collection, or anything

_WRITE_CONFLICT = 112
CONFLICT_PATIENCE = 10.0  # seconds of write conflicts with others before a caller is told
_FAILOVER_PATIENCE = 10.0  # seconds of lost connections
_SUSPICIOUS = 0.25  # seconds of write conflicts after which somebody may have died in the middle of a transaction
MANY = 8  # inserts or replacements in one collection from which a command of their own is worth its round trip


@dataclass(frozen=True, slots=True)
class Blocked:
    """Nothing was written: operation `position` met a taken value of `index`, or (None) a guard did not match."""

    position: int | None = None
    index: str = ""


async def transact(
    database: Database,
    operations: Sequence[Operation],
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


async def _once(database: Database, operations: Sequence[Operation], replacing: int | None) -> Blocked | None:
    steps = list(_steps(operations))
    async with database.sessions.take() as session:
        while True:
            try:
                return await database.off_the_loop(partial(_run, database, session.delegate, steps, replacing))
            except DocumentTooLarge:  # a command holds 16 MiB; of transaction and connection nothing is left
                divided = list(_divided(steps))
                if len(divided) == len(steps):
                    raise
                steps = divided


def _divided(steps: Sequence[Step]) -> Iterator[Step]:
    """The same in commands of half the size."""
    for step in steps:
        half = len(step[1] if isinstance(step, tuple) else step) // 2
        if not half:
            yield step
        elif isinstance(step, tuple):
            collection, alike = step
            yield from ((collection, alike[:half]), (collection, alike[half:]))
        else:
            yield from (step[:half], step[half:])


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
            except OperationFailure as failure:
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


def _blocked(failure: OperationFailure, position: int) -> Blocked:
    """By a taken value; whatever else it was is raised. position: of the first operation of its step."""
    for index, error in _errors(failure):
        if error["code"] == DUPLICATE_KEY:
            return Blocked(position + index, _index_name(error))
    raise failure


def _send(database: Database, step: Step, session: Any) -> int:
    """How many documents its replacements and updates have met, by one command.

    OperationFailure for the first that cannot be done; its `details` tell where as `idx`. DocumentTooLarge. The driver
    has methods for both commands, which take as long to put them together as some documents to be written.
    """
    if isinstance(step, tuple):
        collection, alike = step
        return _send_alike(database, collection, alike, session)
    return _send_together(database, step, session)


def _send_alike(database: Database, collection: str, alike: Sequence[Insert | Replace], session: Any) -> int:
    inserted = [each.document for each in alike if isinstance(each, Insert)]
    command: dict[str, Any] = {"insert": collection, "documents": inserted}
    if not inserted:
        replaced = [{"q": _guard(each), "u": _whole(each.document)} for each in alike if isinstance(each, Replace)]
        command = {"update": collection, "updates": replaced}
    reply = database.client.delegate[database.name].command(command, session=session)
    for error in reply.get("writeErrors", ()):
        raise OperationFailure(error["errmsg"], error["code"], {**error, "idx": error["index"]})
    return 0 if inserted else int(reply["n"])


def _send_together(database: Database, operations: Sequence[Operation], session: Any) -> int:
    places: dict[str, int] = {}
    told = [_as_told(each, places.setdefault(each.collection, len(places))) for each in operations]
    where = [{"ns": f"{database.name}.{each}"} for each in places]
    command = {"bulkWrite": 1, "ops": told, "nsInfo": where, "errorsOnly": True}
    reply = database.client.delegate.admin.command(command, session=session)
    if reply["nErrors"]:
        error = reply["cursor"]["firstBatch"][0]
        raise OperationFailure(error["errmsg"], error["code"], error)
    return int(reply["nMatched"] + reply["nUpserted"])


def _as_told(operation: Operation, place: int) -> dict[str, Any]:
    """As in the `ops` of MongoDB's bulkWrite command. place: of its collection in `nsInfo`."""
    match operation:
        case Insert():
            return {"insert": place, "document": operation.document}
        case Replace(document=document):
            return {"update": place, "filter": _guard(operation), "updateMods": _whole(document)}
        case Check(id=id, expected_version=version):
            same = {"version": version}
            return {"update": place, "filter": {"_id": id, **same}, "updateMods": {"$set": same}}
        case Put(document=document):
            return {"update": place, "filter": {"_id": operation.id}, "updateMods": _whole(document), "upsert": True}
        case Update(where=where, change=change, upsert=upsert):
            return {"update": place, "filter": where, "updateMods": _operators(change), "upsert": upsert}
        case Delete(id=id):
            return {"delete": place, "filter": {"_id": id}}
        case Remove(where=where):
            return {"delete": place, "filter": where}


def _guard(replacement: Replace) -> Mapping[str, Any]:
    """What it may replace."""
    return {"_id": replacement.id, "version": replacement.expected_version}


def _whole(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """It. ValueError for what MongoDB, which goes by the first name, would take for update operators."""
    if next(iter(document), "").startswith("$"):
        raise ValueError("a document cannot begin with an update operator")
    return document


def _operators(change: Mapping[str, Any]) -> Mapping[str, Any]:
    """It. ValueError for what MongoDB would take for another document."""
    if not next(iter(change), "").startswith("$"):
        raise ValueError("an update consists of operators")
    return change


def _steps(operations: Sequence[Operation]) -> Iterator[Step]:
    """In order, with as few commands as pay: one for all, but many alike in one collection cost less as their own.

    Measured on the embedded database, docs/performance_bookings.md: 32 inserts 0.6 of the CPU and 0.5 of the time, 50
    replacements 0.84 of the CPU.
    """
    together: list[Operation] = []
    for (kind, collection), run in groupby(operations, _kind_of):
        some = list(run)
        if not collection or len(some) < MANY:
            together += some
            continue
        if together:
            yield together
            together = []
        yield collection, [each for each in some if isinstance(each, kind)]
    if together:
        yield together


def _kind_of(operation: Operation) -> tuple[type[Insert | Replace], str]:
    """And its collection, "" for those that have no command of their own."""
    if isinstance(operation, Replace):
        return Replace, operation.collection
    return Insert, operation.collection if isinstance(operation, Insert) else ""


def _errors(failure: PyMongoError) -> list[tuple[int, Any]]:
    """What went wrong where within its step; nothing where all of it failed."""
    details: Any = failure.details if isinstance(failure, OperationFailure) else None
    return [(details["idx"], details)] if details and "idx" in details else []


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
    return any(error.get("code") == _WRITE_CONFLICT for _, error in _errors(trouble))


def _index_name(error: dict[str, Any]) -> str:
    found = re.search(r"index: (\S+)", error.get("errmsg", ""))
    return found.group(1) if found else "_".join(error.get("keyPattern", {"unknown": 1}))


def _write_conflict() -> Aborted:
    return Aborted(
        "WRITE_CONFLICT", "Others kept changing the same data; try again.", retry_after=timedelta(milliseconds=200)
    )

"""One MongoDB transaction of many writes in one round trip, repeated where MongoDB says that repeating may help."""

import asyncio
import random
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pymongo import DeleteOne, InsertOne, ReplaceOne, UpdateMany, UpdateOne
from pymongo.errors import ClientBulkWriteException, ConnectionFailure, PyMongoError

from domain_kit.refusals import Aborted
from mongo_store.database import DURABLE, Database, reachable
from mongo_store.metrics import StoreMetrics
from mongo_store.writes import Insert, Put, Replace, Write

Operation = InsertOne[Any] | ReplaceOne[Any] | UpdateOne | UpdateMany | DeleteOne

_DUPLICATE_KEY = 11000
_WRITE_CONFLICT = 112
CONFLICT_PATIENCE = 10.0  # seconds of write conflicts with others before a caller is told
_FAILOVER_PATIENCE = 10.0  # seconds of lost connections


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
    if isinstance(write, Put):
        return ReplaceOne({"_id": write.id}, write.document, upsert=True, namespace=namespace)
    return DeleteOne({"_id": write.id}, namespace=namespace)


async def transact(
    database: Database,
    operations: Sequence[Operation],
    metrics: StoreMetrics,
    *,
    replacing: int | None = None,
    conflict_patience: float = CONFLICT_PATIENCE,
) -> Blocked | None:
    """All operations or none; None when they are there to stay (majority, journaled).

    replacing: how many documents the replacements must meet, else Blocked. Aborted WRITE_CONFLICT when others kept
    getting in the way for `conflict_patience` seconds, Unavailable STORE_UNAVAILABLE when MongoDB did not answer; after
    Unavailable the transaction may or may not have gone through, so the caller repeats it under the same cause.
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
            await asyncio.sleep(random.uniform(0, min(0.002 * 2**attempt, 0.1)))  # noqa: S311 - spreads writers


async def _once(database: Database, operations: Sequence[Operation], replacing: int | None) -> Blocked | None:
    session: Any  # Motor's own stubs do not let its sessions into its bulk_write
    async with await database.client.start_session() as session:
        session.start_transaction(write_concern=DURABLE)
        try:
            result = await database.client.bulk_write(operations, session=session)
        except ClientBulkWriteException as failure:
            errors: Any = failure.write_errors or ()
            for error in errors:
                if error["code"] == _DUPLICATE_KEY:
                    return Blocked(error["idx"], _index_name(error))
            raise (failure.error if isinstance(failure.error, PyMongoError) else failure) from failure
        if replacing is not None and result.matched_count + result.upserted_count != replacing:
            return Blocked()
        await _commit(session)
        return None


async def _commit(session: Any) -> None:
    give_up = time.monotonic() + _FAILOVER_PATIENCE
    while True:
        try:
            await session.commit_transaction()
            return  # noqa: TRY300 - leaves the loop
        except PyMongoError as trouble:
            if not trouble.has_error_label("UnknownTransactionCommitResult") or time.monotonic() > give_up:
                raise


def _transient(trouble: PyMongoError) -> bool:
    if trouble.has_error_label("TransientTransactionError"):
        return True
    errors = getattr(trouble, "write_errors", None) or ()
    return any(error.get("code") == _WRITE_CONFLICT for error in errors)


def _index_name(error: dict[str, Any]) -> str:
    found = re.search(r"index: (\S+)", error.get("errmsg", ""))
    return found.group(1) if found else "_".join(error.get("keyPattern", {"unknown": 1}))


def _write_conflict() -> Aborted:
    return Aborted(
        "WRITE_CONFLICT", "Others kept changing the same data; try again.", retry_after=timedelta(milliseconds=200)
    )

"""A service's MongoDB database: how it is opened, indexed and asked whether it is there."""

import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection
from pymongo import IndexModel
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    WTimeoutError,
)
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from domain_kit.refusals import Unavailable
from mongo_store.documents import CODEC
from mongo_store.metrics import NoMetrics, StoreMetrics
from mongo_store.reading import GatheredReads
from mongo_store.sessions import Sessions
from mongo_store.threads import Threads

T = TypeVar("T")
CLOSE_SECONDS = 2.0  # for transactions whose callers have gone
THREADS = 16  # transactions at a time; begun one by one as they are needed
DURABLE = WriteConcern("majority", j=True)
# IndexOptionsConflict and IndexKeySpecsConflict: there is an index of that name, made otherwise by an earlier version.
_MADE_OTHERWISE = {85, 86}
DUPLICATE_KEY = 11000


@dataclass(frozen=True, slots=True)
class Index:
    """An index by fields (name, 1 or -1). `where` limits it (partial index), `expire_after` deletes by a date field."""

    name: str
    fields: Sequence[tuple[str, int]]
    unique: bool = False
    where: Mapping[str, Any] | None = None
    expire_after: timedelta | None = None

    def model(self) -> IndexModel:
        """What createIndexes takes."""
        options: dict[str, Any] = {"name": self.name}
        if self.unique:
            options["unique"] = True
        if self.where is not None:
            options["partialFilterExpression"] = dict(self.where)
        if self.expire_after is not None:
            options["expireAfterSeconds"] = int(self.expire_after.total_seconds())
        return IndexModel(list(self.fields), **options)


@contextmanager
def reachable() -> Iterator[None]:
    """Turns a MongoDB that does not answer into Unavailable STORE_UNAVAILABLE."""
    try:
        yield
    except (ConnectionFailure, ExecutionTimeout, WTimeoutError) as trouble:
        raise Unavailable(
            "STORE_UNAVAILABLE", "The database does not answer.", retry_after=timedelta(seconds=1)
        ) from trouble


class Database:
    """One database of one client; every write outside a transaction is majority and journaled too."""

    def __init__(
        self, client: AsyncIOMotorClient[dict[str, Any]], name: str, metrics: StoreMetrics | None = None
    ) -> None:
        self.client = client
        self.name = name
        self._metrics = metrics or NoMetrics()
        self._database = client.get_database(name, codec_options=CODEC, write_concern=DURABLE)
        self.sessions = Sessions(self)
        self._reads = GatheredReads(self)
        self._threads = Threads(THREADS, f"transactions of {name}")

    def collection(self, name: str, *, concern: str = "") -> AsyncIOMotorCollection[dict[str, Any]]:
        """A collection. concern: "majority" reads only what no failover can take back, "linearizable" the newest of it.

        The latter costs a round of replication.
        """
        return self._database.get_collection(name, read_concern=ReadConcern(concern) if concern else None)

    @contextmanager
    def timed(self, operation: str) -> Iterator[None]:
        """Tells how long the block took and whether MongoDB did what it was asked. Not a listener of pymongo's.

        That would see everything, and cost a booking a twentieth more.
        """
        began, failed = time.perf_counter(), True
        try:
            yield
            failed = False
        finally:
            self._metrics.operated(operation, time.perf_counter() - began, failed)

    async def off_the_loop(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises in a thread; it goes on to its end there also where this is cancelled."""
        return await self._threads.run(work)

    async def close(self) -> None:
        """Nothing of this process is open any more; where MongoDB does not answer, what is left is taken for dead."""
        if await self._threads.close(CLOSE_SECONDS):
            with suppress(PyMongoError):
                await self.sessions.close()

    async def read(self, collection: str, key: Any) -> Mapping[str, Any] | None:
        """One document by `_id`; those that are asked for at the same time are read together."""
        with reachable():
            return await self._reads.read(collection, key)

    async def insert_new(self, collection: str, documents: Sequence[dict[str, Any]]) -> set[int]:
        """Insert those that are not there yet, in one command; the positions of those that were.

        Unavailable STORE_UNAVAILABLE: some may be there now.
        """
        with reachable(), self.timed("insert"):
            try:
                await self.collection(collection).insert_many(documents, ordered=False)
            except BulkWriteError as error:
                if any(each["code"] != DUPLICATE_KEY for each in error.details["writeErrors"]):
                    raise
                return {each["index"] for each in error.details["writeErrors"]}
        return set()

    async def ping(self) -> None:
        """Returns when the primary answers; Unavailable STORE_UNAVAILABLE."""
        with reachable(), self.timed("ping"):
            await self._database.command("ping")

    async def ensure_indexes(self, indexes: Mapping[str, Sequence[Index]]) -> None:
        """Create what is missing, by collection; safe to repeat and to run in several processes at once.

        An index that an earlier version made otherwise under the same name is made anew.
        """
        with reachable():
            for collection, wanted in indexes.items():
                for index in wanted:
                    await self._ensure_index(self.collection(collection), index)

    async def _ensure_index(self, collection: AsyncIOMotorCollection[dict[str, Any]], index: Index) -> None:
        try:
            await collection.create_indexes([index.model()])
        except OperationFailure as conflict:
            if conflict.code not in _MADE_OTHERWISE:
                raise
            with suppress(OperationFailure):  # another process has dropped it already
                await collection.drop_index(index.name)
            await collection.create_indexes([index.model()])


@asynccontextmanager
async def open_database(
    uri: str,
    name: str,
    *,
    application: str = "usher",
    patience: timedelta = timedelta(seconds=5),
    metrics: StoreMetrics | None = None,
) -> AsyncIterator[Database]:
    """A database for as long as the context lasts. `patience` bounds how long a call waits for a primary.

    MongoDB 8.0 or later, as a replica set or sharded cluster (transactions, and `bulkWrite` over collections).
    """
    milliseconds = int(patience.total_seconds() * 1000)
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(
        uri,
        appname=application,
        serverSelectionTimeoutMS=milliseconds,
        connectTimeoutMS=milliseconds,
        socketTimeoutMS=4 * milliseconds,
        tz_aware=True,
        retryWrites=True,
        retryReads=True,
    )
    database = Database(client, name, metrics)
    try:
        yield database
    finally:
        await database.close()
        client.close()

"""Whole databases read and written as BSON, for backups: one moment of all of them, where the server offers that.

A service knows how far it has applied another's domain events. Databases of different moments therefore do not go
together: the younger one would pass over what the older one has yet to tell again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.errors import ConfigurationError, DuplicateKeyError, InvalidURI, OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern

from domain_kit.clock import utc_now
from domain_kit.refusals import Aborted, FailedPrecondition, InvalidArgument, Unavailable
from mongo_store.database import DURABLE
from mongo_store.instances import COLLECTION as INSTANCES
from mongo_store.schema import COLLECTION as SCHEMA
from mongo_store.schema import FIRST
from mongo_store.sessions import OPEN_SESSIONS

OF_PROCESSES = frozenset({INSTANCES, OPEN_SESSIONS})
"""What tells of processes and not of people; another cluster has others."""

CLOSED = 2**31 - 1
"""The least schema version that a half restored database takes: no code has it."""

BEFORE, NEW = "before_closing", 0
"""Field of a closed database's schema: the minimum it had, or NEW where there was none."""

BATCH, HOLD_TRIES = 500, 5
RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)
_GIVEN_UP = {246, 239, 251, 290}  # SnapshotUnavailable, SnapshotTooOld, NoSuchTransaction, lifetime exceeded


class Copying:
    """Some databases of one server. Unavailable STORE_UNAVAILABLE from every method, when it does not answer."""

    def __init__(self, client: MongoClient[Any], session: ClientSession, names: Sequence[str]) -> None:
        self._client, self._session, self.names = client, session, names

    def hold(self) -> Mapping[str, Sequence[str]]:
        """Read from now on what is there at this moment, however long it takes; the server has a limit (60 s).

        A transaction and not reads at a cluster time: SecantusDB takes those, but reads what is there now. Returns the
        collections of the moment, by database: a list cannot be read in a transaction, and a collection that is younger
        than the moment ends it. Aborted COLLECTIONS_CHANGE, if they do so again and again.
        """
        for _ in range(HOLD_TRIES):
            before = {name: self.collections(name) for name in self.names}
            self._session.start_transaction(read_concern=ReadConcern("snapshot"))
            with _answering():
                self._told(self.names[0], {"find": SCHEMA, "limit": 1})  # the first read is the moment
            if before == {name: self.collections(name) for name in self.names}:
                return before
            self._session.abort_transaction()
        raise Aborted("COLLECTIONS_CHANGE", "Services make collections at the moment: try again when they have begun.")

    def hosts(self) -> str:
        """Where this reads and writes, for people; known once a method has asked the server something."""
        return ", ".join(sorted(f"{host}:{port}" for host, port in self._client.nodes))

    def running(self) -> list[str]:
        """Processes that work on these databases, or did a minute ago: `host/pid`."""
        found = set[str]()
        with _answering():
            for name in self.names:
                alive = self._client[name][INSTANCES].find({"until": {"$gt": utc_now()}})
                found.update(f"{name.removeprefix('usher_')} on {each['name']}" for each in alive)
        return sorted(found)

    def collections(self, database: str) -> list[str]:
        """What is there of a database, without what tells of processes."""
        with _answering():
            names = self._client[database].list_collection_names(filter={"type": "collection"})
        return sorted(name for name in names if not name.startswith("system.") and name not in OF_PROCESSES)

    def documents(self, database: str, collection: str) -> Iterator[bytes]:
        """Every document as it is stored. Aborted COPY_TOOK_TOO_LONG: what was held is gone."""
        with _answering():
            cursor = self._told(database, {"find": collection, "batchSize": BATCH})["cursor"]
            batch = cursor["firstBatch"]
            while True:
                for each in batch:
                    yield each.raw
                if not cursor["id"]:
                    return
                more = {"getMore": cursor["id"], "collection": collection, "batchSize": BATCH}
                cursor = self._told(database, more)["cursor"]
                batch = cursor["nextBatch"]

    def filled(self) -> list[str]:
        """Those databases that have a document, but for what `close` has made."""
        with _answering():
            return [
                name
                for name in self.names
                if any(
                    self._client[name][each].find_one({BEFORE: {"$ne": NEW}} if each == SCHEMA else {})
                    for each in self.collections(name)
                )
            ]

    def close(self, database: str) -> None:
        """Let no code begin on it until `reopen` or `open`; nothing is deleted."""
        schemas = self._client.get_database(database, write_concern=DURABLE)[SCHEMA]
        closed = {"_id": SCHEMA, "version": FIRST, "contracted": FIRST, "minimum": CLOSED, BEFORE: NEW}
        with _answering():
            while True:
                found = schemas.find_one({"_id": SCHEMA})
                if found is not None and BEFORE in found:  # by one that was killed
                    return
                if found is None:
                    try:
                        schemas.insert_one(closed)
                    except DuplicateKeyError:  # a service has begun meanwhile
                        continue
                    return
                shut = {"$set": {"minimum": CLOSED, BEFORE: found["minimum"]}}
                if schemas.update_one({"_id": SCHEMA, "minimum": found["minimum"]}, shut).matched_count:
                    return

    def reopen(self, database: str) -> None:
        """As it was before `close`."""
        schemas = self._client.get_database(database, write_concern=DURABLE)[SCHEMA]
        with _answering():
            found = schemas.find_one({"_id": SCHEMA, BEFORE: {"$exists": True}})
            if found is not None and found[BEFORE] == NEW:
                schemas.delete_one({"_id": SCHEMA})
            elif found is not None:
                schemas.update_one({"_id": SCHEMA}, {"$set": {"minimum": found[BEFORE]}, "$unset": {BEFORE: ""}})

    def empty(self, database: str) -> None:
        """Delete what is in a closed database; it stays closed all the time, and who runs on it stays known."""
        closed = {"_id": SCHEMA, "version": FIRST, "contracted": FIRST, "minimum": CLOSED}
        held = self._client.get_database(database, write_concern=DURABLE)
        with _answering():
            held[SCHEMA].replace_one({"_id": SCHEMA}, closed, upsert=True)
            held[SCHEMA].delete_many({"_id": {"$ne": SCHEMA}})
            for name in held.list_collection_names():
                if not name.startswith("system.") and name not in (SCHEMA, INSTANCES):
                    held.drop_collection(name)

    def write(self, database: str, collection: str, documents: Iterable[bytes]) -> int:
        """Insert them; how many."""
        into = self._client.get_database(database, write_concern=DURABLE)[collection]
        left, count = iter(documents), 0
        with _answering():
            while batch := [RawBSONDocument(each) for each in islice(left, BATCH)]:
                into.insert_many(batch, ordered=False)
                count += len(batch)
        return count

    def open(self, database: str, schema: Iterable[bytes]) -> None:
        """All is there: code may begin that fits the documents of the collection `schema`."""
        into = self._client.get_database(database, write_concern=DURABLE)[SCHEMA]
        told = [RawBSONDocument(each) for each in schema]
        with _answering():
            for each in told:
                into.replace_one({"_id": each["_id"]}, each, upsert=True)
            if not told:
                into.delete_one({"_id": SCHEMA})

    def _told(self, database: str, command: dict[str, Any]) -> Any:
        return self._client[database].command(command, codec_options=RAW, session=self._session)


@contextmanager
def copying(uri: str, names: Sequence[str]) -> Iterator[Copying]:
    """For as long as the context lasts; one session, since a cursor belongs to the one it was opened in.

    InvalidArgument STORE_URI_MALFORMED tells nothing of what the URI holds, there is a password in it.
    """
    try:
        client: MongoClient[Any] = MongoClient(
            uri, appname="usher-backup", tz_aware=True, serverSelectionTimeoutMS=5000
        )
    except (ConfigurationError, InvalidURI, ValueError) as malformed:
        reason = str(malformed).partition(":")[0]
        raise InvalidArgument("STORE_URI_MALFORMED", f"This is no URI of a MongoDB: {reason}.") from malformed
    with client:
        with _answering():
            session = client.start_session()
        with session:
            yield Copying(client, session, names)


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except OperationFailure as refused:
        if refused.code in _GIVEN_UP:
            raise Aborted(
                "COPY_TOOK_TOO_LONG",
                "The server gave the snapshot up (transactionLifetimeLimitSeconds): copy while no service runs.",
            ) from refused
        if refused.code in {13, 18}:
            raise FailedPrecondition("STORE_REFUSES", "The database does not let this account do it.") from refused
        raise
    except PyMongoError as trouble:
        first = str(trouble).partition(",")[0]
        raise Unavailable("STORE_UNAVAILABLE", f"The database does not answer: {first}") from trouble

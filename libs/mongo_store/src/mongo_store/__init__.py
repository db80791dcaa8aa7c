"""State, domain events and request records of a service in one MongoDB transaction."""

from mongo_store.database import Database, Index, open_database
from mongo_store.documents import as_stored
from mongo_store.inbox import MongoInbox
from mongo_store.journal import Journal
from mongo_store.metrics import StoreMetrics
from mongo_store.outbox import MongoOutbox
from mongo_store.projection import Projection
from mongo_store.repository import MongoRepository
from mongo_store.rows import JournalRow, VersionedEvent
from mongo_store.schema import CodeTooOld, Migration, OlderCodeRuns, Schema
from mongo_store.verdicts import Recorded, RequestRepeated, VersionConflict
from mongo_store.writes import Check, Delete, Insert, Put, Replace, Write

__all__ = [
    "Check",
    "CodeTooOld",
    "Database",
    "Delete",
    "Index",
    "Insert",
    "Journal",
    "JournalRow",
    "Migration",
    "MongoInbox",
    "MongoOutbox",
    "MongoRepository",
    "OlderCodeRuns",
    "Projection",
    "Put",
    "Recorded",
    "Replace",
    "RequestRepeated",
    "Schema",
    "StoreMetrics",
    "VersionConflict",
    "VersionedEvent",
    "Write",
    "as_stored",
    "open_database",
]

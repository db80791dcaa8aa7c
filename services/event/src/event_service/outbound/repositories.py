"""Events in MongoDB."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from domain_kit.crash_points import crash_point
from domain_kit.repository import Cause, DomainEvent, Page
from domain_kit.trails import BEGINNING
from event_service.domain.event import Event, State
from event_service.domain.ports import EventQuery
from event_service.outbound.documents import from_document, to_document
from event_service.outbound.domain_events import encode
from mongo_store import Index, Insert, Journal, JournalRow, MongoRepository, RequestRepeated, VersionedEvent
from mongo_store.rows import versioned
from mongo_store.verdicts import request_id_reused
from resource_api import etag_of

COLLECTION = "events"
INDEXES = {
    COLLECTION: [
        Index("by_organizer_created", [("organizer", 1), ("create_time", -1), ("_id", -1)]),
        Index("by_organizer_start", [("organizer", 1), ("details.start_time", 1), ("_id", 1)]),
    ]
}
EVENTS_A_ROW = 50
OPERATORS = {"=": "$eq", "!=": "$ne", "<": "$lt", ">": "$gt", ">=": "$gte"}
# Order of a query → field of the document.
PATHS = {"create_time": "create_time", "start_time": "details.start_time", "title": "details.title"}


class MongoEvents(MongoRepository[Event]):
    """event_service.domain.ports.EventRepository."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(
            journal,
            collection=COLLECTION,
            to_document=to_document,
            from_document=from_document,
            encode=encode,
            etag_of=etag_of,
        )
        self._bulk = journal

    async def list_page(self, query: EventQuery, after: tuple[Any, ...] | None, limit: int) -> Page[Event]:
        """At most `limit` events after the cursor."""
        conditions: list[dict[str, Any]] = [{"organizer": query.organizer}]
        if set(query.states) != set(State):
            conditions.append({"state": {"$in": [state.value for state in query.states]}})
        for operator, category in query.category_bounds:
            conditions.append({"details.category": _compared(operator, category)})
        for operator, instant in query.start_bounds:
            conditions.append({"details.start_time": _compared(operator, instant)})
        wanted = {"$and": conditions}
        order = [(PATHS[field], direction) for field, direction in query.order]
        return await self.find_page(wanted, sort=order, after=after, limit=limit)

    async def create_all(self, events: Sequence[tuple[Event, Sequence[DomainEvent]]], *, cause: Cause) -> Sequence[str]:
        """Store many new events in one transaction; their names, or those stored before for the same cause."""
        writes = []
        made: list[VersionedEvent] = []
        names = [event.name for event, _ in events]
        for event, domain_events in events:
            stored = replace(event, version=len(domain_events))
            told, trail = versioned([encode(each, stored) for each in domain_events], stored.name, 0, BEGINNING)
            kept = {"_id": stored.name, "version": stored.version, "trail": trail}
            writes.append(Insert(COLLECTION, {**to_document(stored), **kept}))
            made += told
        try:
            crash_point("event.import.before_commit")
            await self._bulk.commit_batch(writes, _rows(cause, made, names))
            crash_point("event.import.after_commit")
        except RequestRepeated as repeated:
            if cause.key in repeated.recorded.reused:
                raise request_id_reused() from None
            return list(repeated.recorded.answers[cause.key]["names"])
        return names


def _compared(operator: str, value: Any) -> dict[str, Any]:
    """The condition on a field that every event has.

    Not `$lte`: behind other fields of an index the embedded database leaves out the keys that equal the bound.
    """
    return {"$not": {"$gt": value}} if operator == "<=" else {OPERATORS[operator]: value}


def _rows(cause: Cause, made: Sequence[VersionedEvent], names: Sequence[str]) -> list[JournalRow]:
    """One row that answers a repeat, and the domain events in rows far below the 16 MB a document may have."""
    first = JournalRow(cause, names[0] if names else "", answer={"names": list(names)})
    parts = [made[start : start + EVENTS_A_ROW] for start in range(0, len(made), EVENTS_A_ROW)]
    return [
        first,
        *(
            JournalRow(replace(cause, key=f"{cause.key}|{number}"), part[0].subject, part)
            for number, part in enumerate(parts, 1)
        ),
    ]

"""Notifications in MongoDB, and what other services have told."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from domain_kit.repository import Cause, Decide, DomainEvent, Page
from mongo_store import Database, Index, Journal, MongoRepository, Projection
from notification_service.domain.letter import Occasion
from notification_service.domain.notification import Notification, State
from notification_service.domain.people import Person
from notification_service.outbound.documents import (
    UNRECORDED,
    from_document,
    occasion_from_document,
    person_from_document,
    to_document,
)
from notification_service.outbound.domain_events import encode
from resource_api import etag_of

COLLECTION = "notifications"
# Both well below the postman's lease: until then nobody else can have sent what is remembered. While many wait, a look
# costs more, and what others have queued has to wait for its turn anyway.
LOOK_SECONDS, SECONDS_WITH_MANY = 1.0, 3.0
MANY = 100
MOST_REMEMBERED = 1_000
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
INDEXES = {
    COLLECTION: [
        Index("by_user", [("user", 1), ("create_time", -1), ("_id", -1)]),
        Index("waiting", [("create_time", 1)], where={"state": State.QUEUED.value}),
    ]
}


class MongoNotifications(MongoRepository[Notification]):
    """domain.ports.Notifications.

    It remembers the letters that it has queued itself, and those of its last look, for who sends them: a look costs the
    store as much as the commit that queued them.
    """

    def __init__(self, journal: Journal) -> None:
        super().__init__(
            journal,
            collection=COLLECTION,
            to_document=to_document,
            from_document=from_document,
            encode=encode,
            etag_of=etag_of,
            unrecorded=UNRECORDED,
            remembers=MOST_REMEMBERED,
        )
        self._queued: dict[str, Notification] = {}
        self._look_at = float("-inf")  # until then, `_queued` is all there is but for what others have queued,
        self._more = False  # or the longest waiting of it
        self._creating: set[str] = set()  # and not sent yet, as one may be before its commit is acknowledged

    async def create(
        self, aggregate: Notification, domain_events: Sequence[DomainEvent], *, cause: Cause
    ) -> Notification:
        """See MongoRepository."""
        self._creating.add(aggregate.name)
        try:
            created = await super().create(aggregate, domain_events, cause=cause)
            unsent = created.name in self._creating
        finally:
            self._creating.discard(aggregate.name)
        if unsent and created.letter is aggregate.letter:  # and not the answer to an earlier one
            if self._more or len(self._queued) >= MOST_REMEMBERED:
                self._more = True
            else:
                self._queued[created.name] = created
        return created

    async def update(self, name: str, decide: Decide[Notification], *, etag: str = "", cause: Cause) -> Notification:
        """See MongoRepository. Decided on what this process knows of it, whose version guards it."""
        try:
            return await super().update(name, decide, etag=etag, cause=cause)
        finally:  # if it did not go through, the next look finds it
            self._queued.pop(name, None)
            self._written.pop(name, None)
            self._creating.discard(name)

    async def of_user(self, user: str, after: tuple[Any, ...] | None, limit: int) -> Page[Notification]:
        """Newest first."""
        return await self.find_page({"user": user}, sort=[("create_time", -1)], after=after, limit=limit)

    async def waiting(self, limit: int) -> Sequence[Notification]:
        """Queued ones, the longest waiting first; those of other processes may be missing until the next look.

        For the one process that sends: what it remembers is younger than its lease.
        """
        if time.monotonic() >= self._look_at or (self._more and len(self._queued) < limit):
            await self._look(max(limit, MOST_REMEMBERED))
        return sorted(self._queued.values(), key=lambda each: (each.create_time, each.name))[:limit]

    async def _look(self, limit: int) -> None:
        """Remember what waits in the store; what was queued here meanwhile stays."""
        began, before = time.monotonic(), set(self._queued)
        # The time, which all have, so that an index tells both: only the first of a long queue are read then.
        queued = {"state": State.QUEUED.value, "create_time": {"$gt": _EVER}}
        order = [("create_time", 1), ("_id", 1)]
        found = await self._journal.find(COLLECTION, queued, sort=order, limit=limit)
        for name in before.difference(document["_id"] for document in found):
            self._queued.pop(name, None)
            self._written.pop(name, None)
        for document in found:
            if document["_id"] not in self._queued:
                letter = from_document(document)
                self._queued[letter.name], self._written[letter.name] = letter, (letter, document.get("trail"))
        self._more = len(found) >= limit
        self._look_at = began + (SECONDS_WITH_MANY if len(found) >= MANY else LOOK_SECONDS)


class ToldByOthers:
    """domain.ports.Directory over two projections."""

    def __init__(self, people: Projection, occasions: Projection) -> None:
        self._people, self._occasions = people, occasions

    @classmethod
    def of(cls, database: Database) -> "ToldByOthers":
        """Over the collections of this service."""
        return cls(Projection(database, "people"), Projection(database, "occasions"))

    async def follow_person(self, person: Person, version: int) -> None:
        """Remember the newest state."""
        document = asdict(person)
        await self._people.follow(document.pop("name"), version, document)

    async def person(self, name: str) -> Person | None:
        """None while nothing was told of them."""
        document = await self._people.get(name)
        return None if document is None else person_from_document(document)

    async def follow_occasion(self, occasion: Occasion, version: int) -> None:
        """Remember the newest state."""
        await self._occasions.follow(occasion.event, version, asdict(occasion))

    async def occasion(self, event: str) -> Occasion | None:
        """None while nothing was told of it."""
        document = await self._occasions.get(event)
        return None if document is None else occasion_from_document(document)

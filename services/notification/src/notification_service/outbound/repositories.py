"""Notifications in MongoDB, and what other services have told."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from domain_kit.repository import Page
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
INDEXES = {
    COLLECTION: [
        Index("by_user", [("user", 1), ("create_time", -1), ("_id", -1)]),
        Index("waiting", [("create_time", 1)], where={"state": State.QUEUED.value}),
    ]
}


class MongoNotifications(MongoRepository[Notification]):
    """domain.ports.Notifications."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(
            journal,
            collection=COLLECTION,
            to_document=to_document,
            from_document=from_document,
            encode=encode,
            etag_of=etag_of,
            unrecorded=UNRECORDED,
        )
        self._just_read: dict[str, Mapping[str, Any]] = {}

    async def get(self, name: str) -> Notification:
        """As it is now; NotFound RESOURCE_NOT_FOUND."""
        self._just_read.pop(name, None)
        return await super().get(name)

    async def of_user(self, user: str, after: tuple[Any, ...] | None, limit: int) -> Page[Notification]:
        """Newest first."""
        return await self.find_page({"user": user}, sort=[("create_time", -1)], after=after, limit=limit)

    async def waiting(self, limit: int) -> Sequence[Notification]:
        """Queued ones, the longest waiting first.

        What is written about one of them next is decided on what was read here, once; where that has become old, the
        guard of its version says so, and it is read again.
        """
        queued = {"state": State.QUEUED.value}
        order = [("create_time", 1), ("_id", 1)]
        found = await self._journal.find(COLLECTION, queued, sort=order, limit=limit)
        self._just_read = {document["_id"]: document for document in found}
        return [from_document(document) for document in found]

    async def _read(self, name: str) -> Mapping[str, Any]:
        return self._just_read.pop(name, None) or await super()._read(name)


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

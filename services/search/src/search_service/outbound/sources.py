"""What is known of events, in MongoDB: one document a source and event, so that neither can undo the other."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol

from mongo_store import Database, Projection
from mongo_store.database import reachable
from search_service.domain.listing import Availability, EventState, Listing
from search_service.outbound.documents import availability_document, availability_of, event_document, event_of

EVENTS, AVAILABILITIES = "events", "availabilities"
PAGE = 200


class KeptDocuments(Protocol):
    """The part of mongo_store.Projection this needs."""

    async def follow(self, name: str, version: int, document: Mapping[str, Any]) -> bool:
        """Store the state after domain event `version`; False when as new a one is known."""

    async def get(self, name: str) -> Mapping[str, Any] | None:
        """The document, if its aggregate was ever seen."""

    async def find(
        self, where: Mapping[str, Any], *, sort: Sequence[tuple[str, int]] = (), limit: int = 0
    ) -> list[Mapping[str, Any]]:
        """Documents that match a MongoDB filter."""


class KeptSources:
    """search_service.domain.ports.Sources but for the total, which each store counts in its own way."""

    def __init__(self, events: KeptDocuments, availabilities: KeptDocuments) -> None:
        self._events, self._availabilities = events, availabilities

    async def follow_event(self, event: EventState) -> None:
        """Remember it unless as new a one is known."""
        await self._events.follow(event.name, event.version, event_document(event))

    async def follow_availability(self, availability: Availability) -> None:
        """Remember it unless as new a one is known."""
        await self._availabilities.follow(availability.event, availability.version, availability_document(availability))

    async def listing(self, event: str) -> Listing:
        """All that is known of an event."""
        return _listing(event, *await asyncio.gather(self._events.get(event), self._availabilities.get(event)))

    async def pages(self) -> AsyncIterator[Sequence[Listing]]:
        """All listings, some hundred at a time: events with what is bookable of them, then what has no event yet."""
        async for events in _walk(self._events):
            beside = await _beside(self._availabilities, events)
            yield [_listing(each["_id"], each, beside.get(each["_id"])) for each in events]
        async for availabilities in _walk(self._availabilities):
            beside = await _beside(self._events, availabilities)
            if alone := [each for each in availabilities if each["_id"] not in beside]:
                yield [_listing(each["_id"], None, each) for each in alone]


class MongoSources(KeptSources):
    """search_service.domain.ports.Sources."""

    def __init__(self, database: Database) -> None:
        super().__init__(Projection(database, EVENTS), Projection(database, AVAILABILITIES))
        self._database = database

    async def total_revision(self) -> int:
        """Sum of the revisions of all listings."""
        return await self._versions(EVENTS) + await self._versions(AVAILABILITIES)

    async def _versions(self, collection: str) -> int:
        total = [{"$group": {"_id": None, "versions": {"$sum": "$version"}}}]
        with reachable():
            async for each in self._database.collection(collection).aggregate(total):
                return int(each["versions"])
        return 0


async def _walk(documents: KeptDocuments) -> AsyncIterator[list[Mapping[str, Any]]]:
    after = ""
    while page := await documents.find({"_id": {"$gt": after}}, sort=[("_id", 1)], limit=PAGE):
        yield page
        after = page[-1]["_id"]


async def _beside(
    documents: KeptDocuments, others: Sequence[Mapping[str, Any]]
) -> dict[str, Mapping[str, Any]]:  # fmt: skip
    found = await documents.find({"_id": {"$in": [each["_id"] for each in others]}})
    return {each["_id"]: each for each in found}


def _listing(name: str, event: Mapping[str, Any] | None, availability: Mapping[str, Any] | None) -> Listing:
    return Listing(
        name,
        None if event is None else event_of(event),
        None if availability is None else availability_of(availability),
    )

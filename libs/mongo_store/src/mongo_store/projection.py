"""What a service keeps of another's aggregates: one document each, as of the newest domain event seen."""

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo.errors import DuplicateKeyError

from mongo_store.database import Database, reachable


class Projection:
    """A collection of such documents. It may be dropped and filled again by a replay."""

    def __init__(self, database: Database, collection: str) -> None:
        self._documents = database.collection(collection)

    async def follow(self, name: str, version: int, document: Mapping[str, Any]) -> bool:
        """Store the state after domain event `version`; False, and nothing written, when as new a one is known."""
        stored = {**document, "_id": name, "version": version}
        with reachable():
            try:
                await self._documents.replace_one({"_id": name, "version": {"$lt": version}}, stored, upsert=True)
            except DuplicateKeyError:  # the filter missed a newer document, and the upsert met it
                return False
        return True

    async def get(self, name: str) -> Mapping[str, Any] | None:
        """The document, if its aggregate was ever seen."""
        with reachable():
            found: Mapping[str, Any] | None = await self._documents.find_one({"_id": name})
        return found

    async def find(
        self, where: Mapping[str, Any], *, sort: Sequence[tuple[str, int]] = (), limit: int = 0
    ) -> list[Mapping[str, Any]]:
        """Documents that match a MongoDB filter."""
        with reachable():
            found = self._documents.find(where, sort=list(sort) or None, limit=limit)
            return [document async for document in found]

"""A projection without a database."""

from collections.abc import Mapping, Sequence
from typing import Any

from testkit.filters import arranged, matches


class MemoryProjection:
    """mongo_store.Projection in a dictionary."""

    def __init__(self) -> None:
        self.documents: dict[str, dict[str, Any]] = {}

    async def follow(self, name: str, version: int, document: Mapping[str, Any]) -> bool:
        """Store unless as new a one is known."""
        if self.documents.get(name, {}).get("version", 0) >= version:
            return False
        self.documents[name] = {**document, "_id": name, "version": version}
        return True

    async def get(self, name: str) -> Mapping[str, Any] | None:
        """The document, if its aggregate was ever seen."""
        return self.documents.get(name)

    async def find(
        self, where: Mapping[str, Any], *, sort: Sequence[tuple[str, int]] = (), limit: int = 0
    ) -> list[Mapping[str, Any]]:
        """Documents that match a MongoDB filter."""
        found = arranged([each for each in self.documents.values() if matches(each, where)], sort)
        return found[:limit] if limit else found

"""Reading imports that are under way."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from booking_service.outbound.documents import IMPORT_CHUNKS, IMPORTS
from booking_service.outbound.shelf import Finder
from mongo_store import Index

_EVER = datetime(1970, 1, 1, tzinfo=UTC)  # only chunks that are not booked are due; the index holds no more than those
INDEXES: Mapping[str, Sequence[Index]] = {
    IMPORT_CHUNKS: [Index("due", [("due", 1)], where={"due": {"$gt": _EVER}})],
}


class MongoImports:
    """domain.ports.ImportReader."""

    def __init__(self, store: Finder) -> None:
        self._store = store

    async def unfinished(self, now: datetime, limit: int) -> Sequence[tuple[str, str]]:
        """Names of chunks that nobody has booked in time, with who began their import; the longest waiting first."""
        where = {"due": {"$gt": _EVER, "$lte": now}}
        found = await self._store.find(IMPORT_CHUNKS, where, sort=[("due", 1), ("_id", 1)], limit=limit)
        of = list({chunk["of"] for chunk in found})
        actors = {each["_id"]: each["actor"] for each in await self._store.find(IMPORTS, {"_id": {"$in": of}})}
        return [(chunk["_id"], actors[chunk["of"]]) for chunk in found]

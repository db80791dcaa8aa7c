"""What a service keeps of another's aggregates: one document each, as of the newest domain event seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo.errors import DuplicateKeyError

from domain_kit.crash_points import crash_point
from domain_kit.refusals import Aborted
from mongo_store.database import Database, reachable
from mongo_store.gathering import Gathering, Waiting
from mongo_store.metrics import NoMetrics
from mongo_store.pieces import pieces
from mongo_store.transaction import transact
from mongo_store.writes import Insert, Replace

BATCH_PATIENCE = 0.05  # seconds of write conflicts with others before the states of a batch are stored one by one


@dataclass(slots=True)
class _State:
    """What was shown of an aggregate; `stored` tells the caller afterwards. known: the version that was there."""

    document: Mapping[str, Any]
    stored: bool = False
    known: int | None = None

    @property
    def name(self) -> str:
        """The aggregate."""
        return str(self.document["_id"])

    @property
    def version(self) -> int:
        """Of the aggregate."""
        return int(self.document["version"])

    @property
    def guard(self) -> dict[str, Any]:
        """Matches only an older state; an upsert that it keeps from a newer one meets a duplicate key."""
        return {"_id": self.name, "version": {"$lt": self.version}}


class Projection:
    """A collection of such documents. It may be dropped and filled again by a replay."""

    def __init__(self, database: Database, collection: str, *, batch_limit: int = 64) -> None:
        self._database = database
        self._collection = collection
        self._documents = database.collection(collection)
        self._gathering = Gathering(self._flush, lambda state: frozenset({state.name}), limit=batch_limit)

    async def follow(self, name: str, version: int, document: Mapping[str, Any]) -> bool:
        """Store the state after domain event `version`; False, and nothing written, when as new a one is known.

        Concurrent calls of this process share a transaction.
        """
        state = _State({**document, "_id": name, "version": version})
        await self._gathering.submit(state)
        return state.stored

    async def get(self, name: str) -> Mapping[str, Any] | None:
        """The document, if its aggregate was ever seen."""
        return await self._database.read(self._collection, name)

    async def find(
        self, where: Mapping[str, Any], *, sort: Sequence[tuple[str, int]] = (), limit: int = 0
    ) -> list[Mapping[str, Any]]:
        """Documents that match a MongoDB filter."""
        with reachable():
            found = self._documents.find(where, sort=list(sort) or None, limit=limit)
            return [document async for document in found]

    async def _flush(self, batch: Sequence[Waiting[_State]]) -> None:
        states = [waiting.work for waiting in batch]
        if len(states) > 1:
            states = await self._newer(states)
        crash_point("projection.before_store")
        if len(states) == 1 or not await self._store_together(states):
            for state in states:
                await self._store_alone(state)
        crash_point("projection.after_store")
        for waiting in batch:
            waiting.settle(None)

    async def _newer(self, states: Sequence[_State]) -> list[_State]:
        """Those that are newer than what is known, and what that is."""
        known = dict[str, int]()
        with reachable():
            for names in pieces([state.name for state in states]):
                found = self._documents.find({"_id": {"$in": names}}, {"version": 1})
                known |= {document["_id"]: document["version"] async for document in found}
        for state in states:
            state.known = known.get(state.name)
        return [state for state in states if state.known is None or state.known < state.version]

    async def _store_together(self, states: Sequence[_State]) -> bool:
        """All, or none because somebody else wrote one of them meanwhile.

        What is not there is inserted and the rest replaced, which costs the embedded database less than upserts.
        """
        if not states:
            return True
        new = [Insert(self._collection, state.document) for state in states if state.known is None]
        older = [Replace(self._collection, state.document, state.known) for state in states if state.known is not None]
        try:
            blocked = await transact(
                self._database, [*new, *older], NoMetrics(), replacing=len(older), conflict_patience=BATCH_PATIENCE
            )
        except Aborted:
            return False
        if blocked is None:
            for state in states:
                state.stored = True
        return blocked is None

    async def _store_alone(self, state: _State) -> None:
        with reachable():
            try:
                await self._documents.replace_one(state.guard, state.document, upsert=True)
            except DuplicateKeyError:  # the filter missed a newer document, and the upsert met it
                return
        state.stored = True

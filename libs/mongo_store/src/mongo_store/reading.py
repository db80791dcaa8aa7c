"""Documents asked for by name at the same time, read in one query.

A consumer hands a batch to its handlers at the same time, and each asks for a few documents. One by one they cost the
store a statement each, which on the embedded database is what a handler costs.
"""

import asyncio
from collections.abc import Mapping
from contextvars import Context
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from mongo_store.pieces import AT_ONCE

if TYPE_CHECKING:
    from mongo_store.database import Database

MOST_QUERIES = 4  # in flight for one collection
Found = Mapping[str, Any] | None


class GatheredReads:
    """Of one database. No timer: a lone reader waits for nobody; while queries are in flight the next gathers."""

    def __init__(self, database: "Database") -> None:
        self._database = database
        self._wanted: dict[str, dict[Any, list[asyncio.Future[Found]]]] = {}
        self._flying: dict[str, set[asyncio.Task[None]]] = {}

    async def read(self, collection: str, key: Any) -> Found:
        """The document of that `_id`, as it is after this call; None where there is none. Raises what pymongo does."""
        loop = asyncio.get_running_loop()
        wanted = self._wanted.setdefault(collection, {})
        if not wanted:
            loop.call_soon(self._start, collection)
        answer: asyncio.Future[Found] = loop.create_future()
        wanted.setdefault(key, []).append(answer)
        return await answer

    def _start(self, collection: str) -> None:
        wanted, flying = self._wanted[collection], self._flying.setdefault(collection, set())
        while wanted and len(flying) < MOST_QUERIES:
            some = {key: wanted.pop(key) for key in list(islice(wanted, AT_ONCE))}
            task = asyncio.create_task(self._answer(collection, some), context=Context())
            flying.add(task)
            task.add_done_callback(partial(self._landed, collection))

    def _landed(self, collection: str, task: "asyncio.Task[None]") -> None:
        self._flying[collection].discard(task)
        self._start(collection)

    async def _answer(self, collection: str, callers: Mapping[Any, list[asyncio.Future[Found]]]) -> None:
        try:
            found = await self._find(collection, list(callers))
        except BaseException as trouble:  # it belongs to the callers
            for answer in (each for some in callers.values() for each in some if not each.done()):
                answer.set_exception(trouble) if isinstance(trouble, Exception) else answer.cancel()
            if not isinstance(trouble, Exception):
                raise
            return
        for key, some in callers.items():
            for answer in some:
                if not answer.done():
                    answer.set_result(found.get(key))

    async def _find(self, collection: str, keys: list[Any]) -> dict[Any, Mapping[str, Any]]:
        where = {"_id": keys[0] if len(keys) == 1 else {"$in": keys}}
        with self._database.timed("read"):
            return {document["_id"]: document async for document in self._database.collection(collection).find(where)}

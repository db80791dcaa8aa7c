"""The sessions in which a process runs its transactions, written down so that others can end those of one that died.

A process killed between the writes of a transaction and its commit leaves what it touched locked until the server gives
the transaction up (transactionLifetimeLimitSeconds, 60 s by default), because a connection may come and go without
meaning anything for a transaction. On sale that is the inventory of the very event everybody wants.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from contextvars import Context
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pymongo.errors import PyMongoError

from domain_kit.clock import utc_now
from domain_kit.ids import new_id

if TYPE_CHECKING:
    from mongo_store.database import Database

OPEN_SESSIONS = "open_sessions"
ALIVE_FOR = timedelta(seconds=4)  # so long after its last sign of life a process may be at a transaction
OLDEST_SECONDS = 1.0  # a transaction begins with a sign of life no older
RENEW_SECONDS = 0.5  # once it is so old, the end of a transaction renews it: the next one need not wait for that
LOOK_SECONDS = 0.5
WATCH_SECONDS = 2.0  # between looks of who waits for nothing
_ANSWERS_FIRST = 0.02  # seconds after a transaction, in which who asked for it is answered


class Sessions:
    """Of one process and database. Clocks of processes need agree only so far that a live one is seldom taken for dead.

    Should one be, its transaction is aborted, and it does it again.
    """

    def __init__(self, database: "Database") -> None:
        self._database = database
        self._owner = new_id()
        self._free: list[Any] = []
        self._ids: list[Any] = []
        self._noted = self._looked = float("-inf")
        self._noting = asyncio.Lock()
        self._renewing: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def take(self) -> AsyncIterator[Any]:
        """A session for one transaction, used again afterwards unless something went wrong with it."""
        session = self._free.pop() if self._free else await self._new()
        try:
            if not self._is_noted_for(OLDEST_SECONDS):  # a session is noted before anything is written in it
                async with self._noting:
                    if not self._is_noted_for(OLDEST_SECONDS):
                        await self._note()
            yield session
        except asyncio.CancelledError:  # a thread may still be at its transaction, and ends it
            self._ids.remove(session.session_id["id"])
            raise
        except BaseException:
            self._ids.remove(session.session_id["id"])
            await session.end_session()
            raise
        self._free.append(session)
        if (self._renewing is None or self._renewing.done()) and not self._is_noted_for(RENEW_SECONDS):
            self._renewing = asyncio.create_task(self._renew(), context=Context())

    async def end_abandoned(self) -> int:
        """End the sessions of processes that gave no sign of life lately; of how many. At most twice a second."""
        now = time.monotonic()
        if now < self._looked + LOOK_SECONDS:
            return 0
        self._looked = now
        notes = self._database.collection(OPEN_SESSIONS)
        gone = {"_id": {"$ne": self._owner}, "until": {"$lte": utc_now()}}
        ended = 0
        async for note in notes.find(gone):
            if note["ids"]:
                await self._database.client.admin.command("killSessions", [{"id": id} for id in note["ids"]])
            await notes.delete_one({"_id": note["_id"], "until": note["until"]})
            ended += 1
        return ended

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """While the context lasts those of the dead are ended, whoever waits for them.

        A transaction is told of a conflict and looks for itself; a write outside one waits in the server, which gives
        an abandoned transaction a minute, and tells nobody.
        """
        watching = asyncio.create_task(self._watch(), name="abandoned transactions", context=Context())
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            with suppress(PyMongoError):  # readiness tells of a database that is away
                await self.end_abandoned()

    async def close(self) -> None:
        """Nothing of this process is open any more."""
        if self._renewing is not None:
            await asyncio.wait({self._renewing}, timeout=LOOK_SECONDS)
        for session in self._free:
            await session.end_session()
        self._free.clear()
        await self._database.collection(OPEN_SESSIONS).delete_one({"_id": self._owner})

    async def _new(self) -> Any:
        # Not causally consistent: what one of its transactions reads need not wait for the one before it.
        session: Any = await self._database.client.start_session(causal_consistency=False)
        self._ids.append(session.session_id["id"])
        self._noted = float("-inf")
        return session

    def _is_noted_for(self, seconds: float) -> bool:
        """Whether the sign of life with all sessions is younger."""
        return time.monotonic() < self._noted + seconds

    async def _renew(self) -> None:
        """Soon, when who waits for the transaction has gone on. Where that fails, the next transaction has to."""
        await asyncio.sleep(_ANSWERS_FIRST)
        async with self._noting:
            with suppress(PyMongoError):
                await self._note()

    async def _note(self) -> None:
        ids, began = list(self._ids), time.monotonic()
        note = {"_id": self._owner, "ids": ids, "until": utc_now() + ALIVE_FOR}
        await self._database.collection(OPEN_SESSIONS).replace_one({"_id": self._owner}, note, upsert=True)
        if self._ids == ids:  # else there is a new one meanwhile
            self._noted = began

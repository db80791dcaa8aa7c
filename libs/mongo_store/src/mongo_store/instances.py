"""Which processes run on a database, and of which version their code is."""

import asyncio
import logging
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from pymongo.errors import PyMongoError

from domain_kit.clock import utc_now
from domain_kit.ids import new_id
from domain_kit.refusals import Unavailable
from mongo_store.database import Database, reachable

COLLECTION = "instances"
ALIVE_FOR = timedelta(seconds=60)  # after its last sign of life a process may still be at work
RENEW_SECONDS = 15.0

log = logging.getLogger(__name__)


class NotAdmitted(Exception):
    """The database takes no code of this version; the text is one line for who operates it."""


def end_orderly() -> None:
    """As if somebody had asked this process to stop."""
    signal.raise_signal(signal.SIGTERM)


@asynccontextmanager
async def noted(
    database: Database,
    version: int,
    admit: Callable[[], Awaitable[object]],
    *,
    renew_seconds: float = RENEW_SECONDS,
    alive_for: timedelta = ALIVE_FOR,
    outdated: Callable[[], None] = end_orderly,
) -> AsyncIterator[None]:
    """This process is known to run code of `version` for as long as the context lasts.

    admit: raises NotAdmitted where the database takes no such code. Asked after the note is there, so that who refuses
    older code and then looks for notes misses nobody; and asked again when no sign of life got through for `alive_for`,
    since others may have taken the process for dead meanwhile. If it is no longer admitted then, `outdated` is called.
    """
    id = new_id()
    notes = database.collection(COLLECTION)

    async def note() -> None:
        name = f"{socket.gethostname()}/{os.getpid()}"
        fresh = {"_id": id, "name": name, "code": version, "until": utc_now() + alive_for}
        with reachable():
            await notes.replace_one({"_id": id}, fresh, upsert=True)

    async def keep() -> None:
        last = time.monotonic()
        while True:
            await asyncio.sleep(renew_seconds)
            try:
                await note()
                if time.monotonic() > last + alive_for.total_seconds():
                    await admit()
                last = time.monotonic()
            except (Unavailable, PyMongoError) as trouble:
                log.info("no sign of life got through", extra={"reason": str(trouble)})
            except NotAdmitted as refused:
                log.error(str(refused))  # noqa: TRY400  # one line says all: nothing is wrong with this process
                outdated()
                return

    await note()
    keeping: asyncio.Task[None] | None = None
    try:
        await admit()
        keeping = asyncio.create_task(keep(), name="note of this instance")
        yield
    finally:
        if keeping is not None:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
        with suppress(PyMongoError):
            await notes.delete_one({"_id": id})


async def older_instances(database: Database, version: int) -> Mapping[str, int]:
    """Those that run code below `version`, by name; what gave no sign of life lately is dead and forgotten."""
    notes = database.collection(COLLECTION, concern="majority")
    with reachable():
        await database.collection(COLLECTION).delete_many({"until": {"$lte": utc_now()}})
        return {each["name"]: each["code"] async for each in notes.find({"code": {"$lt": version}})}

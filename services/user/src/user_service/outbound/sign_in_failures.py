"""Wrong passwords in a row, counted in MongoDB so that all replicas know them and a restart forgets none."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from mongo_store import Database, Index
from mongo_store.database import reachable
from user_service.domain.lockout import Failures

COLLECTION = "sign_in_failures"
INDEXES: Mapping[str, Sequence[Index]] = {
    COLLECTION: [Index("forget", [("forget_time", 1)], expire_after=timedelta())],
}


class MongoSignInFailures:
    """user_service.domain.ports.SignInFailures. Addresses stand there as SHA-256: many are no account of ours."""

    def __init__(self, database: Database, memory: timedelta) -> None:
        self._documents = database.collection(COLLECTION)
        self._memory = memory

    async def of(self, email_key: str) -> Failures | None:
        """Those not forgotten."""
        with reachable():
            found = await self._documents.find_one({"_id": _id(email_key)})
        return None if found is None else Failures(found["count"], found["last_time"])

    async def add(self, email_key: str, now: datetime) -> None:
        """One more; INVARIANT: parallel ones are all counted."""
        which, forget_time = {"_id": _id(email_key)}, now + self._memory
        with reachable():
            await self._documents.delete_one({**which, "forget_time": {"$lte": now}})
            change = {"$inc": {"count": 1}, "$max": {"last_time": now, "forget_time": forget_time}}
            await self._documents.update_one(which, change, upsert=True)

    async def clear(self, email_key: str) -> None:
        """The right password was given."""
        with reachable():
            await self._documents.delete_one({"_id": _id(email_key)})


def _id(email_key: str) -> str:
    return hashlib.sha256(email_key.encode()).hexdigest()

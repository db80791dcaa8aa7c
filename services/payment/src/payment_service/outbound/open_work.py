"""Payments about which the gateway is to be asked again."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from domain_kit.crash_points import crash_point
from mongo_store import Database
from mongo_store.database import reachable
from payment_service.domain.open_work import Work, next_look
from payment_service.outbound.former import adopt_former_notes
from payment_service.outbound.repositories import COLLECTION, NO_WORK

ADOPTS_EVERY = timedelta(minutes=1)
NEEDED = {"version": 1, "work": 1, "update_time": 1, "due": 1}


class MongoOpenWork:
    """payment_service.domain.ports.OpenWork. What is due stands in each payment, and changes with it.

    The next one is never asked for: sorted, the embedded database would read every payment that waits.
    """

    def __init__(self, database: Database) -> None:
        self._database, self._payments = database, database.collection(COLLECTION)
        self._adopted: datetime | None = None

    async def take(self, now: datetime, limit: int, busy: Collection[str] = ()) -> Sequence[str]:
        """Names that are due and that no other process has just taken; each is due again later. None of `busy`, which
        stay due.
        """
        with reachable():
            await self._adopt(now)
            most, where = limit + len(busy), {"awaited": True, "due": {"$lte": now}}
            due = await self._payments.find(where, NEEDED, sort=[("due", 1)], limit=most).to_list(most)
            taken = []
            for payment in [each for each in due if each["_id"] not in busy][:limit]:
                following = next_look(Work(payment["work"]), payment["update_time"], now)
                change: Mapping[str, Any] = NO_WORK if following is None else {"due": following}
                # What is due changes with every version.
                same = {"_id": payment["_id"], "version": payment["version"], "due": payment["due"]}
                found = await self._payments.update_one(same, {"$set": change})
                if found.modified_count and following is not None:
                    taken.append(payment["_id"])
            if taken:
                crash_point("payment.work.after_taken")
            return taken

    async def _adopt(self, now: datetime) -> None:
        """What a process of an earlier release has noted, which may still run beside this one."""
        if self._adopted is None or now - self._adopted >= ADOPTS_EVERY:
            await adopt_former_notes(self._database)
            self._adopted = now

"""Notes of payments about which the gateway is to be asked again."""

from collections.abc import Sequence
from datetime import datetime

from domain_kit.crash_points import crash_point
from mongo_store import Database
from mongo_store.database import reachable
from payment_service.domain.open_work import Work, next_look
from payment_service.outbound.repositories import OPEN_WORK


class MongoOpenWork:
    """payment_service.domain.ports.OpenWork. The notes themselves are written with each change of a payment."""

    def __init__(self, database: Database) -> None:
        self._notes = database.collection(OPEN_WORK)

    async def take(self, now: datetime, limit: int) -> Sequence[str]:
        """Names that are due and that no other process has just taken; each is due again later."""
        with reachable():
            due = await self._notes.find({"due": {"$lte": now}}, sort=[("due", 1)], limit=limit).to_list(limit)
            taken = []
            for note in due:
                same = {"_id": note["_id"], "due": note["due"]}
                following = next_look(Work(note["work"]), note["since"], now)
                if following is None:
                    await self._notes.delete_one(same)
                elif (await self._notes.update_one(same, {"$set": {"due": following}})).modified_count:
                    taken.append(note["_id"])
            if taken:
                crash_point("payment.work.after_taken")
            return taken

    async def next_due(self) -> datetime | None:
        """When the next one is due; None when there is none."""
        with reachable():
            note = await self._notes.find_one({}, sort=[("due", 1)])
            return None if note is None else note["due"]

"""Which gateways keep ways to pay for whom, in MongoDB: a document each, written once."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from mongo_store import Database, Index
from mongo_store.database import reachable
from payment_service.domain.saved_methods import Keeper

KEEPERS = "keepers"
INDEXES = {KEEPERS: [Index("by_payer", [("payer", 1)])]}


class MongoKeepers:
    """payment_service.domain.saved_methods.Keepers."""

    def __init__(self, database: Database) -> None:
        self._kept = database.collection(KEEPERS)

    async def of(self, payer: str) -> Sequence[Keeper]:
        """By gateway."""
        with reachable():
            return [_keeper(each) async for each in self._kept.find({"payer": payer}, sort=[("gateway", 1)])]

    async def add(self, keeper: Keeper) -> Keeper:
        """The one that is there now: the first stays."""
        same = {"_id": f"{keeper.payer}|{keeper.gateway}"}
        with reachable():
            await self._kept.update_one(same, {"$setOnInsert": asdict(keeper)}, upsert=True)
            return _keeper(await self._kept.find_one(same) or {})


def _keeper(document: Mapping[str, Any]) -> Keeper:
    return Keeper(document["payer"], document["gateway"], document["name"], document["consent_time"])

"""Reading resale offers; the lanes do all the writing."""

from collections.abc import Mapping, Sequence
from typing import Any

from booking_service.domain.ports import Condition
from booking_service.domain.resale_offer import ResaleOffer
from booking_service.outbound.documents import KIND_OF, RESALE_OFFERS
from booking_service.outbound.shelf import Finder, load_records
from domain_kit.refusals import NotFound
from domain_kit.repository import Page
from mongo_store import Index
from mongo_store.keyset import after_cursor, cursor_of

INDEXES: Mapping[str, Sequence[Index]] = {
    RESALE_OFFERS: [Index("by_seller", [("seller", 1), ("create_time", -1), ("_id", -1)])],
}
# Fields of the resource that the record keeps in its line.
_IN_LINE = {"ticket_type": "line.ticket_type", "date": "line.date"}
_AFTER_SLASH = "0"  # the character after "/" in ASCII: the end of a range of names below a parent


class MongoResaleOffers:
    """domain.resale_ports.ResaleReader."""

    def __init__(self, store: Finder) -> None:
        self._store = store

    async def get(self, name: str) -> ResaleOffer:
        """NotFound."""
        return (await self.many([name]))[0]

    async def many(self, names: Sequence[str]) -> Sequence[ResaleOffer]:
        """Those of these names, in their order. NotFound."""
        found = await load_records(self._store, [(ResaleOffer, name) for name in names])
        offers: list[ResaleOffer] = []
        for name in names:
            offer = found[ResaleOffer, name]
            if not isinstance(offer, ResaleOffer):
                raise NotFound.named(name)
            offers.append(offer)
        return offers

    async def of_event(
        self, event: str, conditions: Sequence[Condition] = (), *, after: Sequence[Any] | None = None, limit: int
    ) -> Page[ResaleOffer]:
        """Oldest first; those that meet all conditions."""
        below = f"{event}/resaleOffers"
        wanted = [
            {_IN_LINE.get(each.field, each.field): each.value if each.same else {"$ne": each.value}}
            for each in conditions
        ]
        in_event = {"_id": {"$gt": f"{below}/", "$lt": f"{below}{_AFTER_SLASH}"}}
        return await self._page({"$and": [in_event, *wanted]}, [("_id", 1)], after, limit)

    async def of_user(self, user: str, *, after: Sequence[Any] | None = None, limit: int) -> Page[ResaleOffer]:
        """Newest first."""
        return await self._page({"seller": user}, [("create_time", -1), ("_id", -1)], after, limit)

    async def _page(
        self, where: Mapping[str, Any], order: Sequence[tuple[str, int]], after: Sequence[Any] | None, limit: int
    ) -> Page[ResaleOffer]:
        wanted = where if after is None else {"$and": [where, after_cursor(order, after)]}
        found = await self._store.find(RESALE_OFFERS, wanted, sort=order, limit=limit + 1)
        following = cursor_of(order, found[limit - 1]) if len(found) > limit else None
        return Page([KIND_OF[ResaleOffer].from_document(each) for each in found[:limit]], following)

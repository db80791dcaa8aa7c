"""Reading vouchers with their tallies; the lanes do all the writing."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from booking_service.domain.ports import Condition
from booking_service.domain.records import Key
from booking_service.domain.voucher import Voucher, voucher_key
from booking_service.domain.voucher_ports import Counted
from booking_service.domain.voucher_use import VoucherUse, use_key
from booking_service.outbound.documents import KIND_OF, VOUCHER_USES
from booking_service.outbound.shelf import Finder, load_records
from domain_kit.refusals import NotFound
from domain_kit.repository import Cause
from mongo_store import Index
from mongo_store.keyset import after_cursor, cursor_of

_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_AFTER_SLASH = "0"  # the character after "/" in ASCII: the end of a range of names below a parent
_ORDER = [("_id", 1)]
# Names sort by event and then by code, so the vouchers of an event need no index of their own.
INDEXES: Mapping[str, Sequence[Index]] = {
    VOUCHER_USES: [Index("due", [("lapse_time", 1)], where={"lapse_time": {"$gt": _EVER}})]
}


def lapse_cause(use: VoucherUse) -> Cause:
    """What a voucher keeps goes back once each time it runs out, whoever notices; a changed time is another one."""
    return Cause(key=f"booking.lapse|{use.name}|{use.version}", actor="services/booking")


async def due_reservations(store: Finder, now: datetime, limit: int, event: str = "") -> list[VoucherUse]:
    """Tallies of vouchers whose time has run out and that keep places, oldest first; `event` "" for all events."""
    where: dict[str, Any] = {"lapse_time": {"$gt": _EVER, "$lte": now}}
    if event:
        where["event"] = event
    found = await store.find(VOUCHER_USES, where, sort=[("lapse_time", 1)], limit=limit)
    return [KIND_OF[VoucherUse].from_document(document) for document in found]


class MongoVouchers:
    """domain.voucher_ports.VoucherReader."""

    def __init__(self, store: Finder) -> None:
        self._store = store

    async def get(self, name: str) -> Counted:
        """NotFound, also for a deleted one."""
        event, _, voucher = name.rpartition("/vouchers/")
        found = await self.found(event, voucher)
        if found is None:
            raise NotFound.named(name)
        return found

    async def found(self, event: str, code: str) -> Counted | None:
        """By its code in whatever case; None for one that never was or was deleted."""
        return next(iter(await self.many([voucher_key(event, code)[1]])), None)

    async def many(self, names: Sequence[str]) -> Sequence[Counted]:
        """In that order, without those that are not there or were deleted."""
        keys: list[Key] = []
        for name in names:
            event, _, voucher = name.rpartition("/vouchers/")
            keys += [(Voucher, name), use_key(event, voucher)]
        records = await load_records(self._store, keys)
        pairs = zip((records[key] for key in keys[::2]), (records[key] for key in keys[1::2]), strict=True)
        return [
            (voucher, use) for voucher, use in pairs
            if isinstance(voucher, Voucher) and isinstance(use, VoucherUse) and not voucher.deleted
        ]  # fmt: skip

    async def of_event(
        self, event: str, conditions: Sequence[Condition] = (), *, after: Sequence[Any] | None = None, limit: int
    ) -> tuple[Sequence[Counted], Sequence[Any] | None]:
        """By code, those that meet all conditions; and where to go on. Tallies know all that one may ask for."""
        below = {"_id": {"$gt": f"{event}/voucherUses/", "$lt": f"{event}/voucherUses{_AFTER_SLASH}"}, "gone": False}
        wanted = [{each.field: each.value if each.same else {"$ne": each.value}} for each in conditions]
        where = {"$and": [below, *wanted, *([] if after is None else [after_cursor(_ORDER, after)])]}
        found = await self._store.find(VOUCHER_USES, where, sort=_ORDER, limit=limit + 1)
        items = await self.many([f"{event}/vouchers/{each['voucher']}" for each in found[:limit]])
        return items, cursor_of(_ORDER, found[limit - 1]) if len(found) > limit else None

    async def due(self, now: datetime, limit: int) -> Sequence[VoucherUse]:
        """Tallies of vouchers whose time has run out and that keep places, oldest first."""
        return await due_reservations(self._store, now, limit)

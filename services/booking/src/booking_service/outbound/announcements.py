"""What was last announced of each event, kept beside the inventory; its version counts the AvailabilityChanged."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from booking_service.domain.availability import Announcement, Availability, SaleState, TypeAvailability
from booking_service.outbound.documents import INVENTORY, money_from_document, money_to_document
from booking_service.outbound.domain_events import encode_availability
from booking_service.outbound.shelf import Finder
from domain_kit.backbone import EncodedEvent
from domain_kit.clock import Clock
from domain_kit.crash_points import crash_point
from domain_kit.ids import new_id
from domain_kit.refusals import AlreadyExists
from domain_kit.repository import Cause
from domain_kit.trails import BEGINNING, followed
from mongo_store import Index, Insert, JournalRow, Replace, RequestRepeated, VersionConflict, VersionedEvent, Write

ANNOUNCEMENTS = "announcements"
INDEXES: Mapping[str, Sequence[Index]] = {ANNOUNCEMENTS: [Index("due", [("due", 1)])]}
ACTOR = "services/booking"
_REMEMBERED = 2000
_PAGE = 500


class AnnouncingJournal(Finder, Protocol):
    """What is needed of a journal."""

    async def commit(self, writes: Sequence[Write], row: JournalRow) -> None:
        """See mongo_store.Journal.commit."""


class MongoAnnouncements:
    """domain.ports.Announcements, and which events need one."""

    def __init__(self, journal: AnnouncingJournal) -> None:
        self._journal = journal
        self._known: dict[str, Announcement] = {}

    async def last_of(self, events: Sequence[str]) -> Mapping[str, Announcement]:
        """By event. What another process announced since it was read here shows when the guard does not hold."""
        unknown = [_name(event) for event in events if event not in self._known]
        if unknown:
            for document in await self._journal.find(ANNOUNCEMENTS, {"_id": {"$in": unknown}}):
                self._remember(announcement_from_document(document))
        return {event: self._known[event] for event in events if event in self._known}

    async def announce(self, following: Announcement, before: Announcement | None, now: datetime) -> bool:
        """Tell it in place of the one before; False when another process has told something meanwhile."""
        availability, version = following.availability, following.version
        document = announcement_to_document(following)
        news = before is None or before.version != version
        # Without news only the time of the next look is noted: no domain event, no new version.
        cause = Cause(key=f"booking.availability|{availability.name}|{version if news else new_id()}", actor=ACTOR)
        events = [_versioned(encode_availability(availability, now), availability.name, version)] if news else []
        write: Write = (
            Insert(ANNOUNCEMENTS, document) if before is None else Replace(ANNOUNCEMENTS, document, before.version)
        )
        try:
            crash_point("booking.announcement.before_commit")
            await self._journal.commit([write], JournalRow(cause, availability.name, events))
            crash_point("booking.announcement.after_commit")
        except (AlreadyExists, RequestRepeated, VersionConflict):
            self._known.pop(availability.event, None)
            return False
        self._remember(following)
        return True

    def _remember(self, announcement: Announcement) -> None:
        self._known.pop(announcement.availability.event, None)
        self._known[announcement.availability.event] = announcement
        if len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]


class MongoNews:
    """inbound.workers.NewsSource."""

    def __init__(self, store: Finder, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def page(self, after: str) -> tuple[list[str], str | None]:
        """Events after the name `after` with a change not announced; the next `after`, None at the end."""
        stocks = await self._store.find(INVENTORY, {"_id": {"$gt": after}}, sort=[("_id", 1)], limit=_PAGE)
        return await self._not_announced(stocks), stocks[-1]["_id"] if len(stocks) == _PAGE else None

    async def recent(self, seconds: float) -> list[str]:
        """Events with a change not announced that any process made within so many seconds."""
        since = self._clock() - timedelta(seconds=seconds)
        stocks = await self._store.find(INVENTORY, {"at": {"$gte": since}}, sort=[("at", 1)], limit=10 * _PAGE)
        return await self._not_announced(stocks)

    async def due(self) -> list[str]:
        """Events whose availability time alone has changed by now."""
        where = {"due": {"$lte": self._clock()}}
        return [each["event"] for each in await self._store.find(ANNOUNCEMENTS, where, sort=[("due", 1)], limit=_PAGE)]

    async def _not_announced(self, stocks: Sequence[Mapping[str, Any]]) -> list[str]:
        names = [_name(stock["_id"]) for stock in stocks]
        found = await self._store.find(ANNOUNCEMENTS, {"_id": {"$in": names}})
        told = {each["event"]: each["stock_version"] for each in found}
        return [stock["_id"] for stock in stocks if told.get(stock["_id"], 0) < stock["version"]]


def announcement_to_document(announcement: Announcement) -> dict[str, Any]:
    """`_id` is the availability's name."""
    availability = announcement.availability
    return {
        "_id": availability.name,
        "version": announcement.version,
        "event": availability.event,
        "stock_version": announcement.stock_version,
        "due": announcement.due,
        "ticket_types": [
            {
                "ticket_type": each.ticket_type,
                "display_name": each.display_name,
                "price": money_to_document(each.price),
                "remaining": each.remaining,
                "sale_state": each.sale_state.value,
                "date": each.date,
                "phase": each.phase,
                "waiting_list_open": each.waiting_list_open,
                "resale_available": each.resale_available,
            }
            for each in availability.ticket_types
        ],
    }


def announcement_from_document(document: Mapping[str, Any]) -> Announcement:
    """The reverse."""
    types = tuple(
        TypeAvailability(
            each["ticket_type"],
            each["display_name"],
            money_from_document(each["price"]),
            each["remaining"],
            SaleState(each["sale_state"]),
            each.get("date", ""),
            each.get("phase", ""),
            each.get("waiting_list_open", False),
            each.get("resale_available", 0),
        )
        for each in document["ticket_types"]
    )
    availability = Availability(document["event"], types)
    return Announcement(availability, document["version"], document["stock_version"], document["due"])


def _versioned(told: EncodedEvent, name: str, version: int) -> VersionedEvent:
    """Nothing but this type happens to an availability, so its trail need not be kept."""
    return VersionedEvent(
        told, name, version, followed(BEGINNING, told.type, version - 1) if version > 1 else BEGINNING
    )


def _name(event: str) -> str:
    return f"{event}/availability"

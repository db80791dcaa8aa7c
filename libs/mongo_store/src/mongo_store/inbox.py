"""What consumers remember in MongoDB: how far each aggregate is applied, and what had to be put aside."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from domain_kit.backbone import InboxEvent, ParkedEvent
from mongo_store.database import Database, Index, reachable
from mongo_store.metrics import NoMetrics
from mongo_store.pieces import pieces
from mongo_store.transaction import transact
from mongo_store.writes import Insert, Replace, Update

POSITIONS = "inbox_positions"
PARKED = "inbox_parked"
REWINDS = "inbox_rewinds"
HANDLED = "inbox_handled"
INDEXES: Mapping[str, Sequence[Index]] = {
    PARKED: [Index("by_aggregate", [("consumer", 1), ("subject", 1), ("version", 1)])],
}


class MongoInbox:
    """domain_kit.backbone.Inbox in four collections of a service database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._positions = database.collection(POSITIONS)
        self._parked = database.collection(PARKED)

    async def ensure_indexes(self) -> None:
        """Create the inbox's indexes."""
        await self._database.ensure_indexes(INDEXES)

    async def positions(self, consumer: str, subjects: Sequence[str]) -> Mapping[str, int]:
        """Aggregate name → version of the last domain event applied (absent: 0)."""
        wanted = {_key(consumer, subject): subject for subject in subjects}
        versions = dict[str, int]()
        with reachable():
            for keys in pieces(list(wanted)):
                found = self._positions.find({"_id": {"$in": keys}})
                versions.update({wanted[document["_id"]]: document["version"] async for document in found})
        return versions

    async def advance(
        self, consumer: str, positions: Mapping[str, int], before: Mapping[str, int] | None = None
    ) -> None:
        """Raise positions; never lowers one.

        From what they were `before` they are replaced, and inserted where there was none: either costs the embedded
        database a fifth of what it takes to raise them whatever they are, as is done where one has moved since.
        """
        if before is not None:
            positions = {each: version for each, version in positions.items() if version > before.get(each, 0)}
        if not positions:
            return
        if before is not None:
            documents = {each: {"_id": _key(consumer, each), "version": positions[each]} for each in positions}
            new = [Insert(POSITIONS, document) for each, document in documents.items() if each not in before]
            risen = [Replace(POSITIONS, documents[each], before[each]) for each in documents if each in before]
            if await transact(self._database, [*new, *risen], NoMetrics(), replacing=len(risen)) is None:
                return
        raised = [
            Update(POSITIONS, {"_id": _key(consumer, subject)}, {"$max": {"version": version}}, upsert=True)
            for subject, version in positions.items()
        ]
        await transact(self._database, raised, NoMetrics())

    async def reset(self, consumer: str, subject_prefix: str = "") -> None:
        """Forget positions and parked domain events, for a replay from zero."""
        first = _key(consumer, subject_prefix)
        last = first + chr(0x10FFFF)
        with reachable():
            await self._positions.delete_many({"_id": {"$gte": first, "$lt": last}})
            subjects = {"$gte": subject_prefix, "$lt": subject_prefix + chr(0x10FFFF)}
            await self._parked.delete_many({"consumer": consumer, "subject": subjects})

    async def park(self, parked: ParkedEvent) -> None:
        """Put aside; replaces an earlier record of the same domain event."""
        document = _parked_document(parked)
        with reachable():
            await self._parked.replace_one({"_id": document["_id"]}, document, upsert=True)

    async def parked(self, consumer: str, subject: str = "") -> Sequence[ParkedEvent]:
        """What is put aside, of one aggregate or all, in version order."""
        which = {"consumer": consumer} | ({"subject": subject} if subject else {})
        with reachable():
            found = self._parked.find(which).sort([("subject", 1), ("version", 1)])
            return [_parked_event(document) async for document in found]

    async def consumers(self) -> Sequence[str]:
        """Those that have put something aside."""
        with reachable():
            return sorted(await self._parked.distinct("consumer"))

    async def unpark(self, consumer: str, event_ids: Sequence[str]) -> None:
        """Forget that they were put aside."""
        with reachable():
            await self._parked.delete_many({"_id": {"$in": [_key(consumer, each) for each in event_ids]}})

    async def revive(self, consumer: str, event_ids: Sequence[str] = ()) -> int:
        """Dead ones (all, or these) become due again: a redrive. How many."""
        which: dict[str, Any] = {"consumer": consumer, "dead": True}
        if event_ids:
            which["_id"] = {"$in": [_key(consumer, each) for each in event_ids]}
        with reachable():
            result = await self._parked.update_many(which, {"$set": {"dead": False, "attempts": 0}})
        return result.modified_count

    async def rewound(self, consumer: str, epoch: str) -> bool:
        """Whether this consumer went back for the refill named `epoch`."""
        with reachable():
            return await self._database.collection(REWINDS).find_one({"_id": _key(consumer, epoch)}) is not None

    async def note_rewound(self, consumer: str, epoch: str) -> None:
        """Remember that it did."""
        key = {"_id": _key(consumer, epoch)}
        with reachable():
            await self._database.collection(REWINDS).replace_one(key, key, upsert=True)

    async def handled_types(self, consumer: str, place: str) -> Collection[str] | None:
        """Types handled by the member that had this place last; None when nobody had."""
        with reachable():
            found = await self._database.collection(HANDLED).find_one({"_id": _key(consumer, place)})
        return None if found is None else frozenset(found["types"])

    async def note_handled_types(self, consumer: str, place: str, types: Collection[str]) -> None:
        """Remember that a member that handles these types has the place now."""
        key = _key(consumer, place)
        with reachable():
            handled = self._database.collection(HANDLED)
            await handled.replace_one({"_id": key}, {"_id": key, "types": sorted(types)}, upsert=True)


def _key(consumer: str, rest: str) -> str:
    return f"{consumer}|{rest}"


def _parked_document(parked: ParkedEvent) -> dict[str, Any]:
    event = dataclasses.asdict(parked.event)
    event["event_id"] = event.pop("id")
    rest = {field.name: getattr(parked, field.name) for field in dataclasses.fields(parked) if field.name != "event"}
    return {"_id": _key(parked.consumer, parked.event.id), **event, **rest}


def _parked_event(document: Mapping[str, Any]) -> ParkedEvent:
    rest = {field.name: document[field.name] for field in dataclasses.fields(ParkedEvent) if field.name != "event"}
    names = [
        each.name for each in dataclasses.fields(InboxEvent) if each.name in document
    ]  # no `id`, old ones no trail
    return ParkedEvent(event=InboxEvent(id=document["event_id"], **{name: document[name] for name in names}), **rest)

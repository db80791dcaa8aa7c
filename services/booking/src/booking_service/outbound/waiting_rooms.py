"""Waiting rooms in MongoDB: arrivals are gathered, and each batch takes a block of numbers in one commit.

The room's document has the counter, guarded by its version; a block has the users who came with that batch. Whoever
finds that another replica was first reads the room and the blocks it has not seen, and tries again: a user who has
joined there is found before a second place could be given.
"""

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Protocol

from booking_service.domain.offer import Offer
from booking_service.domain.waiting_room import Place, Room, issue, open_room, tune
from booking_service.outbound.roll import Roll
from booking_service.outbound.room_documents import (
    BLOCKS,
    ROOMS,
    Block,
    block_from_document,
    block_name,
    block_to_document,
    room_from_document,
    room_to_document,
)
from booking_service.outbound.shelf import Finder
from domain_kit.clock import Clock
from domain_kit.crash_points import crash_point
from domain_kit.ids import new_id
from domain_kit.refusals import Aborted, AlreadyExists, Unavailable
from domain_kit.repository import Cause
from mongo_store import Delete, Insert, JournalRow, Replace, VersionConflict, Write

ACTOR = "services/booking"
REMEMBERED = 256
# Answers of a batch go out together, and what they cost holds up every other rpc of the process.
BATCH = 32
_ATTEMPTS = 30


class RoomJournal(Finder, Protocol):
    """What is needed of a journal."""

    async def commit_batch(self, writes: Sequence[Write], rows: Sequence[JournalRow]) -> None:
        """See mongo_store.Journal.commit_batch."""


class RoomMetrics(Protocol):
    """What is counted."""

    def joined(self, users: int) -> None:
        """So many took a place."""


class _Hall:
    """One event's room in this process. arrivals: who waits for a number, and where to tell it."""

    def __init__(self, event: str) -> None:
        self.event = event
        self.room: Room | None = None
        self.offer: Offer | None = None
        self.checked = float("-inf")
        self.roll = Roll()
        self.lock = asyncio.Lock()
        self.arrivals: dict[str, asyncio.Future[tuple[Place, Room]]] = {}
        self.serving: asyncio.Task[None] | None = None

    def learn(self, offer: Offer) -> Offer:
        """The newest offer it was shown."""
        if self.offer is None or offer.version >= self.offer.version:
            self.offer = offer
        return self.offer

    def forget(self) -> None:
        """Read everything again next time: how a commit ended is not known."""
        self.room, self.roll, self.checked = None, Roll(), float("-inf")

    @property
    def busy(self) -> bool:
        """Somebody is at it."""
        return bool(self.arrivals) or self.lock.locked()


class MongoWaitingRooms:
    """domain.waiting_ports.Rooms. `seconds`: how long another process's changes may go unnoticed by who only looks."""

    def __init__(
        self,
        journal: RoomJournal,
        clock: Clock,
        metrics: RoomMetrics,
        *,
        seconds: float = 1.0,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._journal, self._clock, self._metrics = journal, clock, metrics
        self._seconds, self._timer = seconds, timer
        self._halls: dict[str, _Hall] = {}

    async def join(self, offer: Offer, user: str) -> tuple[Place, Room]:
        """The user's place, a new one unless there is one whose turn is not over, and the room it is in."""
        hall = self._hall(offer.event)
        offer = hall.learn(offer)
        if hall.room is not None and hall.room.terms_version >= offer.version:
            place = hall.roll.place_of(user, hall.room, offer, self._clock())
            if place is not None:
                return place, hall.room
        told = hall.arrivals.setdefault(user, asyncio.get_running_loop().create_future())
        if hall.serving is None:
            hall.serving = asyncio.create_task(self._serve(hall))
        return await asyncio.shield(told)

    async def room(self, offer: Offer) -> Room:
        """As it was a moment ago at the latest, at the pace the offer asks for."""
        hall = self._hall(offer.event)
        offer = hall.learn(offer)
        if hall.room is not None and self._is_fresh(hall, hall.room, offer):
            return hall.room
        async with hall.lock:
            if hall.room is None or not self._is_fresh(hall, hall.room, offer):
                await self._load(hall)
                await self._seat(hall, [])
            if hall.room is None:
                raise RuntimeError(f"{offer.event} has no room")
            return hall.room

    def count(self) -> tuple[int, int]:
        """Places that wait and places admitted, over the rooms this process knows."""
        now, rooms = self._clock(), [hall.room for hall in list(self._halls.values()) if hall.room is not None]
        return sum(room.waiting(now) for room in rooms), sum(room.admitted(now) for room in rooms)

    def _is_fresh(self, hall: _Hall, room: Room, offer: Offer) -> bool:
        recent = self._timer() < hall.checked + self._seconds
        return recent and tune(room, offer, self._clock()).pace == room.pace

    def _hall(self, event: str) -> _Hall:
        hall = self._halls.pop(event, None) or _Hall(event)
        self._halls[event] = hall
        if len(self._halls) > REMEMBERED:
            idle = next((name for name, each in self._halls.items() if not each.busy and each is not hall), None)
            if idle is not None:
                del self._halls[idle]
        return hall

    async def _serve(self, hall: _Hall) -> None:
        """Until nobody waits for a number."""
        try:
            while hall.arrivals:
                batch = list(hall.arrivals)[:BATCH]
                try:
                    async with hall.lock:
                        places = await self._seat(hall, batch)
                except Exception as trouble:  # noqa: BLE001 - whatever it is, it belongs to the callers
                    hall.forget()
                    for user in batch:
                        self._tell(hall.arrivals.pop(user), trouble)
                else:
                    for user in batch:
                        self._tell(hall.arrivals.pop(user), places[user])
        finally:
            hall.serving = None

    @staticmethod
    def _tell(told: "asyncio.Future[tuple[Place, Room]]", answer: tuple[Place, Room] | Exception) -> None:
        if isinstance(answer, Exception):
            told.set_exception(answer)
            told.exception()  # every caller may have gone away
        else:
            told.set_result(answer)

    async def _seat(self, hall: _Hall, users: Sequence[str]) -> Mapping[str, tuple[Place, Room]]:
        """Give those a place who have none. Without users: take over the pace the offer asks for."""
        for attempt in range(_ATTEMPTS):
            if hall.room is None:
                await self._load(hall)
            try:
                return await self._try_to_seat(hall, users)
            except (VersionConflict, AlreadyExists, Aborted):
                await asyncio.sleep(random.uniform(0, 0.002 * attempt))  # noqa: S311 - spreads writers
                await self._load(hall)
        raise Unavailable(
            "WAITING_ROOM_BUSY", "Too many join at once; try again.", retry_after=timedelta(seconds=1)
        )  # fmt: skip

    async def _try_to_seat(self, hall: _Hall, users: Sequence[str]) -> Mapping[str, tuple[Place, Room]]:
        now, offer, before = self._clock(), hall.offer, hall.room
        if offer is None:
            raise RuntimeError(f"{hall.event} has no offer")
        room = open_room(offer, now) if before is None else tune(before, offer, now)
        kept = {user: hall.roll.place_of(user, room, offer, now) for user in users}
        new = tuple(user for user, place in kept.items() if place is None)
        if not new and before is not None and room.pace == before.pace:
            return {user: (place, before) for user, place in kept.items() if place is not None}
        block: Block | None = None
        if new:
            room, first = issue(room, len(new), now)
            block = Block(hall.event, first, new, now, room.pace, room.tuned)
        over = hall.roll.over(room, offer, now)
        room = await self._commit(before, room, block, over)
        hall.room, hall.checked = room, self._timer()
        hall.roll.drop(over)
        if block is not None:
            hall.roll.add([block])
            self._metrics.joined(len(new))
            kept |= {user: block.place(number) for number, user in enumerate(new, block.first)}
        return {user: (place, room) for user, place in kept.items() if place is not None}

    async def _commit(self, before: Room | None, after: Room, block: Block | None, over: Sequence[Block]) -> Room:
        version = 1 if before is None else before.version + 1
        document = room_to_document(after) | {"version": version}
        writes: list[Write] = [
            Insert(ROOMS, document) if before is None else Replace(ROOMS, document, version - 1),
            *([] if block is None else [Insert(BLOCKS, block_to_document(block))]),
            *(Delete(BLOCKS, each.name) for each in over),
        ]
        cause = Cause(key=f"booking.waitingRoom|{after.event}|{new_id()}", actor=ACTOR)
        crash_point("booking.waiting_room.before_commit")
        await self._journal.commit_batch(writes, [JournalRow(cause, f"{after.event}/waitingRoom")])
        crash_point("booking.waiting_room.after_commit")
        return room_from_document(document)

    async def _load(self, hall: _Hall) -> None:
        """INVARIANT: the roll has every place the room has given. The room is read first: blocks that come in between
        are newer than it, and then its guard stops the commit.
        """
        began = self._timer()
        found = await self._journal.find(ROOMS, {"_id": hall.event}, limit=1)
        room = room_from_document(found[0]) if found else None
        if room is not None and room.issued > hall.roll.seen:
            unseen = {"$gt": block_name(hall.event, hall.roll.seen), "$lt": f"{hall.event}/waitingRoom0"}
            blocks = await self._journal.find(BLOCKS, {"_id": unseen}, sort=[("_id", 1)])
            hall.roll.add(block_from_document(each) for each in blocks)
        hall.room, hall.checked = room, began

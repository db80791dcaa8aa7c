"""Waiting rooms and blocks of places as MongoDB documents and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from booking_service.domain.waiting_room import Pace, Place, Room

ROOMS = "waiting_rooms"
BLOCKS = "waiting_blocks"

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Block:
    """Places taken in one commit: users in the order of their numbers, from `first` on."""

    event: str
    first: int
    users: tuple[str, ...]
    joined: datetime
    pace: Pace
    tuned: int

    @property
    def name(self) -> str:
        """Its `_id`; those of an event sort by number."""
        return block_name(self.event, self.first)

    def place(self, number: int) -> Place:
        """One of its places."""
        return Place(self.event, self.users[number - self.first], number, self.joined, self.pace, self.tuned)

    def last(self) -> Place:
        """The place with the highest number."""
        return self.place(self.first + len(self.users) - 1)


def block_name(event: str, first: int) -> str:
    """`_id` of the block that begins with a number."""
    return f"{event}/waitingRoom/{first:015d}"


def room_to_document(room: Room) -> Document:
    """`_id` is the event."""
    return {
        "_id": room.event,
        "version": room.version,
        "pace": _pace_to_document(room.pace),
        "terms_version": room.terms_version,
        "issued": room.issued,
        "changes": [_pace_to_document(each) for each in room.changes],
        "tuned": room.tuned,
    }


def room_from_document(document: Mapping[str, Any]) -> Room:
    """The reverse."""
    return Room(
        event=document["_id"],
        version=document["version"],
        pace=_pace_from_document(document["pace"]),
        terms_version=document["terms_version"],
        issued=document["issued"],
        changes=tuple(_pace_from_document(each) for each in document["changes"]),
        tuned=document["tuned"],
    )


def block_to_document(block: Block) -> Document:
    """`_id` is the name."""
    return {
        "_id": block.name,
        "version": 1,
        "event": block.event,
        "first": block.first,
        "users": list(block.users),
        "joined": block.joined,
        "pace": _pace_to_document(block.pace),
        "tuned": block.tuned,
    }


def block_from_document(document: Mapping[str, Any]) -> Block:
    """The reverse."""
    return Block(
        document["event"],
        document["first"],
        tuple(document["users"]),
        document["joined"],
        _pace_from_document(document["pace"]),
        document["tuned"],
    )


def _pace_to_document(pace: Pace) -> list[Any]:
    return [pace.since, pace.before, pace.passed, pace.per_minute]


def _pace_from_document(stored: list[Any]) -> Pace:
    return Pace(*stored)

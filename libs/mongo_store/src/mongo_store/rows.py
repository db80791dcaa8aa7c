"""The journal row: one document per command that is event store, request record and inbox record at once.

A row is written once and never again. What the relay has yet to publish stands in a collection of its own, one small
document for all the domain events of a commit: it comes and goes at a fraction of what a document for each would cost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain_kit.backbone import EncodedEvent, OutboxEvent
from domain_kit.repository import Cause
from domain_kit.trails import Trail, followed
from mongo_store.ordinals import Ordinals

JOURNAL = "journal"
PENDING = "journal_pending"
PUBLISHED = "journal_published"  # where the broker put them, a document for each batch of the relay
_ORDINAL = 26  # characters


@dataclass(frozen=True, slots=True)
class VersionedEvent:
    """A domain event with its place in the history of `subject`: the n-th domain event has version n.

    trail: what happened to `subject` before it; a consumer passes over what it does not handle only where it is known.
    """

    event: EncodedEvent
    subject: str
    version: int
    trail: Trail = None


@dataclass(frozen=True, slots=True)
class JournalRow:
    """Why a command was done, to what, what happened, and what the caller was told (a document, for repeats)."""

    cause: Cause
    subject: str
    events: Sequence[VersionedEvent] = ()
    answer: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if not self.cause.key:
            raise ValueError("A cause needs a key.")


def row_document(row: JournalRow, ordinals: Ordinals, now: datetime) -> dict[str, Any]:
    """The row as stored; every call gives it a new place in the order and new domain event ids."""
    return {
        "_id": row.cause.key,
        "fp": row.cause.fingerprint,
        "agg": row.subject,
        "ord": ordinals.next(now),
        "at": now,
        "act": row.cause.actor,
        "corr": row.cause.correlation_id,
        "tp": row.cause.traceparent,
        "ev": [
            {
                "id": ordinals.next(now),
                "t": each.event.type,
                "s": each.subject,
                "v": each.version,
                "tr": each.trail,
                "d": each.event.payload,
            }
            for each in row.events
        ],
        "ans": row.answer,
    }


def pending_document(documents: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Of all domain events of the rows of a commit, None where they have none. `of`: their names, `_id`: the first."""
    names = [pending_id(place_of(row), index) for row in documents for index in range(len(row["ev"]))]
    return {"_id": names[0], "at": documents[0]["at"], "of": names} if names else None


def batch_document(key: str, at: Sequence[tuple[str, int, int]]) -> dict[str, Any]:
    """Of PUBLISHED. at: name, partition and offset of each; `top` tells the highest offset of each partition."""
    top: dict[str, int] = {}
    for _, partition, offset in at:
        top[str(partition)] = max(offset, top.get(str(partition), -1))
    return {"_id": key, "top": top, "at": [list(each) for each in at]}


def names_in(pending: Mapping[str, Any]) -> list[str]:
    """Of a pending document; an earlier release kept one for each domain event, named like it."""
    return list(pending.get("of", [pending["_id"]]))


def place_of(document: Mapping[str, Any]) -> str:
    """`OutboxEvent.row` of a stored row: its place in the order and its key."""
    return f"{document['ord']}|{document['_id']}"


def pending_id(place: str, index: int) -> str:
    """Sorts as domain events were committed."""
    return f"{place[:_ORDINAL]}|{index:04}{place[_ORDINAL:]}"


def pending_place(name: str) -> tuple[str, int]:
    """The reverse: place and index."""
    return name[:_ORDINAL] + name[_ORDINAL + 5 :], int(name[_ORDINAL + 1 : _ORDINAL + 5])


def key_of(place: str) -> str:
    """`_id` of the row."""
    return place[_ORDINAL + 1 :]


def events_of(document: Mapping[str, Any]) -> list[OutboxEvent]:
    """The domain events of a stored row."""
    return [
        OutboxEvent(
            id=event["id"],
            type=event["t"],
            subject=event["s"],
            version=event["v"],
            time=document["at"],
            payload=event["d"],
            correlation_id=document["corr"],
            traceparent=document["tp"],
            row=place_of(document),
            index=index,
            trail=event.get("tr"),
        )
        for index, event in enumerate(document["ev"])
    ]


def in_version_order(events: Sequence[OutboxEvent]) -> list[OutboxEvent]:
    """The same places, but those of one aggregate by version: clocks of two writers may disagree about their order."""
    by_subject: dict[str, list[OutboxEvent]] = {}
    for event in events:
        by_subject.setdefault(event.subject, []).append(event)
    turns = {subject: iter(sorted(some, key=lambda event: event.version)) for subject, some in by_subject.items()}
    return [next(turns[event.subject]) for event in events]


def versioned(
    events: Sequence[EncodedEvent], subject: str, after: int, trail: Trail
) -> tuple[list[VersionedEvent], Trail]:
    """The domain events that follow version `after` of an aggregate with this trail, and its trail after them."""
    made: list[VersionedEvent] = []
    for version, event in enumerate(events, after + 1):
        made.append(VersionedEvent(event, subject, version, trail))
        trail = followed(trail, event.type, version)
    return made, trail

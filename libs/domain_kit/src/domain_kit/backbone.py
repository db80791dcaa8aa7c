"""Ports between a store and the event backbone: the outbox a relay drains and the inbox a consumer keeps."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from domain_kit.trails import Trail


@dataclass(frozen=True, slots=True)
class EncodedEvent:
    """A domain event ready to be written: `type` is the protobuf full name, `payload` the serialized message."""

    type: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class OutboxEvent:
    """A committed domain event on its way to the broker. (`row`, `index`) is where it stands in the journal.

    trail: what happened to the aggregate before it, see domain_kit.trails.
    """

    id: str
    type: str
    subject: str
    version: int
    time: datetime
    payload: bytes
    correlation_id: str
    traceparent: str
    row: str
    index: int
    trail: Trail = None


@dataclass(frozen=True, slots=True)
class Published:
    """Where the broker put an outbox event."""

    row: str
    index: int
    partition: int
    offset: int


class Outbox(Protocol):
    """The journal as the relay sees it. Rows are never deleted: published ones are the event store."""

    async def pending(self, limit: int) -> Sequence[OutboxEvent]:
        """Unpublished domain events in commit order, those of one aggregate in version order."""

    async def mark_published(self, published: Sequence[Published]) -> None:
        """Remember where they went, now or a little later; a row is published when all its domain events are."""

    async def settle(self) -> None:
        """Nothing is put off any more; for a relay that ends."""

    async def leave_pending(self) -> None:
        """Forget what was put off, so that it is published again; for a relay that has lost its office."""

    async def mark_lost(self, lost: Mapping[int, int]) -> int:
        """Make pending again what was published to these partitions at or after these offsets; how many rows."""

    async def last_offsets(self) -> Mapping[int, int]:
        """Partition → highest offset ever marked published."""

    def everything(self) -> AsyncIterator[OutboxEvent]:
        """The whole event store in order, for replays."""

    async def oldest_pending_age(self) -> timedelta:
        """How long the oldest unpublished domain event has waited; zero when there is none."""

    async def wait_for_commit(self, timeout: float) -> None:
        """Return when a commit of this process wrote domain events, or after `timeout` seconds."""

    def marks_due(self) -> float:
        """Seconds until something that was put off is to be done by asking for what is pending."""

    async def hold_lease(self, lease: str, owner: str, seconds: float) -> bool:
        """Take or renew a named lease; False while another owner holds it."""

    async def release_lease(self, lease: str, owner: str) -> None:
        """Give it back at shutdown so that a successor need not wait."""


@dataclass(frozen=True, slots=True)
class InboxEvent:
    """A domain event as received: CloudEvents attributes (v1.0, Kafka binary mode) and the payload."""

    id: str
    type: str
    source: str
    subject: str
    version: int
    time: datetime
    payload: bytes
    correlation_id: str
    traceparent: str
    trail: Trail = None


@dataclass(frozen=True, slots=True)
class ParkedEvent:
    """A domain event that cannot be applied yet.

    `dead` ones failed and wait for a redrive; the rest wait for a predecessor.
    """

    consumer: str
    event: InboxEvent
    dead: bool
    reason: str
    attempts: int
    parked_at: datetime


class Inbox(Protocol):
    """What a consumer remembers: per aggregate how far it has applied, and what it had to put aside."""

    async def positions(self, consumer: str, subjects: Sequence[str]) -> Mapping[str, int]:
        """Aggregate name → version of the last domain event applied (absent: 0)."""

    async def advance(
        self, consumer: str, positions: Mapping[str, int], before: Mapping[str, int] | None = None
    ) -> None:
        """Raise positions; never lowers one. before: what `positions` has told of them, for an inbox that it helps."""

    async def reset(self, consumer: str, subject_prefix: str = "") -> None:
        """Forget positions and parked domain events, for a replay from zero."""

    async def park(self, parked: ParkedEvent) -> None:
        """Put aside; replaces an earlier record of the same domain event."""

    async def parked(self, consumer: str, subject: str = "") -> Sequence[ParkedEvent]:
        """What is put aside, of one aggregate or all, in version order."""

    async def unpark(self, consumer: str, event_ids: Sequence[str]) -> None:
        """Forget that they were put aside."""

    async def revive(self, consumer: str, event_ids: Sequence[str] = ()) -> int:
        """Dead ones (all, or these) become due again: a redrive. How many."""

    async def rewound(self, consumer: str, epoch: str) -> bool:
        """Whether this consumer went back for the refill named `epoch`."""

    async def note_rewound(self, consumer: str, epoch: str) -> None:
        """Remember that it did."""

    async def handled_types(self, consumer: str, place: str) -> Collection[str] | None:
        """Types handled by the member that had this place ("topic/partition") last; None when nobody had."""

    async def note_handled_types(self, consumer: str, place: str, types: Collection[str]) -> None:
        """Remember that a member that handles these types has the place now."""

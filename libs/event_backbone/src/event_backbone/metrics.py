"""What relay and consumer count; the telemetry library fills these, silence is the default."""

from typing import Protocol


class RelayMetrics(Protocol):
    """The way from the outbox to the broker."""

    def published(self, topic: str, events: int, oldest_seconds: float) -> None:
        """Domain events acknowledged by the broker; seconds since the commit of the oldest."""

    def failed(self, topic: str) -> None:
        """A batch was not acknowledged and will be tried again."""

    def refilled(self, topic: str, rows: int) -> None:
        """The broker lost records; `rows` journal rows are published again."""

    def leads(self, topic: str, leads: bool) -> None:
        """Whether this process relays the topic."""

    def outbox_age(self, seconds: float) -> None:
        """How long the oldest unpublished domain event has waited."""


class ConsumerMetrics(Protocol):
    """Domain events applied, by consumer."""

    def handled(self, consumer: str, kind: str, outcome: str, seconds: float, /) -> None:
        """A handler ended: `outcome` is "applied", "parked" (tried again later) or "dead" (waits for a redrive)."""

    def delayed(self, consumer: str, seconds: float, /) -> None:
        """A domain event was applied so long after its commit."""

    def dead_lettered(self, consumer: str, kind: str, /) -> None:
        """A record went to the dead letters: "failed" (its handler could not) or "undecodable"."""

    def parked(self, consumer: str, waiting: int, dead: int) -> None:
        """What is put aside now."""

    def lag(self, consumer: str, records: int) -> None:
        """Records not read yet in the partitions of this process."""

    def rebuilt(self, consumer: str) -> None:
        """The client failed or made no progress and was replaced."""


class Silence:
    """Counts nothing."""

    def published(self, topic: str, events: int, oldest_seconds: float) -> None:
        """Ignored."""

    def failed(self, topic: str) -> None:
        """Ignored."""

    def refilled(self, topic: str, rows: int) -> None:
        """Ignored."""

    def leads(self, topic: str, leads: bool) -> None:
        """Ignored."""

    def outbox_age(self, seconds: float) -> None:
        """Ignored."""

    def handled(self, consumer: str, kind: str, outcome: str, seconds: float, /) -> None:
        """Ignored."""

    def delayed(self, consumer: str, seconds: float, /) -> None:
        """Ignored."""

    def dead_lettered(self, consumer: str, kind: str, /) -> None:
        """Ignored."""

    def parked(self, consumer: str, waiting: int, dead: int) -> None:
        """Ignored."""

    def lag(self, consumer: str, records: int) -> None:
        """Ignored."""

    def rebuilt(self, consumer: str) -> None:
        """Ignored."""

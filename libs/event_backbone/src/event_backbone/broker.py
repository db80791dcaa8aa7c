"""What relay and consumer need of a broker, small enough that a test can keep one in memory."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from domain_kit.refusals import Unavailable

Headers = tuple[tuple[str, bytes], ...]

DEFAULT_PARTITIONS = 4


class BrokerUnavailable(Unavailable):
    """The broker does not answer, or not in time; build the client again later."""

    def __init__(self, what: str) -> None:
        super().__init__("BROKER_UNAVAILABLE", what)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to send. Without `partition` the key decides."""

    topic: str
    key: bytes | None
    value: bytes
    headers: Headers
    partition: int | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """Where the broker put a record."""

    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Record:
    """A record as read."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    headers: Headers


class Writer(Protocol):
    """A producer that acknowledges only what all in-sync replicas have."""

    async def send(self, records: Sequence[Outgoing]) -> Sequence[Position | None]:
        """Send all and wait for the acknowledgements; None for a record without one, and then open a new writer."""

    async def end_offsets(self, topic: str) -> Mapping[int, int]:
        """Partition → offset the next record will get; BrokerUnavailable."""


class Reader(Protocol):
    """A member of a consumer group."""

    async def read(self, seconds: float, limit: int) -> Sequence[Record]:
        """At most `limit` records, as soon as there is one; nothing after `seconds`. BrokerUnavailable."""

    async def commit(self) -> None:
        """Remember in the group that everything read so far is done; BrokerUnavailable."""

    async def rewind(self, topic: str, partition: int, offset: int) -> None:
        """Read this partition again from `offset`, also after a restart; BrokerUnavailable."""

    async def lag(self) -> int:
        """Records in the assigned partitions that were not read yet; BrokerUnavailable."""

    def owns(self, topic: str, partition: int) -> bool:
        """Whether this member has the partition just now."""


class Broker(Protocol):
    """A Kafka cluster, or what stands for one in a test."""

    def writer(self) -> AbstractAsyncContextManager[Writer]:
        """A connected writer, closed within seconds whatever the broker does; BrokerUnavailable."""

    def reader(self, group: str, topics: Sequence[str]) -> AbstractAsyncContextManager[Reader]:
        """A member of `group`; a new group starts from the earliest record. BrokerUnavailable."""

    async def ensure_topics(self, topics: Mapping[str, int]) -> None:
        """Create the missing ones of {topic: partitions}; BrokerUnavailable."""

    async def committed(self, topic: str) -> Mapping[int, int]:
        """Partition → highest offset any consumer group has committed, as far as the broker tells."""

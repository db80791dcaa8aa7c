"""A Kafka broker in memory for relay and consumer logic: partitions, groups, outages and lost records, no network."""

import asyncio
import zlib
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from event_backbone.broker import BrokerUnavailable, Outgoing, Position, Reader, Record, Writer


class MemoryBroker:
    """event_backbone.Broker. `down = True` lets every call fail until it is False again; `logs` may be looked at."""

    def __init__(self) -> None:
        self.down = False
        self.logs: dict[str, list[list[Record]]] = {}
        self._groups: dict[str, dict[tuple[str, int], int]] = defaultdict(dict)
        self._members: dict[str, list[_MemoryReader]] = defaultdict(list)
        self._arrived = asyncio.Event()

    def records(self, topic: str) -> list[Record]:
        """All records of a topic, partition by partition."""
        return [record for partition in self.logs.get(topic, []) for record in partition]

    def lose(self, topic: str, keep: int = 0) -> None:
        """Forget all but the first `keep` records of each partition, as a broker does that was killed."""
        for partition in self.logs[topic]:
            del partition[keep:]

    @asynccontextmanager
    async def writer(self) -> AsyncIterator[Writer]:
        """See event_backbone.Broker."""
        self.check()
        yield _MemoryWriter(self)

    @asynccontextmanager
    async def reader(self, group: str, topics: Sequence[str]) -> AsyncIterator[Reader]:
        """A member; partitions are dealt out again whenever one comes or goes."""
        self.check()
        reader = _MemoryReader(self, self._members[group], self._groups[group], topics)
        self._members[group].append(reader)
        self._deal(group)
        try:
            yield reader
        finally:
            self._members[group].remove(reader)
            self._deal(group)

    async def ensure_topics(self, topics: Mapping[str, int]) -> None:
        """Create the missing ones."""
        self.check()
        for topic, partitions in topics.items():
            self.logs.setdefault(topic, [[] for _ in range(partitions)])

    async def committed(self, topic: str) -> Mapping[int, int]:
        """Highest offset any group has committed."""
        highest: dict[int, int] = {}
        for offsets in self._groups.values():
            for (name, partition), offset in offsets.items():
                if name == topic:
                    highest[partition] = max(offset, highest.get(partition, 0))
        return highest

    def check(self) -> None:
        """BrokerUnavailable while it is down."""
        if self.down:
            raise BrokerUnavailable("the broker is down")

    def append(self, outgoing: Outgoing) -> Position:
        """Write one record."""
        log = self.logs[outgoing.topic]
        number = outgoing.partition
        if number is None:
            number = zlib.crc32(outgoing.key or b"") % len(log)
        record = Record(outgoing.topic, number, len(log[number]), outgoing.key, outgoing.value, outgoing.headers)
        log[number].append(record)
        self._arrived.set()
        return Position(number, record.offset)

    async def arrival(self, seconds: float) -> None:
        """Wait until something is written, or `seconds`."""
        self._arrived.clear()
        try:
            await asyncio.wait_for(self._arrived.wait(), seconds)
        except TimeoutError:
            return

    def _deal(self, group: str) -> None:
        for reader in self._members[group]:
            reader.deal()


class _MemoryWriter:
    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    async def send(self, records: Sequence[Outgoing]) -> Sequence[Position | None]:
        await asyncio.sleep(0)
        return [None if self._broker.down else self._broker.append(record) for record in records]

    async def end_offsets(self, topic: str) -> Mapping[int, int]:
        self._broker.check()
        return {number: len(partition) for number, partition in enumerate(self._broker.logs[topic])}


class _MemoryReader:
    def __init__(
        self,
        broker: MemoryBroker,
        members: list["_MemoryReader"],
        offsets: dict[tuple[str, int], int],
        topics: Sequence[str],
    ) -> None:
        self._broker, self._members, self._offsets, self._topics = broker, members, offsets, topics
        self._positions: dict[tuple[str, int], int] = {}

    def deal(self) -> None:
        """Take this member's share; what goes on belonging to it keeps its position."""
        places = [(topic, number) for topic in self._topics for number in range(len(self._broker.logs[topic]))]
        mine = places[self._members.index(self) :: len(self._members)]
        self._positions = {place: self._positions.get(place, self._offsets.get(place, 0)) for place in mine}

    async def read(self, seconds: float, limit: int) -> Sequence[Record]:
        self._broker.check()
        if not (found := self._take(limit)):
            await self._broker.arrival(seconds)
            self._broker.check()
            found = self._take(limit)
        return found

    async def commit(self) -> None:
        self._broker.check()
        self._offsets.update(self._positions)

    async def rewind(self, topic: str, partition: int, offset: int) -> None:
        self._positions[topic, partition] = self._offsets[topic, partition] = offset

    async def lag(self) -> int:
        self._broker.check()
        return sum(
            max(0, len(self._broker.logs[topic][number]) - at) for (topic, number), at in self._positions.items()
        )

    def owns(self, topic: str, partition: int) -> bool:
        return (topic, partition) in self._positions

    def _take(self, limit: int) -> list[Record]:
        found: list[Record] = []
        for (topic, number), at in self._positions.items():
            log = self._broker.logs[topic][number]
            start = 0 if at > len(log) else at  # out of range: from the earliest, as auto.offset.reset says
            chunk = log[start : start + limit - len(found)]
            found += chunk
            self._positions[topic, number] = start + len(chunk)
        return found

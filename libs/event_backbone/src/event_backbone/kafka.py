"""The broker that speaks Kafka: the only place that knows aiokafka and how it fails."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any
from zlib import crc32

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, for_code

from environment import KafkaSettings, SettingsError
from event_backbone.assignment import assignor_for
from event_backbone.broker import Broker, BrokerUnavailable, Outgoing, Position, Reader, Record, Writer
from event_backbone.closing import close_admin, close_consumer, close_producer
from event_backbone.instance import instance_of
from event_backbone.patience import pause_between_empty_fetches
from event_backbone.security import Security, security_of

log = logging.getLogger(__name__)

ALREADY_THERE = 36  # TOPIC_ALREADY_EXISTS in Kafka's protocol guide
NOT_ALLOWED = (29, 31)  # TOPIC_/CLUSTER_AUTHORIZATION_FAILED: where clients may not create topics, operators have
SESSION_SECONDS = 6  # the least brokers allow by default: so long a killed member is waited for
COPIES = 3  # of each partition of a topic made here, where there are as many brokers


class KafkaBroker:
    """A cluster at `brokers` ("host:port,host:port").

    `timeout` bounds every exchange, in seconds. `security`: see `security_of`; without it nothing is encrypted.
    """

    def __init__(
        self, brokers: str, *, client_id: str = "usher", timeout: float = 5.0, security: Security | None = None
    ) -> None:
        self._brokers, self._client_id, self._timeout = brokers, client_id, timeout
        self._security = security

    @classmethod
    def of(cls, settings: KafkaSettings) -> "KafkaBroker":
        """The cluster that the settings name; SettingsError for certificates that cannot be used."""
        return cls(settings.kafka_brokers, security=security_of(settings))

    def _connection(self, timeout: float) -> dict[str, Any]:
        """Options of a client that waits so many seconds for an answer."""
        try:
            security = self._security() if self._security else {}
        except SettingsError as problem:
            raise BrokerUnavailable(str(problem)) from problem
        return {
            "bootstrap_servers": self._brokers,
            "client_id": self._client_id,
            "request_timeout_ms": int(timeout * 1000),
            "metadata_max_age_ms": 10_000,  # a topic that was created meanwhile is found within this
            **security,
        }

    @asynccontextmanager
    async def writer(self) -> AsyncIterator[Writer]:
        """An idempotent producer with acks=all and a client that reads end offsets; BrokerUnavailable.

        Compressed: neighbours in a batch are much alike. gzip, because it alone needs no further package.
        """
        connection = self._connection(self._timeout)
        producer = AIOKafkaProducer(
            **connection, acks="all", enable_idempotence=True, compression_type="gzip", partitioner=_by_crc32
        )
        observer = AIOKafkaConsumer(**connection, enable_auto_commit=False)
        try:
            # Longer than aiokafka's own three limits, after which it closes what it opened; cut short it does not.
            async with _exchange("connect", 3 * self._timeout):
                await producer.start()
                await observer.start()
            yield KafkaWriter(producer, observer, self._timeout)
        finally:
            await asyncio.gather(close_producer(producer), close_consumer(observer))

    @asynccontextmanager
    async def reader(self, group: str, topics: Sequence[str]) -> AsyncIterator[Reader]:
        """A member of `group`; a new group starts from the earliest record. BrokerUnavailable."""
        # A join is answered when all members have joined again or were given up, so this needs more patience.
        patience = self._timeout + 2 * SESSION_SECONDS
        with instance_of(group, self._brokers) as instance:
            consumer = AIOKafkaConsumer(
                *topics,
                **self._connection(patience),
                group_id=group,
                group_instance_id=instance,
                partition_assignment_strategy=(assignor_for(instance),),
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                session_timeout_ms=SESSION_SECONDS * 1000,
                rebalance_timeout_ms=SESSION_SECONDS * 1000,
                heartbeat_interval_ms=1_500,
            )
            pause_between_empty_fetches(consumer)
            try:
                async with _exchange("join", patience):
                    await consumer.start()
                yield KafkaReader(consumer, self._timeout)
            finally:
                await close_consumer(consumer)

    async def ensure_topics(self, topics: Mapping[str, int]) -> None:
        """Create the missing ones of {topic: partitions}; BrokerUnavailable."""
        async with self._admin() as admin:
            existing = set(await admin.list_topics())
            missing = {name: count for name, count in topics.items() if name not in existing}
            if missing:
                copies = min(COPIES, len((await admin.describe_cluster())["brokers"]))
                answer = await admin.create_topics([NewTopic(name, count, copies) for name, count in missing.items()])
                for topic, code, *_ in answer.topic_errors:
                    if code not in (0, ALREADY_THERE, *NOT_ALLOWED):
                        raise BrokerUnavailable(f"create {topic}: {for_code(code).__name__}")

    async def committed(self, topic: str) -> Mapping[int, int]:
        """Partition → highest offset any consumer group has committed, as far as the broker tells."""
        highest: dict[int, int] = {}
        async with self._admin() as admin:
            for group, *_ in await admin.list_consumer_groups():
                offsets: Mapping[Any, Any] = {}
                with suppress(KafkaError):  # one that we may not look at, or whose coordinator is not there yet
                    offsets = await admin.list_consumer_group_offsets(group)
                for place, committed in offsets.items():
                    if place.topic == topic:
                        highest[place.partition] = max(committed.offset, highest.get(place.partition, 0))
        return highest

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        admin = AIOKafkaAdminClient(**self._connection(self._timeout))
        try:
            async with _exchange("administer", 3 * self._timeout):
                await admin.start()
                yield admin
        finally:
            await close_admin(admin)


class KafkaWriter:
    """See `Writer`."""

    def __init__(self, producer: AIOKafkaProducer, observer: AIOKafkaConsumer, timeout: float) -> None:
        self._producer, self._observer, self._timeout = producer, observer, timeout

    async def send(self, records: Sequence[Outgoing]) -> Sequence[Position | None]:
        """Idempotent batches never expire in aiokafka, so the time is bounded here."""
        pending: list[asyncio.Future[Any]] = []
        try:
            async with asyncio.timeout(self._timeout):
                for record in records:
                    pending.append(await self._enqueue(record))  # noqa: PERF401 - those before a failure count
                for future in pending:  # one after the other: batches end together, and `wait` costs more than they do
                    with suppress(KafkaError):
                        await future
        except (TimeoutError, KafkaError) as error:
            log.warning("records not acknowledged", extra={"records": len(records), "error": repr(error)})
        positions = [_position(future) for future in pending]
        return positions + [None] * (len(records) - len(positions))

    async def end_offsets(self, topic: str) -> Mapping[int, int]:
        """Partition → offset the next record will get; BrokerUnavailable."""
        async with _exchange("read end offsets", self._timeout):
            places = [TopicPartition(topic, number) for number in await self._producer.partitions_for(topic)]
            ends = await self._observer.end_offsets(places)
        return {place.partition: offset for place, offset in ends.items()}

    async def _enqueue(self, record: Outgoing) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = await self._producer.send(
            record.topic, record.value, key=record.key, partition=record.partition, headers=list(record.headers)
        )
        return future


class KafkaReader:
    """See `Reader`."""

    def __init__(self, consumer: AIOKafkaConsumer, timeout: float) -> None:
        self._consumer, self._timeout = consumer, timeout
        self._read: dict[TopicPartition, int] = {}

    async def read(self, seconds: float, limit: int) -> Sequence[Record]:
        """At most `limit` records, as soon as there is one; nothing after `seconds`. BrokerUnavailable."""
        with _mapped("read"):
            batches = await self._consumer.getmany(timeout_ms=int(seconds * 1000), max_records=limit)
        for place, batch in batches.items():
            if batch:
                self._read[place] = batch[-1].offset + 1
        return [
            Record(each.topic, each.partition, each.offset, each.key, each.value or b"", tuple(each.headers))
            for batch in batches.values()
            for each in batch
        ]

    async def commit(self) -> None:
        """Partitions that went to another member since are left to it."""
        assigned = self._consumer.assignment()
        offsets = {place: offset for place, offset in self._read.items() if place in assigned}
        self._read.clear()
        if offsets:
            async with _exchange("commit", self._timeout):
                await self._consumer.commit(offsets)

    async def rewind(self, topic: str, partition: int, offset: int) -> None:
        """Read this partition again from `offset`, also after a restart; BrokerUnavailable."""
        place = TopicPartition(topic, partition)
        self._read.pop(place, None)
        async with _exchange("rewind", self._timeout):
            await self._consumer.commit({place: offset})
            self._consumer.seek(place, offset)

    async def lag(self) -> int:
        """Records in the assigned partitions that were not read yet; BrokerUnavailable."""
        assigned = list(self._consumer.assignment())
        if not assigned:
            return 0
        async with _exchange("read end offsets", self._timeout):
            ends = await self._consumer.end_offsets(assigned)
            return sum([max(0, end - await self._consumer.position(place)) for place, end in ends.items()])

    def owns(self, topic: str, partition: int) -> bool:
        """Whether this member has the partition just now."""
        return TopicPartition(topic, partition) in self._consumer.assignment()


def broker_of(brokers: "str | Broker") -> Broker:
    """Addresses or a ready broker."""
    return KafkaBroker(brokers) if isinstance(brokers, str) else brokers


def _position(future: "asyncio.Future[Any]") -> Position | None:
    if not future.done() or future.cancelled() or future.exception() is not None:
        return None
    return Position(future.result().partition, future.result().offset)


def _by_crc32(key: bytes | None, partitions: Sequence[int], _available: Sequence[int]) -> int:
    """As librdkafka's "consistent": aiokafka's own murmur2 is written in Python, 2 % of what booking does in a sale.

    Where a relay of an earlier release, or with fewer partitions, put an aggregate elsewhere, consumers wait for the
    versions that are missing.
    """
    return partitions[crc32(key or b"") % len(partitions)]


@contextmanager
def _mapped(what: str) -> Iterator[None]:
    try:
        yield
    except (KafkaError, TimeoutError, OSError) as error:
        raise BrokerUnavailable(f"{what}: {error!r}") from error


@asynccontextmanager
async def _exchange(what: str, seconds: float) -> AsyncIterator[None]:
    with _mapped(what):
        async with asyncio.timeout(seconds):
            yield

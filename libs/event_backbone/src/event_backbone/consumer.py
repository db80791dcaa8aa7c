"""From the broker to the handlers of one subscription: read a batch, apply it, commit; whatever happens, go on."""

import logging
import time
from collections.abc import Collection, Sequence
from contextlib import suppress

from domain_kit.backbone import Inbox, InboxEvent
from domain_kit.clock import Clock, utc_now
from domain_kit.crash_points import crash_point
from event_backbone.application import Application
from event_backbone.attempts import Around, Attempts, alone
from event_backbone.broker import DEFAULT_PARTITIONS, Broker, BrokerUnavailable, Reader, Record
from event_backbone.dead_letters import DEAD_LETTER_TOPIC, DeadLetters
from event_backbone.kafka import broker_of
from event_backbone.metrics import ConsumerMetrics, Silence
from event_backbone.records import CONTROL_TYPE, Undecodable, decode_event, decode_refill
from event_backbone.subscription import Subscription
from event_backbone.worker import Pauses, Worker
from usher.backbone.v1.control_pb2 import LogRefilled

log = logging.getLogger(__name__)

READ_SECONDS = 0.25  # a stop is noticed within this; records are handed over as soon as they come
IDLE_SWEEP_SECONDS = 4.0


class Consumer(Worker):
    """Runs one subscription. Several processes with the same consumer name share its partitions.

    around: what each handler call runs in (a trace, a correlation id). concurrency: aggregates at once.
    gap: seconds from one batch to the next, so that under load many domain events share the statements they need.
    sweep_seconds: how often parked domain events are looked at; redrives are noticed within four seconds.
    watch_seconds: how often progress is compared with the end of the log; two rounds without any rebuild the client.
    """

    def __init__(
        self,
        subscription: Subscription,
        inbox: Inbox,
        *,
        brokers: str | Broker,
        metrics: ConsumerMetrics | None = None,
        around: Around = alone,
        clock: Clock = utc_now,
        dead_letter_topic: str = DEAD_LETTER_TOPIC,
        partitions: int = DEFAULT_PARTITIONS,
        concurrency: int = 64,
        gap: float = 0.0,
        batch: int = 500,
        tries: int = 3,
        handler_seconds: float = 15.0,
        sweep_seconds: float = 1.0,
        watch_seconds: float = 5.0,
        drain_seconds: float = 3.0,
    ) -> None:
        super().__init__(drain_seconds)
        self._subscription, self._name, self._inbox = subscription, subscription.consumer, inbox
        self._broker, self._metrics = broker_of(brokers), metrics or Silence()
        self._partitions, self._batch, self._gap = partitions, batch, gap
        self._sweep_seconds, self._watch_seconds = sweep_seconds, watch_seconds
        self._dead_letters = DeadLetters(self._broker, self._name, dead_letter_topic)
        self._types = frozenset(subscription.by_type())
        self._looked_at = {each.encode() for each in (*self._types, CONTROL_TYPE)}
        self._taken_over: set[tuple[str, int]] = set()
        self._followed: set[str] = set()  # refills for which nobody has to go back any more
        attempts = Attempts(
            subscription, self._metrics, around=around, tries=tries, handler_seconds=handler_seconds
        )  # fmt: skip
        self._application = Application(
            self._name, inbox, attempts, self._dead_letters, self._metrics, clock, concurrency
        )  # fmt: skip

    async def _work(self) -> None:
        pauses = Pauses()
        try:
            while not self._stopping.is_set():
                try:
                    await self._broker.ensure_topics(dict.fromkeys(self._subscription.topics, self._partitions))
                    async with self._broker.reader(self._name, self._subscription.topics) as reader:
                        await self._consume(reader, pauses)
                except Exception as error:  # noqa: BLE001 - whatever it is, a consumer goes on
                    self._metrics.rebuilt(self._name)
                    log.warning("the consumer starts again", extra={"consumer": self._name, "error": repr(error)})
                    await self._pause(pauses.following())
        finally:
            await self._dead_letters.close()

    async def _consume(self, reader: Reader, pauses: Pauses) -> None:
        """Until stopped or something fails; then the client is built again, and uncommitted records come once more."""
        swept = watched = time.monotonic() - IDLE_SWEEP_SECONDS
        reads = idle_rounds = 0
        while not self._stopping.is_set():
            if records := await reader.read(READ_SECONDS, self._batch):
                reads, began = reads + 1, time.monotonic()
                try:
                    await self._take(reader, records)
                except Exception:
                    await self._tell_not_taken(reader, records)
                    raise
                pauses.reset()
                if len(records) < self._batch:  # a backlog is worked off without
                    await self._pause(began + self._gap - time.monotonic())
            now = time.monotonic()
            if now - swept >= (self._sweep_seconds if self._application.has_parked else IDLE_SWEEP_SECONDS):
                if reader.owns(self._subscription.topics[0], 0):  # one member of the group looks after what is parked
                    await self._application.sweep()
                swept = now
            if now - watched >= self._watch_seconds:
                lag = await reader.lag()
                self._metrics.lag(self._name, lag)
                idle_rounds = idle_rounds + 1 if lag and not reads else 0
                if idle_rounds >= 2:
                    raise BrokerUnavailable(f"no progress, {lag} records behind")
                watched, reads = now, 0

    async def _tell_not_taken(self, reader: Reader, records: Sequence[Record]) -> None:
        """These come again, and what follows waits behind them; who fails each time comes to no other measuring."""
        with suppress(BrokerUnavailable):
            self._metrics.lag(self._name, len(records) + await reader.lag())

    async def _take(self, reader: Reader, records: Sequence[Record]) -> None:
        again = await self._take_over(reader, {(record.topic, record.partition) for record in records})
        records = [record for record in records if (record.topic, record.partition) not in again]
        events: list[InboxEvent] = []
        refills: list[tuple[Record, LogRefilled]] = []
        for record in records:
            if self._is_passed_over(record):
                continue
            try:
                if (refill := decode_refill(record)) is not None:
                    refills.append((record, refill))
                else:
                    events.append(decode_event(record))
            except Undecodable as error:
                log.warning("undecodable record", extra={"consumer": self._name, "reason": str(error)})
                await self._dead_letters.put_record(record, f"UNDECODABLE: {error}")
                self._metrics.dead_lettered(self._name, "undecodable")
        if events:
            await self._application.apply(events)
        await self._go_back(reader, refills)
        crash_point("consumer.before_offsets")
        try:
            await reader.commit()
        except BrokerUnavailable as error:  # a later commit covers it; if none comes, positions skip the repeats
            log.info("offsets not committed", extra={"consumer": self._name, "error": str(error)})
        crash_point("consumer.after_offsets")

    async def _go_back(self, reader: Reader, refills: Sequence[tuple[Record, LogRefilled]]) -> None:
        """To where a loss began, once for each; a long one is closed with thousands of records that say the same.

        Noted afterwards: who dies in between goes there again, and positions skip the repeats.
        """
        named = {f"{refill.epoch}/{each.topic}/{each.partition}": (each, refill.lost_from) for each, refill in refills}
        new = [name for name in named if name not in self._followed and not await self._inbox.rewound(self._name, name)]
        lowest: dict[tuple[str, int], int] = {}
        for record, lost_from in map(named.__getitem__, new):
            place = record.topic, record.partition
            lowest[place] = min(lost_from, lowest.get(place, lost_from))
        for (topic, partition), offset in lowest.items():
            crash_point("consumer.before_rewind")
            await reader.rewind(topic, partition, offset)
            crash_point("consumer.after_rewind")
        for name in new:
            await self._inbox.note_rewound(self._name, name)
        self._followed.update(named)

    def _is_passed_over(self, record: Record) -> bool:
        """Whether nobody handles it and its successors tell of it, see Application.apply: two headers say so."""
        if self._application.has_parked:
            return False
        headers = dict(record.headers)
        kind = headers.get("ce_type")
        return bool(kind) and kind not in self._looked_at and headers.get("ce_aggregatetrail") is not None

    async def _take_over(self, reader: Reader, places: Collection[tuple[str, int]]) -> Collection[tuple[str, int]]:
        """Partitions this member reads again from the start: the one before it did not handle all that this one does.

        It passed over some of that without a trace, and what follows would wait for it. Positions keep the rest from
        being applied twice.
        """
        self._taken_over = {place for place in self._taken_over if reader.owns(*place)}
        again = set()
        for topic, partition in sorted(set(places) - self._taken_over):
            before = await self._inbox.handled_types(self._name, f"{topic}/{partition}")
            if before is not None and not self._types <= set(before):
                log.info("reads again for new types", extra={"consumer": self._name, "place": f"{topic}/{partition}"})
                await reader.rewind(topic, partition, 0)
                again.add((topic, partition))
            if before is None or self._types != set(before):
                await self._inbox.note_handled_types(self._name, f"{topic}/{partition}", self._types)
            self._taken_over.add((topic, partition))
        return again

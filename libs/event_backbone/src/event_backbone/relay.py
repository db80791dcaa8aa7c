"""From the outbox to the broker: one leader for each topic, in order, at least once."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress

from domain_kit.backbone import Outbox, OutboxEvent, Published
from domain_kit.clock import utc_now
from domain_kit.crash_points import crash_point
from domain_kit.ids import new_id
from event_backbone.broker import DEFAULT_PARTITIONS, Broker, BrokerUnavailable, Position, Writer
from event_backbone.kafka import broker_of
from event_backbone.metrics import RelayMetrics, Silence
from event_backbone.records import encode_event
from event_backbone.refill import LogWatch
from event_backbone.worker import Pauses, Worker

log = logging.getLogger(__name__)
_ANSWERS_FIRST = 0.01  # seconds after a commit, in which who asked for it is answered

# What a batch is sent in, such as a trace span for each; gives the traceparent to send with each domain event.
AroundBatch = Callable[[Sequence[OutboxEvent]], AbstractContextManager[Sequence[str]]]


def as_caused(events: Sequence[OutboxEvent]) -> AbstractContextManager[Sequence[str]]:
    """Sends each with the traceparent of who caused it."""
    return nullcontext([event.traceparent for event in events])


class Relay(Worker):
    """Publishes what a service commits. Run one in every process of the service: a lease lets one of them work.

    topic: "usher.<service>.v1", created when missing. source: CloudEvents source, "//usher/<service>".
    around: what a batch is sent in.
    batch: domain events sent at once. gap: seconds from one of these to the next; what comes first goes at once.
    poll_seconds: how long a commit of another process may go unnoticed.
    check_seconds: how long a loss of records may go unnoticed. lease_seconds: how long a killed leader blocks the next.
    """

    def __init__(
        self,
        outbox: Outbox,
        *,
        topic: str,
        source: str,
        brokers: str | Broker,
        metrics: RelayMetrics | None = None,
        around: AroundBatch = as_caused,
        partitions: int = DEFAULT_PARTITIONS,
        batch: int = 500,
        gap: float = 0.05,
        poll_seconds: float = 0.5,
        check_seconds: float = 1.0,
        lease_seconds: float = 6.0,
        drain_seconds: float = 3.0,
    ) -> None:
        super().__init__(drain_seconds)
        self._outbox, self._topic, self._source = outbox, topic, source
        self._broker = broker_of(brokers)
        self._metrics, self._around = metrics or Silence(), around
        self._partitions, self._batch, self._gap = partitions, batch, gap
        self._poll_seconds, self._check_seconds, self._lease_seconds = poll_seconds, check_seconds, lease_seconds
        self._lease, self._owner = f"relay/{topic}", new_id()
        self._led = False
        self._log = LogWatch(outbox, self._broker, topic, source, self._metrics)

    async def _work(self) -> None:
        pauses = Pauses()
        try:
            while not self._stopping.is_set():
                try:
                    if not await self._leads():
                        await self._pause(self._poll_seconds)
                        continue
                    await self._broker.ensure_topics({self._topic: self._partitions})
                    async with self._broker.writer() as writer:
                        await self._relay(writer, pauses)
                except Exception as error:  # noqa: BLE001 - whatever it is, a relay goes on
                    self._metrics.failed(self._topic)
                    log.warning("the relay starts again", extra={"topic": self._topic, "error": repr(error)})
                    await self._measure_age()
                    await self._pause(pauses.following())
        finally:
            await self._resign()

    async def _relay(self, writer: Writer, pauses: Pauses) -> None:
        """Until stopped, out of office, or something fails; then the writer is built again."""
        checked = 0.0
        try:
            while not self._stopping.is_set() and await self._leads():
                if time.monotonic() - checked >= self._check_seconds:
                    await self._log.check(writer, taking_office=not checked)
                    await self._measure_age()
                    checked = time.monotonic()
                events = await self._outbox.pending(self._batch)
                if events:
                    began = time.monotonic()
                    await self._publish(writer, events)
                    await self._pause(began + self._gap - time.monotonic())
                else:
                    await self._idle()
                pauses.reset()
        finally:
            if self._led:
                await self._outbox.settle()
            else:  # whoever leads now has published it again, or will
                await self._outbox.leave_pending()

    async def _publish(self, writer: Writer, events: Sequence[OutboxEvent]) -> None:
        crash_point("relay.before_publish")
        with self._around(events) as traceparents:
            positions = await writer.send(
                [
                    encode_event(event, topic=self._topic, source=self._source, traceparent=traceparent)
                    for event, traceparent in zip(events, traceparents, strict=True)
                ]
            )
        crash_point("relay.after_publish")
        placed = [(event, position) for event, position in zip(events, positions, strict=True) if position is not None]
        lost = await self._log.note(writer, _extremes([position for _, position in placed]))
        published = [
            Published(event.row, event.index, position.partition, position.offset)
            for event, position in placed
            if position.partition not in lost
        ]
        if published:
            await self._outbox.mark_published(published)
            crash_point("relay.after_mark")
            oldest = min(event.time for event, _ in placed)
            self._metrics.published(self._topic, len(published), (utc_now() - oldest).total_seconds())
        if len(placed) < len(events):
            raise BrokerUnavailable(f"{len(events) - len(placed)} of {len(events)} domain events were not acknowledged")

    async def _idle(self) -> None:
        """Wait for a commit or a stop, whichever comes first."""
        seconds = max(0.0, min(self._poll_seconds, self._outbox.marks_due()))
        waits = {
            asyncio.ensure_future(self._outbox.wait_for_commit(seconds)),
            asyncio.ensure_future(self._stopping.wait()),
        }
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in waits:
                task.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        await self._pause(_ANSWERS_FIRST)

    async def _leads(self) -> bool:
        """Two leaders at once do no harm but duplicates."""
        leads = await self._outbox.hold_lease(self._lease, self._owner, self._lease_seconds)
        if leads != self._led:
            self._led = leads
            self._metrics.leads(self._topic, leads)
        return leads

    async def _measure_age(self) -> None:
        with suppress(Exception):  # it is only a figure; what is wrong shows elsewhere
            self._metrics.outbox_age((await self._outbox.oldest_pending_age()).total_seconds())

    async def _resign(self) -> None:
        self._metrics.leads(self._topic, False)
        if self._led:
            with suppress(Exception, TimeoutError):
                await asyncio.wait_for(self._outbox.release_lease(self._lease, self._owner), 2.0)


def _extremes(positions: Sequence[Position]) -> dict[int, tuple[int, int]]:
    """Partition → lowest and highest offset."""
    extremes: dict[int, tuple[int, int]] = {}
    for position in positions:
        lowest, highest = extremes.get(position.partition, (position.offset, position.offset))
        extremes[position.partition] = (min(lowest, position.offset), max(highest, position.offset))
    return extremes

"""Finding out that the broker lost records, and making room so that no consumer misses what is published again.

A consumer at offset c never looks at what is written below c. So before anything is published again, the lost stretch
is closed with control records up to beyond every offset a consumer can have reached; what follows is ahead of everyone.
"""

import logging
from collections.abc import Mapping
from contextlib import suppress

from domain_kit.backbone import Outbox
from domain_kit.crash_points import crash_point
from domain_kit.ids import new_id
from event_backbone.broker import Broker, BrokerUnavailable, Writer
from event_backbone.metrics import RelayMetrics
from event_backbone.records import encode_refill

log = logging.getLogger(__name__)

PADDING_BATCH = 1000

# Records that may have been written over a lost stretch before the loss was noticed: a batch of this relay, and one of
# a leader that had not yet noticed it is none any more. Publishing what was not lost once more does no harm.
UNNOTICED = 1000


class LogWatch:
    """Knows how far each partition of one topic has been, and restores it when its end is found before that."""

    def __init__(self, outbox: Outbox, broker: Broker, topic: str, source: str, metrics: RelayMetrics) -> None:
        self._outbox, self._broker, self._topic, self._source, self._metrics = outbox, broker, topic, source, metrics
        self._published: dict[int, int] = {}
        self._ends: dict[int, int] = {}
        self._gone: set[int] = set()

    async def check(self, writer: Writer, *, taking_office: bool = False) -> bool:
        """Compare the ends of the log with what was published; True when records were lost and are pending again.

        taking_office: another relay may have died before it could mark what consumers have read by now, so that counts
        as published too, as far as the broker tells.
        """
        for partition, offset in (await self._outbox.last_offsets()).items():
            self._published[partition] = max(offset, self._published.get(partition, -1))
        if taking_office:
            with suppress(BrokerUnavailable):
                for partition, offset in (await self._broker.committed(self._topic)).items():
                    self._published[partition] = max(offset - 1, self._published.get(partition, -1))
        ends = await writer.end_offsets(self._topic)
        lost = {
            partition: ends.get(partition, 0)
            for partition, offset in self._published.items()
            if ends.get(partition, 0) <= offset and (partition in ends or partition not in self._gone)
        }
        if lost:
            await self._restore(writer, lost)
        else:
            self._see(ends)
        return bool(lost)

    async def note(self, writer: Writer, acknowledged: Mapping[int, tuple[int, int]]) -> set[int]:
        """Take offsets the broker just gave, {partition: (lowest, highest)}; return the partitions that lost records.

        What was sent to those may lie where consumers no longer look; it must not be marked as published.
        """
        lost = {
            partition: lowest
            for partition, (lowest, _) in acknowledged.items()
            if lowest <= self._published.get(partition, -1)
        }
        for partition, (_, highest) in acknowledged.items():
            self._published[partition] = max(highest, self._published.get(partition, -1))
        if lost:
            await self._restore(writer, lost)
        return set(lost)

    async def _restore(self, writer: Writer, lost: Mapping[int, int]) -> None:
        """Pending first, padding second: a crash in between is found again, since the end is still too low."""
        lost = {partition: max(0, end - UNNOTICED) for partition, end in lost.items()}
        rows = await self._outbox.mark_lost(lost)
        crash_point("refill.after_mark_lost")
        log.warning("the broker lost records", extra={"topic": self._topic, "lost_from": lost, "rows": rows})
        self._metrics.refilled(self._topic, rows)
        committed = await self._broker.committed(self._topic)
        epoch, ends = new_id(), dict(await writer.end_offsets(self._topic))
        for partition, lost_from in lost.items():
            if partition not in ends:  # recreated with fewer partitions: nobody reads this one
                self._gone.add(partition)
                continue
            # The last control record must stand at or after the position of any consumer.
            beyond = max(
                self._published[partition] + 1,
                self._ends.get(partition, 0),
                committed.get(partition, 0),
                ends[partition],
            )
            await self._pad(writer, partition, ends[partition], beyond + 1, epoch, lost_from)
        crash_point("refill.after_padding")
        self._see(await writer.end_offsets(self._topic))

    async def _pad(self, writer: Writer, partition: int, end: int, until: int, epoch: str, lost_from: int) -> None:
        record = encode_refill(self._topic, partition, epoch=epoch, lost_from=lost_from, source=self._source)
        while end < until:
            positions = await writer.send([record] * min(PADDING_BATCH, until - end))
            reached = [position.offset for position in positions if position is not None]
            if len(reached) < len(positions):
                raise BrokerUnavailable("padding was not acknowledged")
            end = max(reached) + 1

    def _see(self, ends: Mapping[int, int]) -> None:
        for partition, end in ends.items():
            self._ends[partition] = max(end, self._ends.get(partition, 0))

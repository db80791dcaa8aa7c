"""Applying domain events: each aggregate's in version order, aggregates beside each other, trouble put aside."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain_kit.backbone import Inbox, InboxEvent, ParkedEvent
from domain_kit.clock import Clock
from domain_kit.crash_points import crash_point
from domain_kit.trails import last_of
from event_backbone.attempts import Attempts, Outcome
from event_backbone.dead_letters import DeadLetters
from event_backbone.metrics import ConsumerMetrics

PREDECESSOR_MISSING = "PREDECESSOR_MISSING"
LONGEST_WAIT = timedelta(seconds=15)


@dataclass(slots=True)
class Lane:
    """One aggregate: how far it has been applied, and the ids that need no longer be put aside."""

    position: int
    settled: list[str] = field(default_factory=list)


class Application:
    """Batch in, positions out.

    INVARIANT: a handler gets version n of an aggregate only after every one before it that has a handler was applied.
    """

    def __init__(
        self,
        consumer: str,
        inbox: Inbox,
        attempts: Attempts,
        dead_letters: DeadLetters,
        metrics: ConsumerMetrics,
        clock: Clock,
        concurrency: int,
    ) -> None:
        self._consumer, self._inbox, self._attempts = consumer, inbox, attempts
        self._handled = attempts.handled
        self._dead_letters, self._metrics, self._clock = dead_letters, metrics, clock
        self._slots = asyncio.Semaphore(concurrency)
        self._parked: dict[str, dict[int, ParkedEvent]] = defaultdict(dict)

    @property
    def has_parked(self) -> bool:
        """Whether anything is known to be put aside."""
        return bool(self._parked)

    async def apply(self, events: Sequence[InboxEvent]) -> None:
        """Apply a batch and what it unblocks; positions are raised in one write. Repeating it after a failure is safe.

        What nobody handles is passed over without a trace where its successors tell of it; where something of its
        aggregate is put aside, it is looked at, so that a replay heals also what waits for the very version before.
        Raises what the inbox and the dead-letter topic raise, after the lanes that went well were recorded.
        """
        arrived: dict[str, dict[int, InboxEvent]] = defaultdict(dict)
        for event in events:
            if event.type not in self._handled and event.trail is not None and event.subject not in self._parked:
                continue
            arrived[event.subject].setdefault(event.version, event)
        if arrived:
            await self._run(arrived)

    async def sweep(self) -> None:
        """Read again what is put aside and try what is due; a redrive is noticed here. For one member of the group."""
        parked: dict[str, dict[int, ParkedEvent]] = defaultdict(dict)
        for each in await self._inbox.parked(self._consumer):
            parked[each.event.subject][each.event.version] = each
        self._parked = parked
        if parked:
            await self._run({subject: {} for subject in parked})
        dead = sum(each.dead for lane in self._parked.values() for each in lane.values())
        waiting = sum(len(lane) for lane in self._parked.values()) - dead
        self._metrics.parked(self._consumer, waiting, dead)

    async def _run(self, arrived: dict[str, dict[int, InboxEvent]]) -> None:
        before = await self._inbox.positions(self._consumer, list(arrived))
        lanes = {subject: Lane(before.get(subject, 0)) for subject in arrived}
        results = await asyncio.gather(
            *(self._run_lane(lanes[subject], subject, events) for subject, events in arrived.items()),
            return_exceptions=True,
        )
        raised = {subject: lane.position for subject, lane in lanes.items() if lane.position > before.get(subject, 0)}
        if raised:
            crash_point("consumer.before_position")
            await self._inbox.advance(self._consumer, raised, before)
            crash_point("consumer.after_position")
        settled = [event_id for lane in lanes.values() for event_id in lane.settled]
        if settled:
            await self._inbox.unpark(self._consumer, settled)
            crash_point("consumer.after_unpark")
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _run_lane(self, lane: Lane, subject: str, arrived: dict[int, InboxEvent]) -> None:
        parked = self._parked[subject]
        async with self._slots:
            for version in sorted(arrived):
                await self._drain(lane, parked)
                if version <= lane.position:
                    continue
                if self._follows(arrived[version], lane.position):
                    await self._try(lane, arrived[version], parked.pop(version, None))
                elif version not in parked:
                    await self._park(arrived[version], dead=False, reason=PREDECESSOR_MISSING, attempts=0)
            await self._drain(lane, parked)
        for version in [version for version in parked if version <= lane.position]:
            lane.settled.append(parked.pop(version).event.id)
        if not parked:
            self._parked.pop(subject, None)

    async def _drain(self, lane: Lane, parked: dict[int, ParkedEvent]) -> None:
        """What was put aside behind a predecessor that has been applied."""
        while parked:
            version = min((each for each in parked if each > lane.position), default=0)
            following = parked.get(version)
            if following is None or not (self._follows(following.event, lane.position) and self._is_due(following)):
                return
            await self._try(lane, following.event, parked.pop(version))

    def _follows(self, event: InboxEvent, position: int) -> bool:
        """Nothing that has a handler is missing between."""
        if event.version == position + 1:
            return True
        return event.trail is not None and last_of(event.trail, self._handled) <= position < event.version

    async def _try(self, lane: Lane, event: InboxEvent, earlier: ParkedEvent | None) -> None:
        """Apply the next version. After a failure the lane stands still: everything later waits behind this one."""
        rounds = earlier.attempts if earlier else 0
        verdict = await self._attempts.attempt(event, tries=1 if rounds else None)
        if verdict.outcome is Outcome.APPLIED:
            lane.position = event.version
            if event.type in self._handled:
                self._metrics.delayed(self._consumer, (self._clock() - event.time).total_seconds())
            if earlier is not None:
                lane.settled.append(event.id)
            return
        dead = verdict.outcome is Outcome.DEAD
        await self._park(event, dead=dead, reason=verdict.reason, attempts=rounds + 1)
        if dead:
            await self._dead_letters.put_event(event, verdict.reason)
            self._metrics.dead_lettered(self._consumer, "failed")

    async def _park(self, event: InboxEvent, *, dead: bool, reason: str, attempts: int) -> None:
        parked = ParkedEvent(self._consumer, event, dead, reason, attempts, self._clock())
        crash_point("consumer.before_park")
        await self._inbox.park(parked)
        crash_point("consumer.after_park")
        self._parked[event.subject][event.version] = parked

    def _is_due(self, parked: ParkedEvent) -> bool:
        return not parked.dead and self._clock() >= due_at(parked)


def due_at(parked: ParkedEvent) -> datetime:
    """When a waiting one is tried again: at once the first time, then after 0.5, 1, 2 … 15 seconds."""
    if parked.attempts == 0:
        return parked.parked_at
    steps: int = 2 ** min(parked.attempts, 10)
    return parked.parked_at + min(LONGEST_WAIT, timedelta(seconds=0.25) * steps)

"""Serves a lane's batches: load, decide, commit once; decide again where somebody else was first."""

import asyncio
import random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol

from booking_service.domain.booking import Booking
from booking_service.domain.commands import Command, Expire, LapseReservation
from booking_service.domain.records import Record
from booking_service.domain.stock import Stock
from booking_service.outbound.ahead import Ahead
from booking_service.outbound.deciding import Plan, decide_all
from booking_service.outbound.documents import answer_from_document
from booking_service.outbound.lanes import LaneMetrics, NoLaneMetrics, Waiting
from booking_service.outbound.repositories import due_holds
from booking_service.outbound.shelf import Finder, Shelf
from booking_service.outbound.vouchers import due_reservations, lapse_cause
from domain_kit.clock import Clock
from domain_kit.crash_points import crash_point
from domain_kit.ids import new_id
from domain_kit.refusals import Aborted, AlreadyExists, Refusal
from domain_kit.repository import Cause
from mongo_store import JournalRow, Recorded, RequestRepeated, VersionConflict, Write
from mongo_store.verdicts import request_id_reused

# Refusals, and reasons to turn money away, that may rest on holds, or on places kept for vouchers, whose time is over.
_MAY_BE_DUE = {
    "SOLD_OUT",
    "TOO_MANY_FOR_PERSON",
    "VOUCHER_USED_UP",
    "VOUCHER_IN_USE",
    "SEAT_TAKEN",
    "SEAT_LEFT_ALONE",
    "OWN_RESALE_OFFER",
}
_ATTEMPTS = 100  # eight replicas that book one event at once lose seven of eight
_LOOKS = 5  # at the store, before what it holds is taken for a fault
_LONGEST_AHEAD = timedelta(seconds=1)  # prices and sale windows are those of the moment it was decided
_SWEPT_AT_ONCE = 128


class BatchJournal(Finder, Protocol):
    """What the desk needs of a journal."""

    clock: Clock

    async def commit_batch(self, writes: Sequence[Write], rows: Sequence[JournalRow]) -> None:
        """All or nothing, see mongo_store.Journal.commit_batch."""

    async def answers_to(self, causes: Sequence[Cause]) -> Recorded:
        """What was answered before, see mongo_store.Journal.answers_to."""


def expiry_cause(booking: Booking) -> Cause:
    """What is held until a moment ends once, whoever notices: a hold, and later each change that was not paid."""
    until = "" if booking.hold_expire_time is None else booking.hold_expire_time.isoformat()
    # The version: a later change may be held until the same moment as one before it was.
    return Cause(key=f"booking.expiry|{booking.name}|{until}|{booking.version}", actor="services/booking")


class BatchDesk:
    """LaneDesk of one lane. on_change: told of each stock that a commit changed; on_records: of each record."""

    def __init__(
        self,
        journal: BatchJournal,
        *,
        on_change: Callable[[Stock], None] = lambda _: None,
        on_records: Callable[[Collection[Record]], None] = lambda _: None,
        metrics: LaneMetrics | None = None,
    ) -> None:
        self._journal = journal
        self._shelf = Shelf(journal)
        self._on_change, self._on_records = on_change, on_records
        self._under_way, self._failures = False, 0  # a commit; how many did not go through
        self._metrics = metrics or NoLaneMetrics()

    async def serve(self, batch: Sequence[Waiting]) -> None:
        """Settle every command of the batch.

        INVARIANT: nobody is told yes before the commit, nor no on what was merely remembered or may not come to be.
        """
        await self._settle(batch)

    def ahead(self) -> Ahead | None:
        """For what comes while a commit is under way; None while none is."""
        return Ahead(self._shelf, self._journal.clock(), self._failures) if self._under_way else None

    async def serve_ahead(self, ahead: Ahead) -> None:
        """Settle what was decided ahead, after the batch before it: as it was decided, or anew."""
        stale = ahead.failures != self._failures or self._journal.clock() > ahead.now + _LONGEST_AHEAD
        if not stale and not any(waiting.gone for waiting in ahead.batch):
            await self._settle(ahead.batch, ahead.finish())
        else:
            await self._settle(ahead.batch)

    async def _settle(self, batch: Sequence[Waiting], plan: Plan | None = None) -> None:
        began, work, fresh = time.perf_counter(), batch, False
        for attempt in range(_ATTEMPTS):
            plan = plan or await self._decide(work, fresh=fresh)
            if await self._commit(plan, work):
                self._committed(plan, time.perf_counter() - began)
                if plan.refused:
                    await self._refuse(plan)
                if plan.postponed:
                    await self._settle(plan.postponed)
                return
            plan, fresh = None, True
            await asyncio.sleep(random.uniform(0, 0.002 * min(attempt, 15)))  # noqa: S311  # no secret
        conflict = Aborted(
            "WRITE_CONFLICT", "Others kept booking first; try again.", retry_after=timedelta(milliseconds=200)
        )
        for waiting in work:
            waiting.refuse(conflict)

    async def _decide(self, work: Sequence[Waiting], *, fresh: bool) -> Plan:
        """A plan in which whatever no guard checks, refusals and what changes nothing, rests on a look at the store.

        A look is no snapshot: a record that was read before somebody's commit may contradict one that was read after
        it, as a cancelled booking does its buyer's tally. So a fault is looked at again.

        INVARIANT: neither somebody nor their money is refused because of holds that are over, however many there are.
        """
        ended, looks = set[str](), 0
        while work := [waiting for waiting in work if not waiting.gone]:
            plan, was_fresh = await self._plan(work, fresh=fresh)
            if not plan.refused and not plan.unclaimed and (was_fresh or not plan.idle):
                return plan
            looks += was_fresh
            if was_fresh and (looks >= _LOOKS or all(isinstance(why, Refusal) for _, why in plan.refused)):
                due = [each for each in await self._due_holds(plan) if each.cause.key not in ended]
                if not due:
                    return plan
                # By a desk of its own: what is decided ahead rests on the batch under way, not on this.
                await BatchDesk(
                    self._journal, on_change=self._on_change, on_records=self._on_records, metrics=self._metrics
                ).serve(due)
                ended.update(each.cause.key for each in due)
            fresh = True
        return Plan()

    async def _commit(self, plan: Plan, work: Sequence[Waiting]) -> bool:
        """False when it has to be decided anew, for those who have no answer yet.

        What it will leave is remembered at once, for what is decided ahead, and forgotten where it does not go through.
        """
        self._shelf.keep(plan.stocks, plan.records)
        if not plan.rows:
            return True
        self._under_way, gone_through = True, False
        try:
            crash_point("booking.lane.before_commit")
            await self._journal.commit_batch(plan.writes, plan.rows)
            gone_through = True
            crash_point("booking.lane.after_commit")
        except RequestRepeated as repeat:
            self._answer_repeats(work, repeat.recorded)
        except (VersionConflict, AlreadyExists):
            self._metrics.conflicted()
        except Refusal:
            raise  # whether it went through is not known
        except Exception:
            if len(work) == 1:
                raise
            self._forget(plan)
            await self._one_by_one(work)
        finally:
            self._under_way = False
            if not gone_through:
                self._forget(plan)
        return gone_through

    def _forget(self, plan: Plan) -> None:
        """What it was to leave is not to be relied on."""
        self._failures += 1
        self._shelf.forget(plan.stocks, plan.records)

    async def _one_by_one(self, work: Sequence[Waiting]) -> None:
        """After a fault that is no refusal: only those whose fault it is shall fail."""
        for waiting in work:
            try:
                await self.serve([waiting])
            except Exception as trouble:  # noqa: BLE001  # its caller hears of it
                waiting.refuse(trouble)

    async def _plan(self, work: Sequence[Waiting], *, fresh: bool) -> tuple[Plan, bool]:
        loaded = await self._shelf.load([waiting.command for waiting in work], fresh=fresh)
        work = [waiting for waiting in work if not waiting.gone]  # as some may be since the look began
        plan = decide_all(work, loaded.stocks, loaded.records, self._journal.clock(), loaded.remembered)
        return plan, not loaded.remembered

    def _committed(self, plan: Plan, seconds: float) -> None:
        if plan.rows:
            self._metrics.committed(len(plan.rows), seconds)
        # Streams first: one message each, which would otherwise wait until all of the batch have been answered.
        for stock in plan.changed:
            self._on_change(stock)
        for waiting, answer in plan.accepted:
            waiting.answer(answer)
        self._on_records(plan.records.values())

    async def rehearse(self, command: Command) -> Record | None:
        """What it would answer now; only holds that are over end by it. Refusals as `Lanes.submit`."""
        waiting = Waiting(command, Cause(new_id()), asyncio.get_running_loop().create_future())
        plan = await self._decide([waiting], fresh=True)
        for accepted, answer in plan.accepted:
            if accepted is waiting:
                return answer
        await self._refuse(plan)
        return await waiting.done

    async def _due_holds(self, plan: Plan) -> list[Waiting]:
        """Holds whose time is over and places kept for vouchers that are, of events where something was short: nobody
        hears SOLD_OUT because of them.
        """
        refused = [(waiting, why.reason) for waiting, why in plan.refused if isinstance(why, Refusal)]
        short = {waiting.command.event for waiting, why in [*refused, *plan.unclaimed] if why in _MAY_BE_DUE}
        due: list[Waiting] = []
        now = self._journal.clock()
        for event in short:
            holds = await due_holds(self._journal, now, _SWEPT_AT_ONCE, event)
            uses = await due_reservations(self._journal, now, _SWEPT_AT_ONCE, event)
            due += [_unawaited(Expire(hold.event, hold.name), expiry_cause(hold)) for hold in holds]
            due += [_unawaited(LapseReservation(use.event, use.voucher), lapse_cause(use)) for use in uses]
        return due

    async def _refuse(self, plan: Plan) -> None:
        """A repeat of a request that went through gets its answer, also where it would be refused by now."""
        recorded = await self._journal.answers_to([waiting.cause for waiting, _ in plan.refused])
        self._answer_repeats([waiting for waiting, _ in plan.refused], recorded)
        for waiting, refusal in plan.refused:
            waiting.refuse(refusal)

    @staticmethod
    def _answer_repeats(work: Sequence[Waiting], recorded: Recorded) -> None:
        for waiting in work:
            key = waiting.cause.key
            if key in recorded.reused:
                waiting.refuse(request_id_reused())
            elif key in recorded.answers:
                answer: Mapping[str, Any] = recorded.answers[key]
                waiting.answer(answer_from_document(answer))


def _unawaited(command: Command, cause: Cause) -> Waiting:
    waiting = Waiting(command, cause, asyncio.get_running_loop().create_future())
    waiting.done.add_done_callback(_look_at)
    return waiting


def _look_at(done: "asyncio.Future[Any]") -> None:
    """Nobody awaits the end of a hold or reservation; its outcome is in the store."""
    if not done.cancelled():
        done.exception()

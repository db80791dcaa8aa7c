"""Batches of commands at desks as lanes serve them, on a journal that loses commits and answers."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass

from hypothesis import event

from booking_service.domain.commands import Command
from booking_service.outbound.desk import BatchDesk
from booking_service.outbound.lanes import Waiting
from domain_kit.refusals import Refusal, Unavailable
from domain_kit.repository import Cause
from testkit.memory import MemoryJournal


class Unreliable(MemoryJournal):
    """Loses a commit, or the news that it went through."""

    fault = ""

    async def commit_batch(self, writes, rows) -> None:
        fault, self.fault = self.fault, ""
        await asyncio.sleep(0)  # while it is under way others go on
        if fault in ("lost", "died before"):
            raise Unavailable("STORE_UNAVAILABLE", "The commit got lost.")
        await super().commit_batch(writes, rows)
        if fault:
            raise Unavailable("STORE_UNAVAILABLE", "The answer got lost.")


@dataclass(frozen=True)
class Sent:
    """A command under its cause, which a caller that was not answered sends again."""

    command: Command
    cause: Cause


async def serve_as_a_lane_does(desk: BatchDesk, batch: Sequence[Waiting]) -> None:
    """The second half comes while the first is committed, and is decided ahead as far as that goes."""
    first, later = batch[: (len(batch) + 1) // 2], deque(batch[(len(batch) + 1) // 2 :])
    serving = asyncio.ensure_future(told_if_refused(desk.serve(first), first))
    ahead, takes = None, True
    while not serving.done():
        if (ahead := ahead or desk.ahead()) is not None:
            while takes and later:
                takes = ahead.take(later[0])
                if takes:
                    event("decided ahead")
                    later.popleft()
        await asyncio.sleep(0)
    await serving
    if ahead is not None and ahead.batch:
        await told_if_refused(desk.serve_ahead(ahead), ahead.batch)
    await told_if_refused(desk.serve(list(later)), later)


async def told_if_refused(served: Awaitable[None], batch: Iterable[Waiting]) -> None:
    try:
        await served
    except Refusal as trouble:
        for waiting in batch:
            waiting.refuse(trouble)


def is_refused(one: Waiting) -> bool:
    return not one.done.cancelled() and one.done.exception() is not None and not is_unknown(one)


def is_unknown(one: Waiting) -> bool:
    return isinstance(one.done.exception(), Unavailable)


class Conflicts:
    """LaneMetrics."""

    def queued(self, commands: int) -> None: ...

    def committed(self, commands: int, seconds: float) -> None: ...

    def refused(self, reason: str) -> None: ...

    def conflicted(self) -> None:
        event("conflict")

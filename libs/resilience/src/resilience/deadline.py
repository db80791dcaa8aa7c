"""How much time the request being served has left, known to everything it calls."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar

from domain_kit.refusals import DeadlineExceeded

# Instant on the monotonic clock; None: no limit.
_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


def remaining() -> float | None:
    """Seconds left, never below zero; None where no deadline was set."""
    deadline = _deadline.get()
    return None if deadline is None else max(0.0, deadline - time.monotonic())


def at_most(seconds: float | None) -> float | None:
    """The shorter of `seconds` and what is left; None where neither limits."""
    left = remaining()
    return seconds if left is None else left if seconds is None else min(left, seconds)


@contextmanager
def deadline_scope(seconds: float | None) -> Iterator[None]:
    """Give the block at most `seconds`. An outer deadline that ends sooner stays; None changes nothing.

    It only lowers what `remaining` says: `time_limit` is what interrupts.
    """
    if seconds is None:
        yield
        return
    end, outer = time.monotonic() + seconds, _deadline.get()
    token = _deadline.set(end if outer is None else min(end, outer))
    try:
        yield
    finally:
        _deadline.reset(token)


@asynccontextmanager
async def time_limit(seconds: float | None, *, name: str = "call") -> AsyncIterator[None]:
    """Interrupt the block after `seconds` or at the deadline, whichever is first, and pass that limit on inside.

    DeadlineExceeded CALL_TIMED_OUT when `seconds` ran out, DEADLINE_EXCEEDED when the caller's own time did.
    """
    limit, left = at_most(seconds), remaining()
    if left == 0.0:
        raise _out_of_time(name)
    with deadline_scope(limit):
        clock = asyncio.timeout(limit)
        try:
            async with clock:
                yield
        except TimeoutError as error:
            if not clock.expired():
                raise
            if left is not None and (seconds is None or left <= seconds):
                raise _out_of_time(name) from error
            raise DeadlineExceeded(
                "CALL_TIMED_OUT", f"{name} did not answer within {seconds:g} s.", metadata={"dependency": name}
            ) from error


def _out_of_time(name: str) -> DeadlineExceeded:
    return DeadlineExceeded("DEADLINE_EXCEEDED", f"No time is left for {name}.", metadata={"dependency": name})

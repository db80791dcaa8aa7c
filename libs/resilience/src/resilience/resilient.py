"""The parts put together in the order that keeps each honest: bulkhead, retries, breaker, time limit."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import ParamSpec, TypeVar

from domain_kit.refusals import DeadlineExceeded, Unavailable
from resilience.breaker import Breaker
from resilience.bulkhead import Bulkhead
from resilience.deadline import time_limit
from resilience.metrics import CallMetrics, NoMetrics
from resilience.retry import Retry, Retrying

P = ParamSpec("P")
T = TypeVar("T")


class Resilient:
    """Guards all calls of one dependency. Each part may be left out.

    timeout: seconds for one attempt. retry: applies only to calls told to be idempotent. A place in the bulkhead is
    held over all attempts of a call, the breaker counts each attempt, and the caller's deadline ends everything.
    """

    def __init__(
        self,
        name: str,
        *,
        timeout: float | None = None,
        retry: Retry | None = None,
        breaker: Breaker | None = None,
        bulkhead: Bulkhead | None = None,
        metrics: CallMetrics | None = None,
    ) -> None:
        self.name = name
        self._timeout = timeout
        self._breaker = breaker
        self._bulkhead = bulkhead
        self._metrics = metrics or NoMetrics()
        self._retrying = Retrying(retry) if retry else None

    async def call(self, fn: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call once. Unavailable BULKHEAD_FULL or CIRCUIT_OPEN, DeadlineExceeded, or whatever `fn` raises."""
        async with self._place():
            return await self._attempt(fn, *args, **kwargs)

    async def call_idempotent(self, fn: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call, and call again after a transient failure: only for reads and for what carries an idempotency key."""
        if self._retrying is None:
            return await self.call(fn, *args, **kwargs)
        async with self._place():
            return await self._retrying(lambda: self._attempt(fn, *args, **kwargs))

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        if self._bulkhead is None:
            yield
            return
        async with time_limit(None, name=self.name), self._bulkhead.place():
            yield

    async def _attempt(self, fn: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        started, outcome = time.perf_counter(), "failed"
        try:
            if self._breaker is None:
                answer = await self._limited(fn, *args, **kwargs)
            else:
                async with self._breaker.guard():
                    answer = await self._limited(fn, *args, **kwargs)
        except DeadlineExceeded:
            outcome = "timed_out"
            raise
        except Unavailable as refusal:
            outcome = "refused" if refusal.reason == "CIRCUIT_OPEN" else "failed"
            raise
        except asyncio.CancelledError:
            outcome = "cancelled"
            raise
        else:
            outcome = "ok"
            return answer
        finally:
            self._metrics.attempted(self.name, outcome, time.perf_counter() - started)

    async def _limited(self, fn: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        async with time_limit(self._timeout, name=self.name):
            return await fn(*args, **kwargs)

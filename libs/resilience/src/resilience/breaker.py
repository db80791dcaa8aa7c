"""A circuit breaker for asyncio over pybreaker: failures in a row open it, and after a while one call tries."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pybreaker

from domain_kit.refusals import DeadlineExceeded, Unavailable
from resilience.metrics import CallMetrics, NoMetrics
from resilience.retry import is_transient


class Breaker:
    """Opens after `failures` in a row and refuses for `reset_seconds`; then a single trial call decides.

    `counts` says which errors speak against the dependency; all others prove that it answers. A call cancelled
    or out of its caller's time proves nothing. A call that began before a state change is not counted in the new state.
    """

    def __init__(
        self,
        name: str,
        *,
        failures: int = 5,
        reset_seconds: float = 10.0,
        counts: Callable[[BaseException], bool] = is_transient,
        metrics: CallMetrics | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._reset_seconds = reset_seconds
        self._counts = counts
        self._clock = clock
        self._metrics = metrics or NoMetrics()
        self._opened_at = 0.0
        self._trial_runs = False
        self._epoch = 0
        self._circuit = pybreaker.CircuitBreaker(
            fail_max=failures,
            # This class decides when the trial is due, so the circuit itself never waits.
            reset_timeout=0,
            listeners=[_Listener(self._changed)],
            name=name,
            throw_new_error_on_trip=False,
        )
        self._metrics.breaker_changed(name, self.state)

    @property
    def state(self) -> str:
        """One of "closed", "half-open" and "open"; half-open as soon as a call may try, whether one has or not."""
        state = str(self._circuit.current_state)
        return pybreaker.STATE_HALF_OPEN if state == pybreaker.STATE_OPEN and self._wait() <= 0 else state

    @asynccontextmanager
    async def guard(self) -> AsyncIterator[None]:
        """Run the block as one call; Unavailable CIRCUIT_OPEN with the time to wait when it may not run now."""
        epoch = self._admit()
        try:
            yield
        except BaseException as error:
            if _proves_nothing(error):
                self._forget(epoch)
            else:
                self._record(epoch, error if self._counts(error) else None)
            raise
        self._record(epoch, None)

    def _admit(self) -> int:
        if self.state == pybreaker.STATE_OPEN:
            raise self._refusal(self._wait())
        if self._circuit.current_state == pybreaker.STATE_OPEN:
            self._circuit.half_open()
        if self.state == pybreaker.STATE_HALF_OPEN:
            if self._trial_runs:
                raise self._refusal(0.0)
            self._trial_runs = True
        return self._epoch

    def _wait(self) -> float:
        return self._opened_at + self._reset_seconds - self._clock()

    def _record(self, epoch: int, failure: BaseException | None) -> None:
        if epoch != self._epoch:
            return
        if failure is None:
            self._circuit.call(_succeed)
            return
        try:
            self._circuit.call(_fail, failure)
        except type(failure):
            return

    def _forget(self, epoch: int) -> None:
        if epoch == self._epoch:
            self._trial_runs = False

    def _changed(self, state: str) -> None:
        self._epoch += 1
        self._trial_runs = False
        if state == pybreaker.STATE_OPEN:
            self._opened_at = self._clock()
        self._metrics.breaker_changed(self.name, state)

    def _refusal(self, wait: float) -> Unavailable:
        return Unavailable(
            "CIRCUIT_OPEN",
            f"{self.name} has been failing and is left alone for a while.",
            metadata={"dependency": self.name},
            retry_after=timedelta(seconds=max(wait, 0.1)),
        )


class _Listener(pybreaker.CircuitBreakerListener):
    def __init__(self, changed: Callable[[str], None]) -> None:
        self._tell = changed

    def state_change(
        self,
        cb: pybreaker.CircuitBreaker,  # noqa: ARG002 named by pybreaker
        old_state: pybreaker.CircuitBreakerState | None,  # noqa: ARG002
        new_state: pybreaker.CircuitBreakerState,
    ) -> None:
        """Pass the new state's name on."""
        self._tell(new_state.name)


def _proves_nothing(error: BaseException) -> bool:
    if isinstance(error, DeadlineExceeded):
        return error.reason == "DEADLINE_EXCEEDED"
    return not isinstance(error, Exception)


def _succeed() -> None:
    return None


def _fail(error: BaseException) -> None:
    raise error

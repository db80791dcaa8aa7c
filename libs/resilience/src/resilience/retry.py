"""Retries with exponential backoff and full jitter, over tenacity."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, stop_never
from tenacity.wait import wait_random_exponential

from domain_kit.refusals import Refusal, Unavailable
from resilience.deadline import remaining

P = ParamSpec("P")
T = TypeVar("T")
RetryOn = tuple[type[Exception], ...] | type[Exception] | Callable[[BaseException], bool]
OnRetry = Callable[[int, BaseException, float], None]


def is_transient(error: BaseException) -> bool:
    """Whether repeating may help: no answer, a lost connection, a time-out of one attempt."""
    if isinstance(error, Refusal):
        return isinstance(error, Unavailable) or error.reason == "CALL_TIMED_OUT"
    return isinstance(error, (ConnectionError, TimeoutError))


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how patiently: `attempts` in all (None: for ever), waits grow from `initial` to `maximum` seconds.

    Each wait is drawn between 0 and its bound, which spreads callers that failed together
    (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
    """

    attempts: int | None = 3
    initial: float = 0.05
    maximum: float = 2.0
    retry_on: RetryOn = is_transient


class Retrying:
    """Calls until it succeeds, or raises the last error when `policy` gives up or a wait would pass the deadline."""

    def __init__(self, policy: Retry, on_retry: OnRetry | None = None) -> None:
        self._policy = policy
        self._on_retry = on_retry
        self._again = _predicate(policy.retry_on)
        self._give_up = stop_never if policy.attempts is None else stop_after_attempt(policy.attempts)

    async def __call__(self, fn: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """The answer of the first attempt that succeeds. Only for what may be repeated.

        A first attempt that succeeds, as nearly all do, needs no tenacity, which costs as much as a small call.
        """
        failed: Exception | None = None
        try:
            return await fn(*args, **kwargs)
        except Exception as error:
            if not self._again(error):
                raise
            failed = error

        # tenacity awaits only what it recognises as a coroutine function, not a lambda that returns an awaitable.
        async def attempt() -> T:
            nonlocal failed
            if failed is not None:  # its first attempt has been made
                error, failed = failed, None
                raise error
            return await fn(*args, **kwargs)

        loop = AsyncRetrying(
            stop=self._stop,
            wait=wait_random_exponential(multiplier=self._policy.initial, max=self._policy.maximum),
            retry=retry_if_exception(self._again),
            before_sleep=self._tell,
            reraise=True,
        )
        return await loop(attempt)

    def _stop(self, state: RetryCallState) -> bool:
        left = remaining()
        return self._give_up(state) or (left is not None and state.upcoming_sleep >= left)

    def _tell(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if self._on_retry and error:
            self._on_retry(state.attempt_number, error, state.upcoming_sleep)


def retrying(
    attempts: int | None,
    initial: float,
    maximum: float,
    retry_on: RetryOn = is_transient,
    *,
    on_retry: OnRetry | None = None,
) -> Retrying:
    """A caller that repeats.

    Use as `await retrying(5, 0.05, 2.0, KafkaError)(fn, *args)`.

    `initial` and `maximum` bound the waits, in seconds; `on_retry(attempt, error, wait)` is told before each of them.
    """
    return Retrying(Retry(attempts, initial, maximum, retry_on), on_retry)


def _predicate(retry_on: RetryOn) -> Callable[[BaseException], bool]:
    if isinstance(retry_on, (tuple, type)):
        kinds = retry_on
        return lambda error: isinstance(error, kinds)
    accepts = retry_on
    return lambda error: isinstance(error, Exception) and accepts(error)

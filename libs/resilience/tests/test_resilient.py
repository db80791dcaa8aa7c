"""The parts together: what is repeated, what is counted, what ends it all."""

import asyncio

import pytest

from domain_kit.refusals import DeadlineExceeded, InvalidArgument, Unavailable
from resilience import Breaker, Bulkhead, Resilient, Retry, deadline_scope

QUICK = Retry(attempts=3, initial=0.001, maximum=0.002)


class Dependency:
    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.calls = 0

    async def ask(self, question: str, *, politely: bool = False) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return f"{question} {politely}"


async def never() -> None:
    await asyncio.Event().wait()


async def test_a_call_not_told_to_be_idempotent_is_never_repeated(metrics):
    dependency = Dependency(ConnectionError())
    with pytest.raises(ConnectionError):
        await Resilient("stripe", retry=QUICK, metrics=metrics).call(dependency.ask, "hi")
    assert (dependency.calls, metrics.attempts) == (1, ["failed"])


async def test_an_idempotent_call_is_repeated_until_it_succeeds(metrics):
    dependency = Dependency(ConnectionError(), Unavailable("X", ""))
    guarded = Resilient("stripe", retry=QUICK, metrics=metrics)
    assert await guarded.call_idempotent(dependency.ask, "hi", politely=True) == "hi True"
    assert metrics.attempts == ["failed", "failed", "ok"]


async def test_a_refused_request_is_not_repeated():
    dependency = Dependency(InvalidArgument("X", ""))
    with pytest.raises(InvalidArgument):
        await Resilient("stripe", retry=QUICK).call_idempotent(dependency.ask, "hi")
    assert dependency.calls == 1


async def test_without_any_part_it_just_calls():
    assert await Resilient("stripe").call_idempotent(Dependency().ask, "hi") == "hi False"


async def test_each_slow_attempt_is_cut_and_counts_against_the_breaker(metrics):
    breaker = Breaker("stripe", failures=2, reset_seconds=60)
    guarded = Resilient("stripe", timeout=0.005, retry=QUICK, breaker=breaker, metrics=metrics)
    with pytest.raises(Unavailable) as caught:
        await guarded.call_idempotent(never)
    assert caught.value.reason == "CIRCUIT_OPEN"
    assert metrics.attempts == ["timed_out", "timed_out", "refused"]


async def test_the_callers_deadline_ends_waiting_for_a_place():
    bulkhead = Bulkhead("stripe", limit=1, queue=5)
    guarded = Resilient("stripe", bulkhead=bulkhead)
    first = asyncio.create_task(guarded.call(never))
    await asyncio.sleep(0)
    with deadline_scope(0.01), pytest.raises(DeadlineExceeded):
        await guarded.call(Dependency().ask, "hi")
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await guarded.call(Dependency().ask, "hi") == "hi False"


async def test_the_callers_deadline_does_not_count_against_the_dependency():
    breaker = Breaker("stripe", failures=1)
    guarded = Resilient("stripe", timeout=10, breaker=breaker)
    with deadline_scope(0.01), pytest.raises(DeadlineExceeded):
        await guarded.call(never)
    assert breaker.state == "closed"

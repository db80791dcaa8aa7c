"""A breaker opens, waits, lets one trial through, and is not fooled by late or cancelled calls."""

import asyncio

import pytest

from domain_kit.refusals import DeadlineExceeded, InvalidArgument, Unavailable
from resilience import Breaker


class Time:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def breaker(time, metrics) -> Breaker:
    return Breaker("stripe", failures=2, reset_seconds=10, clock=time, metrics=metrics)


async def fail(breaker: Breaker, error: BaseException) -> None:
    with pytest.raises(type(error)):
        async with breaker.guard():
            raise error


async def opened(breaker: Breaker) -> None:
    await fail(breaker, ConnectionError())
    await fail(breaker, ConnectionError())
    assert breaker.state == "open"


async def test_it_opens_after_failures_in_a_row_and_then_refuses_with_the_time_to_wait(breaker, time):
    await opened(breaker)
    time.now += 4
    with pytest.raises(Unavailable) as caught:
        async with breaker.guard():
            pytest.fail("ran")
    assert caught.value.reason == "CIRCUIT_OPEN"
    assert caught.value.retry_after.total_seconds() == 6


async def test_a_success_between_failures_starts_the_count_again(breaker):
    await fail(breaker, ConnectionError())
    async with breaker.guard():
        pass
    await fail(breaker, ConnectionError())
    assert breaker.state == "closed"


async def test_a_refusal_of_the_request_proves_that_the_dependency_answers(breaker):
    await fail(breaker, ConnectionError())
    await fail(breaker, InvalidArgument("X", ""))
    await fail(breaker, ConnectionError())
    assert breaker.state == "closed"


async def test_after_the_wait_one_trial_closes_it(breaker, time, metrics):
    await opened(breaker)
    time.now += 10
    async with breaker.guard():
        with pytest.raises(Unavailable):
            async with breaker.guard():
                pytest.fail("a second trial ran beside the first")
    assert breaker.state == "closed"
    assert metrics.states == ["closed", "open", "half-open", "closed"]


async def test_it_says_that_a_call_may_try_before_one_has(breaker, time):
    """Who chooses by state among several would never try an open one again, and so it would stay open."""
    await opened(breaker)
    time.now += 9.9
    assert breaker.state == "open"
    time.now += 0.1
    assert breaker.state == "half-open"


async def test_a_failed_trial_opens_it_for_another_wait(breaker, time):
    await opened(breaker)
    time.now += 10
    await fail(breaker, ConnectionError())
    assert breaker.state == "open"
    time.now += 9
    await fail(breaker, Unavailable("CIRCUIT_OPEN", ""))


async def test_a_cancelled_trial_proves_nothing_and_the_next_call_may_try(breaker, time):
    await opened(breaker)
    time.now += 10
    await fail(breaker, asyncio.CancelledError())
    assert breaker.state == "half-open"
    async with breaker.guard():
        pass
    assert breaker.state == "closed"


async def test_a_call_begun_before_it_opened_does_not_close_it_when_it_ends_late(breaker, time):
    async with breaker.guard():
        await opened(breaker)
        time.now += 10
        trial = breaker.guard()
        await trial.__aenter__()
    assert breaker.state == "half-open"
    await trial.__aexit__(None, None, None)
    assert breaker.state == "closed"


async def test_a_trial_whose_caller_ran_out_of_time_proves_nothing(breaker, time):
    await opened(breaker)
    time.now += 10
    await fail(breaker, DeadlineExceeded("DEADLINE_EXCEEDED", ""))
    assert breaker.state == "half-open"

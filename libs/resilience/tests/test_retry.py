"""Retries stop when they should, and only repeat what may succeed."""

import time

import pytest

from domain_kit.refusals import DeadlineExceeded, InvalidArgument, Unavailable
from resilience import deadline_scope, is_transient, retrying


class Flaky:
    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.calls = 0

    async def __call__(self, answer: str = "done") -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return answer


async def test_a_call_that_fails_twice_succeeds_on_its_third_attempt_with_its_arguments():
    flaky, told = Flaky(ConnectionError(), TimeoutError()), []
    retry = retrying(3, 0.001, 0.002, on_retry=lambda attempt, error, wait: told.append((attempt, type(error))))
    assert await retry(flaky, "seven") == "seven"
    assert told == [(1, ConnectionError), (2, TimeoutError)]


async def test_when_all_attempts_fail_the_last_error_itself_is_raised():
    flaky = Flaky(ConnectionError("a"), ConnectionError("b"))
    with pytest.raises(ConnectionError, match="b"):
        await retrying(2, 0.001, 0.001)(flaky)
    assert flaky.calls == 2


@pytest.mark.parametrize("retry_on", [KeyError, (KeyError, ValueError), lambda error: isinstance(error, KeyError)])
async def test_only_the_named_errors_are_repeated(retry_on):
    flaky = Flaky(KeyError(), LookupError())
    with pytest.raises(LookupError):
        await retrying(5, 0.001, 0.001, retry_on)(flaky)
    assert flaky.calls == 2


async def test_a_lambda_that_returns_an_awaitable_is_awaited_and_repeated():
    flaky = Flaky(ConnectionError())
    assert await retrying(2, 0.001, 0.001)(lambda: flaky("x")) == "x"


async def test_without_a_number_of_attempts_it_goes_on():
    flaky = Flaky(*[ConnectionError() for _ in range(40)])
    assert await retrying(None, 0.0001, 0.0001)(flaky) == "done"


async def test_a_wait_that_would_pass_the_deadline_is_not_begun():
    flaky, started = Flaky(ConnectionError(), ConnectionError()), time.monotonic()
    with deadline_scope(0.0), pytest.raises(ConnectionError):
        await retrying(10, 30.0, 60.0)(flaky)
    assert flaky.calls == 1
    assert time.monotonic() - started < 1


def test_refusals_about_the_request_are_not_transient_and_a_spent_deadline_neither():
    assert is_transient(Unavailable("X", ""))
    assert is_transient(DeadlineExceeded("CALL_TIMED_OUT", ""))
    assert not is_transient(DeadlineExceeded("DEADLINE_EXCEEDED", ""))
    assert not is_transient(InvalidArgument("X", ""))
    assert not is_transient(ValueError())

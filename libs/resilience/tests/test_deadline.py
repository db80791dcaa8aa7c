"""The time a request has left shrinks on its way inwards and never grows."""

import asyncio

import pytest

from domain_kit.refusals import DeadlineExceeded
from resilience.deadline import at_most, deadline_scope, remaining, time_limit


def test_without_a_deadline_nothing_limits():
    assert remaining() is None
    assert at_most(None) is None
    assert at_most(3.0) == 3.0


def test_an_inner_scope_can_only_shorten():
    with deadline_scope(10):
        with deadline_scope(100):
            assert remaining() <= 10
        with deadline_scope(1):
            assert remaining() <= 1
        with deadline_scope(None):
            assert 9 < remaining() <= 10
        assert 9 < remaining() <= 10
    assert remaining() is None


async def test_a_slow_block_is_interrupted_with_the_name_of_what_was_slow():
    with pytest.raises(DeadlineExceeded) as caught:
        async with time_limit(0.01, name="stripe"):
            await asyncio.Event().wait()
    assert (caught.value.reason, caught.value.metadata) == ("CALL_TIMED_OUT", {"dependency": "stripe"})


async def test_when_the_callers_own_time_ends_first_the_reason_says_so():
    with deadline_scope(0.01), pytest.raises(DeadlineExceeded) as caught:
        async with time_limit(30):
            assert remaining() <= 0.01
            await asyncio.Event().wait()
    assert caught.value.reason == "DEADLINE_EXCEEDED"


async def test_with_no_time_left_the_block_does_not_begin():
    with deadline_scope(0), pytest.raises(DeadlineExceeded):
        async with time_limit(30):
            pytest.fail("began")


async def test_a_time_out_raised_by_the_block_itself_stays_what_it_is():
    with pytest.raises(TimeoutError):
        async with time_limit(30):
            raise TimeoutError


async def test_a_cancelled_block_stays_cancelled():
    async def wait() -> None:
        async with time_limit(30):
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

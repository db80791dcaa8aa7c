"""An SDK that blocks leaves the loop to others while its gateway takes its time."""

import asyncio

import pytest

from payment_service.outbound.gateways.on_the_loop import awaited, run


async def of(told: "asyncio.Future[str]") -> str:
    """As a call of a gateway."""
    return await told


async def test_what_is_called_answers_or_raises():
    assert await run(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await run(divmod, 7, 0)


async def test_calls_wait_side_by_side_and_each_gets_its_own_answer():
    told: list[asyncio.Future[str]] = [asyncio.get_running_loop().create_future() for _ in range(3)]

    def ask(number: int) -> str:
        return awaited(of(told[number])) + awaited(of(told[number]))

    asking = [asyncio.create_task(run(ask, number)) for number in range(3)]
    await asyncio.sleep(0)
    for number in (2, 0, 1):
        assert not asking[number].done()
        told[number].set_result(str(number))
    assert await asyncio.gather(*asking) == ["00", "11", "22"]


async def test_what_goes_wrong_comes_out_where_it_is_waited_for():
    async def broken() -> None:
        raise ConnectionError

    def ask() -> str:
        try:
            awaited(broken())
        except ConnectionError:
            return "told"
        return "not told"

    assert await run(ask) == "told"


async def test_a_caller_that_goes_away_takes_the_call_along():
    ended, asked = [], asyncio.get_running_loop().create_future()

    def ask() -> None:
        try:
            awaited(of(asked))
        except BaseException as error:
            ended.append(type(error))
            raise

    asking = asyncio.create_task(run(ask))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (ended, asked.cancelled()) == ([asyncio.CancelledError], True)


async def test_an_sdk_that_takes_that_for_an_answer_does_not_keep_its_caller():
    def ask() -> str:
        try:
            awaited(of(asyncio.get_running_loop().create_future()))
        except BaseException:
            return "went well"
        return ""

    asking = asyncio.create_task(run(ask))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_nobody_blocks_the_loop_by_mistake():
    with pytest.raises(RuntimeError):
        awaited(of(asyncio.get_running_loop().create_future()))

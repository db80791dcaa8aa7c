"""Work that repeats."""

import asyncio

import pytest

from analytics_service.inbound import workers
from analytics_service.inbound.workers import Repeating
from domain_kit.refusals import Unavailable


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch) -> None:
    monkeypatch.setattr(workers, "BUSY_PAUSE", 0)
    monkeypatch.setattr(workers, "TROUBLE_PAUSE", 0)


async def test_it_goes_on_while_there_is_work_waits_for_more_and_survives_what_is_away() -> None:
    answers: list[int | Exception] = [2, Unavailable("AWAY", ""), 1, 0]
    done: list[int] = []

    async def step() -> int:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        done.append(answer)
        return answer

    repeating = Repeating("x", step, seconds=3600)
    running = asyncio.create_task(repeating.run())
    while answers:
        await asyncio.sleep(0)
    answers.append(0)
    repeating.wake()
    while answers:
        await asyncio.sleep(0)
    assert done == [2, 1, 0, 0]
    repeating.stop()
    await asyncio.wait_for(running, 1)


async def test_a_wake_during_a_step_is_not_missed() -> None:
    rounds = 0

    async def step() -> int:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            repeating.wake()
        else:
            repeating.stop()
        return 0

    repeating = Repeating("x", step, seconds=3600)
    await asyncio.wait_for(repeating.run(), 1)
    assert rounds == 2


async def test_after_a_step_that_took_long_the_rest_is_long_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that looking through all facts never takes more than a twentieth of the time."""
    now, rests = 0.0, []

    class Hasty(Repeating):
        async def _rest(self, seconds: float) -> None:
            rests.append(seconds)
            if len(rests) == 2:
                self.stop()

    async def step() -> int:
        nonlocal now
        now += 0.1 if not rests else 3.0
        return 0

    monkeypatch.setattr("analytics_service.inbound.workers.time.monotonic", lambda: now)
    await asyncio.wait_for(Hasty("x", step, seconds=15).run(), 1)
    assert rests == [15, pytest.approx(57)]

"""A process dies at one crash point after the other while an errand is run, and is brought back each time."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from havoc import armed, deaths_of, is_alive

from local_stack.failures import StackFailure
from local_stack.stack import Stack
from usher_cli.api import ApiRefusal


@dataclass
class Trial:
    """A process and where it is to die, one after the other, while the errand is run.

    beside: where it may die too, because only then it comes to the point; `point:2`: at the second time.
    times: how often a process reaches a point until it dies there.
    """

    process: str
    points: Sequence[str]
    errand: Callable[[Any], Callable[[], None]]
    beside: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    times: int = 1


def run_once(errand: Callable[[], object]) -> None:
    """It may be refused, but never by an error that nobody expected."""
    try:
        errand()
    except ApiRefusal as refusal:
        if refusal.status == 500:
            raise


async def put_to_trial(stack: Stack, errands: Any, trials: Sequence[Trial], died: Counter[str]) -> None:
    """Each process dies at each of its points in turn and is brought back to die at the next; at last all live."""
    left = {trial.process: deque(trial.points) for trial in trials}
    begun = {trial.process: len(deaths_of(stack, trial.process)) for trial in trials}

    def environment(trial: Trial) -> dict[str, str]:
        if not left[trial.process]:
            return {}
        point = left[trial.process][0]
        also = [trial.beside[point]] if point in trial.beside else []
        return armed(",".join([f"{point}:{trial.times}", *also]), **trial.environment)

    async def keep_asking(trial: Trial) -> None:
        while left[trial.process]:
            await asyncio.to_thread(run_once, trial.errand(errands))

    async def bring_back() -> None:
        await stack.kill(*left)  # to come back armed
        while any(left.values()) or not all(is_alive(stack, trial.process) for trial in trials):
            dead = [trial for trial in trials if not is_alive(stack, trial.process)]
            for trial in dead:
                deaths = deaths_of(stack, trial.process)[begun[trial.process] :]
                begun[trial.process] += len(deaths)
                died.update(deaths)
                while left[trial.process] and left[trial.process][0] in deaths:
                    deaths.remove(left[trial.process].popleft())
            if dead:
                environments = {each.process: environment(each) for each in dead}
                with suppress(StackFailure):  # it may die while it starts
                    await stack.up(only=list(environments), environment=environments)
            await asyncio.sleep(0.1)

    bringing_back = asyncio.create_task(bring_back())
    await asyncio.gather(bringing_back, *(keep_asking(trial) for trial in trials))

"""Kills processes of a stack, at random or at named crash points, and lets `usher up` bring them back."""

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from local_stack import processes
from local_stack.failures import StackFailure
from local_stack.lifecycle import log_of
from local_stack.stack import Stack

RESTART_SECONDS = 30.0


def armed(points: str, **more: str) -> dict[str, str]:
    """The environment of a process that is to die there."""
    return {"USHER_CRASH_AT": points, "USHER_CRASH_ALLOWED": "yes", **more}


def is_alive(stack: Stack, name: str) -> bool:
    record = stack.state().processes.get(name)
    return record is not None and record.find() is not None


async def leave_alone(stack: Stack, name: str, other: str) -> None:
    """End `other` for good, so that everything reaches `name`.

    The embedded broker keeps the place of a member of a consumer group that was killed until one of the same name comes
    back. So `other` says goodbye, and `name` starts again to get the name that it will get each time.
    """
    for each in (other, name):
        assert await processes.stop(stack.state().processes[each]) == "stopped"
    await stack.up(only=[name])


def deaths_of(stack: Stack, name: str) -> list[str]:
    """The crash points at which processes of this name died so far, in order."""
    log = log_of(stack.folder, name)
    return re.findall(r"^crash point (\S+)$", log.read_text("utf-8", errors="replace"), re.MULTILINE)


@dataclass
class Havoc:
    """Kills one of `names` again and again: where a crash point fires first, there; else plainly after a moment.

    points: one of these is armed at most restarts, to fire at its first to twelfth time.
    plain, at_points: who was killed how often, and where the others died.
    """

    stack: Stack
    names: Sequence[str]
    points: Sequence[str]
    rng: random.Random
    plain: Counter[str] = field(default_factory=Counter)
    at_points: Counter[str] = field(default_factory=Counter)
    _armed: set[str] = field(default_factory=set)

    async def kill(self, times: int) -> None:
        """So many deaths; all are back at the end, with nothing armed."""
        begun = {name: len(deaths_of(self.stack, name)) for name in self.names}
        died, patience = 0, self._patience()
        while died < times:
            dead = [name for name in self.names if not is_alive(self.stack, name)]
            if not dead and time.monotonic() > patience:
                dead = [self.rng.choice(self.names)]
                await self.stack.kill(*dead)
                self.plain.update(dead)
            if dead:
                died += len(dead)
                await self._restart(dead)
                patience = self._patience()
            await asyncio.sleep(0.1)
        if self._armed:
            await self.stack.kill(*self._armed)
            await self.stack.up(only=self._armed)
            self._armed.clear()
        for name in self.names:
            self.at_points.update(deaths_of(self.stack, name)[begun[name] :])

    async def _restart(self, names: Sequence[str]) -> None:
        """One that dies before it serves is for the next round."""
        environment = {}
        for name in names:
            if self.rng.random() < 0.8:
                environment[name] = armed(f"{self.rng.choice(self.points)}:{self.rng.randint(1, 12)}")
        self._armed.difference_update(names)
        self._armed.update(environment)
        with suppress(StackFailure):
            await self.stack.up(only=names, environment=environment)

    def _patience(self) -> float:
        return time.monotonic() + self.rng.uniform(0.5, 2.0)

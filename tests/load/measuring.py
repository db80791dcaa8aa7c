"""Runs cases through the gateway with clients of their own process, and keeps what they and the processes spent."""

import itertools
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import psutil

from local_stack.readiness import LOOPBACK
from local_stack.stack import Stack

CLIENT = Path(__file__).with_name("load_client.py")
QUIET_SHARE = 0.25  # of one core, all processes of the stack together; an idle stack takes about half of that
LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class Case:
    """What one iteration of a client does. steps: see load_client.Step. sale: the event it books, if any."""

    name: str
    steps: Sequence[Mapping[str, str]]
    event: str = ""


@dataclass(frozen=True)
class Round:
    """One short run.

    latencies: microseconds, sorted. cpu: seconds by process, the clients' own as "clients", until all was done that the
    calls set in motion. settled: seconds that took after the last answer, None when it was not waited for.
    """

    case: str
    clients: int
    seconds: float
    latencies: Sequence[int]
    iterations: int
    cpu: Mapping[str, float]
    client_share: float
    settled: float | None

    @property
    def per_second(self) -> float:
        """Iterations that ended inside the window."""
        return len(self.latencies) / self.seconds


@dataclass
class Outcome:
    """What all rounds on one event were told, for the invariants."""

    acknowledged: list[list[str]] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    unanswered: int = 0


class Clients:
    """The load generator's process."""

    def __init__(self, stack: Stack, tokens: Sequence[str]) -> None:
        state = stack.state()
        self._port, self._tokens, self._numbers = state.ports["gateway"], tokens, itertools.count()
        self._client = subprocess.Popen(
            [sys.executable, "-I", str(CLIENT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._processes = {name: psutil.Process(record.pid) for name, record in state.processes.items()}
        self._processes["clients"] = psutil.Process(self._client.pid)
        self.outcomes: dict[str, Outcome] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.kill()
        self._client.communicate()

    def run(
        self,
        case: Case,
        clients: int,
        seconds: float,
        *,
        warm_seconds: float = 0.15,
        settle_seconds: float = 0.0,
        until_refused: bool = False,
    ) -> Round:
        """One round; ConnectionError when the load generator has died."""
        job = {
            "host": LOOPBACK, "port": self._port, "tokens": self._tokens[:clients], "steps": case.steps,
            "prefix": f"r{next(self._numbers)}", "warm_seconds": warm_seconds, "seconds": seconds,
            "stop_on_refusal": until_refused,
        }  # fmt: skip
        with self._spending() as cpu:
            answer = self._ask(job)
            settled = self.settle(settle_seconds)
        outcome = self.outcomes.setdefault(case.event or case.name, Outcome())
        outcome.acknowledged += answer["acknowledged"] if case.event else []
        outcome.reasons.update(answer["reasons"])
        outcome.unanswered += answer["unanswered"]
        return Round(
            case=case.name,
            clients=clients,
            seconds=seconds,
            latencies=sorted(answer["latencies"]),
            iterations=sum(answer["statuses"].values()) // len(case.steps),
            cpu=cpu,
            client_share=answer["cpu_seconds"] / (seconds + warm_seconds),
            settled=settled,
        )

    def settle(self, most_seconds: float) -> float | None:
        """Wait until the stack is quiet, so that a round pays for what it set in motion and the next one does not.

        Seconds it took; None when it was not quiet within `most_seconds`.
        """
        began, quiet = time.monotonic(), 0
        while (passed := time.monotonic() - began) < most_seconds:
            with self._spending() as cpu:
                time.sleep(LOOK_SECONDS)
            quiet = quiet + 1 if sum(cpu.values()) < QUIET_SHARE * LOOK_SECONDS else 0
            if quiet == 2:  # one alone may be a moment in which others had the machine
                return max(0.0, passed - LOOK_SECONDS)
        return None

    def _ask(self, job: Mapping[str, Any]) -> Any:
        assert self._client.stdin is not None
        assert self._client.stdout is not None
        self._client.stdin.write(json.dumps(job) + "\n")
        self._client.stdin.flush()
        line = self._client.stdout.readline()
        if not line:
            raise ConnectionError("the load generator has died")
        return json.loads(line)

    @contextmanager
    def _spending(self) -> Iterator[dict[str, float]]:
        """CPU seconds, user and system, of each process within the block."""
        before = {name: _cpu_seconds(process) for name, process in self._processes.items()}
        spent: dict[str, float] = {}
        yield spent
        spent.update({name: _cpu_seconds(process) - before[name] for name, process in self._processes.items()})


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def percentile(ordered: Sequence[int], share: float) -> float:
    """Milliseconds, of latencies in microseconds (nearest rank); not a number when there are none."""
    if not ordered:
        return float("nan")
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] / 1000

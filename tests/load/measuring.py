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
from typing import Any

import psutil
import wrk

from local_stack.readiness import LOOPBACK
from local_stack.stack import Stack

CLIENT = Path(__file__).with_name("load_client.py")
QUIET_SHARE = 0.15  # of one core, all processes of the stack together, above what they take when idle
LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class Case:
    """What an iteration of a client does: the steps (see load_client.Step) of the variants in turn.

    books: its calls are answered with bookings.
    """

    name: str
    variants: Sequence[Sequence[Mapping[str, str]]]
    books: bool = False


@dataclass(frozen=True)
class Round:
    """One short run.

    latencies: microseconds, sorted. cpu: seconds by process, the clients' own as "clients", until all was done that the
    calls set in motion. settled: seconds that took after the last answer, None when it was not waited for. created:
    createTime of the bookings. calls_per_second: answered ones, until the last iteration that began was over.
    """

    case: str
    clients: int
    seconds: float
    latencies: Sequence[int]
    iterations: int
    cpu: Mapping[str, float]
    client_share: float
    settled: float | None
    created: Sequence[str] = ()
    calls_per_second: float = 0.0

    @property
    def per_second(self) -> float:
        """Iterations that ended inside the window."""
        return len(self.latencies) / self.seconds


@dataclass
class Outcome:
    """What all rounds were told, for the invariants."""

    acknowledged: list[list[str]] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    unanswered: int = 0


class Clients:
    """The load generator's process. wrk: the program that stands in for it where it can, None: nothing does."""

    program = CLIENT

    def __init__(self, stack: Stack, tokens: Sequence[str], wrk_program: str | None = None) -> None:
        self._stack, self._wrk = stack, wrk_program
        self._tokens, self._numbers = tokens, itertools.count()
        self._client = subprocess.Popen(
            [sys.executable, "-Es", str(self.program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.outcome = Outcome()
        self.look_again()

    def look_again(self) -> None:
        """Find the processes of the stack, after some were started anew."""
        state = self._stack.state()
        self._port = state.ports["gateway"]
        self._processes = {
            name: psutil.Process(record.pid) for name, record in state.processes.items() if record.find()
        }
        self._processes["clients"] = psutil.Process(self._client.pid)
        self._idle: dict[str, float] = {}

    def learn_idle(self, seconds: float) -> None:
        """See what the processes take while nobody calls; `cpu` of later rounds is without it."""
        with self._spending() as cpu:
            time.sleep(seconds)
        self._idle = {name: spent / seconds for name, spent in cpu.items()}

    def close(self) -> None:
        """End the load generator."""
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
        per_second: float = 0.0,
        own: bool = False,
    ) -> Round:
        """One round; ConnectionError when the load generator has died. own: not wrk, though it is there."""
        tokens = [self._tokens[number % len(self._tokens)] for number in range(clients)]
        job = {
            "host": LOOPBACK, "port": self._port, "tokens": tokens, "variants": case.variants,
            "prefix": f"r{next(self._numbers)}", "warm_seconds": warm_seconds, "seconds": seconds,
            "stop_on_refusal": until_refused, "per_second": per_second,
        }  # fmt: skip
        by_wrk = self._wrk is not None and wrk.can(case.variants) and not (own or until_refused or per_second)
        began = time.monotonic()
        with self._spending() as cpu:
            answer = wrk.run(str(self._wrk), job, self._stack.folder) if by_wrk else self._ask(job)
            settled = self.settle(settle_seconds)
        passed = time.monotonic() - began
        cpu = {name: max(0.0, spent - passed * self._idle.get(name, 0.0)) for name, spent in cpu.items()}
        if by_wrk:
            cpu["clients"] = answer["cpu_seconds"]
        if case.books:
            self.outcome.acknowledged += answer["acknowledged"]
            self.outcome.unanswered += answer["unanswered"]
        self.outcome.reasons.update(answer["reasons"])
        return Round(
            case=case.name,
            clients=clients,
            seconds=answer["seconds"],
            latencies=sorted(answer["latencies"]),
            iterations=sum(answer["statuses"].values()) // len(case.variants[0]),
            cpu=cpu,
            client_share=answer["cpu_seconds"] / (seconds + warm_seconds),
            settled=settled,
            calls_per_second=sum(answer["statuses"].values()) / answer["elapsed"],
            created=[each[2] for each in answer["acknowledged"] if len(each) > 2],
        )

    def settle(self, most_seconds: float) -> float | None:
        """Wait until the stack is quiet, so that a round pays for what it set in motion and the next one does not.

        Seconds it took; None when it was not quiet within `most_seconds`.
        """
        began, quiet = time.monotonic(), 0
        while (passed := time.monotonic() - began) < most_seconds:
            with self._spending() as cpu:
                time.sleep(LOOK_SECONDS)
            share = QUIET_SHARE + sum(self._idle.values())
            quiet = quiet + 1 if sum(cpu.values()) < share * LOOK_SECONDS else 0
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

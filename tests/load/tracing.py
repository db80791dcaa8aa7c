"""What traces cost on the way of a booking: holds with the default share of requests traced, beside holds with none."""

import argparse
import asyncio
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median, stdev

import cases
import measures
import report
import wrk
from measures import BASE, Measure
from measuring import Case, Clients, Round
from sale import Sale, open_sales, open_signer, read_books, register_people, violations

from environment import ServiceSettings
from local_stack.platform_processes import SERVICES, Traces
from local_stack.stack import Stack
from testkit.traces import trace_collector
from usher_cli.api import Api

RATIO: float = ServiceSettings.__dataclass_fields__["trace_ratio"].default
HOT = ("booking", "gateway")
PLACES, ACCOUNTS = 1_000_000, 32
SETTLE_SECONDS, WARM_SECONDS, IDLE_SECONDS = 5.0, 2.0, 2.0
TURNS, PAIRS = 2, 6  # a round, and of short runs a turn
OFF, ON, ALL = "no traces", f"{RATIO:.0%} of requests traced", "every request traced"


@dataclass
class Side:
    """One of two stacks that run at the same time, so that whatever else the machine does hits both alike."""

    stack: Stack
    sale: Sale
    case: Case
    clients: Clients

    def again(self, traces: Traces | None) -> None:
        """With all that traces started anew, and ready to be measured."""
        asyncio.run(self.stack.kill(*SERVICES, "gateway"))
        asyncio.run(self.stack.up(traces=traces))
        self.clients.look_again()
        self.clients.settle(SETTLE_SECONDS)
        self.clients.run(self.case, BASE, WARM_SECONDS, settle_seconds=SETTLE_SECONDS)
        self.clients.learn_idle(IDLE_SECONDS)

    def run(self, seconds: float) -> Round:
        """One short run, and what follows from it."""
        return self.clients.run(self.case, BASE, seconds, settle_seconds=SETTLE_SECONDS)

    def problems(self) -> list[str]:
        """What is wrong with the books."""
        books, outcome = asyncio.run(read_books(self.stack))[self.sale.event], self.clients.outcome
        return violations(self.sale, books, outcome.acknowledged, outcome.unanswered)


def perform(arguments: argparse.Namespace, stack: Stack, machine: report.Machine) -> list[str]:
    """Two stacks, each traced in every other turn; short runs on one and the other. What is wrong with the books."""
    with trace_collector() as collector, tempfile.TemporaryDirectory(prefix="usher-bench-") as folder:
        with _opened(stack) as one, _opened(Stack(Path(folder))) as other:
            turns = []
            for number in range(arguments.rounds * TURNS):
                sides = (one, other) if number % 2 == 0 else (other, one)
                turns.append(_turn(sides, Traces(collector.endpoint, RATIO), PAIRS, arguments.seconds))
            recorded = len(collector.spans)
            every = _turn((one, other), Traces(collector.endpoint, 1.0), PAIRS, arguments.seconds)
            problems = one.problems() + other.problems()
    some = [pair for turn in turns for pair in turn]
    if not recorded:
        problems.append("no span arrived: nothing was traced")
    found = [
        Measure(f"CPU of a hold in booking and gateway, {ON} ÷ {OFF}", _ratio(some, _cpu), 1.05, more=False),
        Measure(f"holds/s, {ON} ÷ {OFF}", _ratio(some, lambda each: each.per_second), 0.95),
    ]
    rows = [
        [
            way,
            f"{median(each.per_second for each in runs):,.0f}",
            *(f"{median(_cpu(each, [name]) for each in runs):,.0f}" for name in HOT),
            f"{_ratio(pairs, _cpu):.2f}",
        ]
        for way, pairs, runs in (
            (OFF, [(one, one) for one, _ in some], [one for one, _ in some]),
            (ON, some, [other for _, other in some]),
            (ALL, every, [other for _, other in every]),
        )
    ]
    ways = report.table(["way", "holds/s", *(f"µs of CPU a hold, {name}" for name in HOT), "CPU ÷ no traces"], rows)
    where = machine.sentence(report.command(arguments.given))
    told = f"{recorded:,} spans arrived of those {RATIO:.0%}. {doubt([_ratio(turn, _cpu) for turn in turns])}"
    text = "\n\n".join([where, measures.as_table(found), ways, told])
    if arguments.write:
        report.write_section("traces", text)
    print(text)
    return problems


@contextmanager
def _opened(stack: Stack) -> Iterator[Side]:
    """A stack with a sale, until the block ends."""
    asyncio.run(stack.up())
    try:
        signer = asyncio.run(open_signer(stack))
        with Api(stack.url()) as api:
            people = register_people(api, stack.mail(), signer, ACCOUNTS)
            (sale,) = open_sales(api, people, PLACES, 1)
        clients = Clients(stack, people.buyers, wrk.find())
        side = Side(stack, sale, cases.holds(cases.HOLD, [sale]), clients)
        try:
            yield side
        finally:
            side.clients.close()
    finally:
        asyncio.run(stack.down())


def _turn(sides: tuple[Side, Side], traces: Traces, count: int, seconds: float) -> list[tuple[Round, Round]]:
    """So many runs on either, the second traced, each as often the first."""
    plain, traced = sides
    plain.again(None)
    traced.again(traces)
    pairs = []
    for number in range(count):
        order = sides if number % 2 == 0 else sides[::-1]
        done = {id(side): side.run(seconds) for side in order}
        pairs.append((done[id(plain)], done[id(traced)]))
    print(f"  {_ratio(pairs, _cpu):.3f}", *(f"{a.per_second:,.0f}:{b.per_second:,.0f}" for a, b in pairs), flush=True)
    return pairs


def doubt(ratios: Sequence[float]) -> str:
    """What turns, each with processes started anew, leave open of their mean."""
    each = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    return (
        f"CPU, traced ÷ not, turn by turn: {each}; their mean {mean(ratios):.3f} is known to "
        f"±{stdev(ratios) / len(ratios) ** 0.5:.3f}."
    )


def _cpu(done: Round, names: Sequence[str] = HOT) -> float:
    """Microseconds an iteration."""
    return 1e6 * sum(done.cpu[name] for name in names) / (done.iterations or 1)


def _ratio(pairs: Sequence[tuple[Round, Round]], value: Callable[[Round], float]) -> float:
    """Median over pairs of the ratio within a pair, in which noise hits both alike."""
    return median(value(other) / value(one) for one, other in pairs)

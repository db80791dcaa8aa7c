"""What traces cost on the way of a booking: holds with the default share of requests traced, beside holds with none."""

import argparse
import asyncio
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

import cases
import measures
import report
import wrk
from measures import BASE, Measure
from measuring import Case, Clients, Round
from sale import Sale, open_sales, open_signer, read_books, register_people, violations

from environment import ServiceSettings
from local_stack.platform_processes import Traces
from local_stack.stack import Stack
from testkit.traces import trace_collector
from usher_cli.api import Api

RATIO: float = ServiceSettings.__dataclass_fields__["trace_ratio"].default
HOT = ("booking", "gateway")
PLACES, ACCOUNTS = 1_000_000, 32
SETTLE_SECONDS, WARM_SECONDS, IDLE_SECONDS = 5.0, 2.0, 2.0
PAIRS, PAIRS_OF_ALL = 12, 4  # of short runs a round: what every request traced costs is told, and held against no bound
OFF, ON, ALL = "no traces", f"{RATIO:.0%} of requests traced", "every request traced"


@dataclass
class Side:
    """One of two stacks that run at the same time, so that whatever else the machine does hits both alike."""

    stack: Stack
    sale: Sale
    case: Case
    clients: Clients
    tokens: Sequence[str]

    def again(self, traces: Traces) -> None:
        """With what is on the way of a booking started anew."""
        asyncio.run(self.stack.kill(*HOT))
        asyncio.run(self.stack.up(traces=traces))
        outcome = self.clients.outcome
        self.clients.close()
        self.clients = Clients(self.stack, self.tokens, wrk.find())
        self.clients.outcome = outcome

    def warm(self) -> None:
        """Ready to be measured."""
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
    """Two stacks, one traced; short runs on one and the other in turn. What is wrong with the books."""
    with trace_collector() as collector, tempfile.TemporaryDirectory(prefix="usher-bench-") as folder:
        with (
            _opened(stack, None) as plain,
            _opened(Stack(Path(folder)), Traces(collector.endpoint, RATIO)) as traced,
        ):
            some = _pairs(plain, traced, arguments.rounds * PAIRS, arguments.seconds)
            recorded = len(collector.spans)
            traced.again(Traces(collector.endpoint, 1.0))
            every = _pairs(plain, traced, arguments.rounds * PAIRS_OF_ALL, arguments.seconds)
            problems = plain.problems() + traced.problems()
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
        if runs
    ]
    ways = report.table(["way", "holds/s", *(f"µs of CPU a hold, {name}" for name in HOT), "CPU ÷ no traces"], rows)
    where = machine.sentence(report.command(arguments.given))
    told = f"{recorded:,} spans arrived of those {RATIO:.0%}. {spread(_ratios(some, _cpu))}"
    text = "\n\n".join([where, measures.as_table(found), ways, told])
    if arguments.write and some:
        report.write_section("traces", text)
    print(text)
    return problems


@contextmanager
def _opened(stack: Stack, traces: Traces | None) -> Iterator[Side]:
    """A stack with a sale, until the block ends."""
    asyncio.run(stack.up(traces=traces))
    try:
        signer = asyncio.run(open_signer(stack))
        with Api(stack.url()) as api:
            people = register_people(api, stack.mail(), signer, ACCOUNTS)
            (sale,) = open_sales(api, people, PLACES, 1)
        clients = Clients(stack, people.buyers, wrk.find())
        side = Side(stack, sale, cases.holds(cases.HOLD, [sale]), clients, people.buyers)
        try:
            yield side
        finally:
            side.clients.close()
    finally:
        asyncio.run(stack.down())


def _pairs(plain: Side, traced: Side, count: int, seconds: float) -> list[tuple[Round, Round]]:
    """So many runs of either, each as often the first."""
    for side in (plain, traced):
        side.warm()
    pairs = []
    for number in range(count):
        order = (plain, traced) if number % 2 == 0 else (traced, plain)
        done = {id(side): side.run(seconds) for side in order}
        one, other = done[id(plain)], done[id(traced)]
        print(f"  {number + 1:3}  {one.per_second:6,.0f} and {other.per_second:6,.0f}/s", flush=True)
        pairs.append((one, other))
    return pairs


def spread(ratios: Sequence[float]) -> str:
    """How far pairs differ, and what that leaves open of their median."""
    if len(ratios) < 2:
        return "Too few pairs of runs to say how far they differ."
    low, _, high = quantiles(ratios, n=4)
    # The standard error of a median, from the quartiles: they are 1.349 standard deviations of a normal apart.
    doubt = 1.2533 * (high - low) / 1.349 / len(ratios) ** 0.5
    return (
        f"CPU in {len(ratios)} pairs of runs, traced ÷ not: half of them {low:.2f} to {high:.2f}, so the median is "
        f"known to ±{doubt:.3f}."
    )


def _cpu(done: Round, names: Sequence[str] = HOT) -> float:
    """Microseconds an iteration."""
    return 1e6 * sum(done.cpu[name] for name in names) / (done.iterations or 1)


def _ratio(pairs: Sequence[tuple[Round, Round]], value: Callable[[Round], float]) -> float | None:
    """Median over pairs of the ratio within a pair, in which noise hits both alike."""
    return median(found) if (found := _ratios(pairs, value)) else None


def _ratios(pairs: Sequence[tuple[Round, Round]], value: Callable[[Round], float]) -> list[float]:
    return [value(other) / value(one) for one, other in pairs if value(one)]

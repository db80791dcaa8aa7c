"""What traces cost on the way of a booking: holds with the default share of requests traced, beside holds with none."""

import argparse
import asyncio
from collections.abc import Callable, Sequence
from statistics import median

import cases
import measures
import report
import wrk
from measures import BASE, Measure
from measuring import Clients, Outcome, Round
from sale import open_sales, open_signer, read_books, register_people, violations

from environment import ServiceSettings
from local_stack.platform_processes import Traces
from local_stack.stack import Stack
from testkit.traces import trace_collector
from usher_cli.api import Api

RATIO: float = ServiceSettings.__dataclass_fields__["trace_ratio"].default
HOT = ("booking", "gateway")
PLACES, ACCOUNTS = 1_000_000, 32
SETTLE_SECONDS, WARM_SECONDS = 5.0, 1.0
EVERY = 4  # rounds: what every request traced costs is told beside, and not held against a bound
OFF, ON, ALL = "no traces", f"{RATIO:.0%} of requests traced", "every request traced"


def perform(arguments: argparse.Namespace, stack: Stack, machine: report.Machine) -> list[str]:
    """Each way in turn, on the same stack with the processes of the way started anew; what is wrong with the books."""
    asyncio.run(stack.up())
    signer = asyncio.run(open_signer(stack))
    with Api(stack.url()) as api:
        people = register_people(api, stack.mail(), signer, ACCOUNTS)
        (sale,) = open_sales(api, people, PLACES, 1)
    case, outcome = cases.holds(cases.HOLD, [sale]), Outcome()
    rounds: dict[str, list[Round]] = {OFF: [], ON: [], ALL: []}
    with trace_collector() as collector:
        pair = [(OFF, None), (ON, Traces(collector.endpoint, RATIO))]
        for number in range(arguments.rounds):
            # The store grows meanwhile: of the two that are compared each comes first as often as the other.
            ways = pair if number % 2 else pair[::-1]
            if number % EVERY == 0:
                ways = [*ways, (ALL, Traces(collector.endpoint, 1.0))]
            for way, traces in ways:
                asyncio.run(stack.kill(*HOT))
                asyncio.run(stack.up(traces=traces))
                clients = Clients(stack, people.buyers, wrk.find())
                clients.outcome = outcome
                try:
                    clients.settle(SETTLE_SECONDS)
                    clients.run(case, BASE, WARM_SECONDS, settle_seconds=SETTLE_SECONDS)
                    clients.learn_idle(1.0)
                    done = clients.run(case, BASE, arguments.seconds, settle_seconds=SETTLE_SECONDS)
                finally:
                    clients.close()
                rounds[way].append(done)
                print(f"  round {number + 1}  {way:24} {done.per_second:8,.0f}/s", flush=True)
        recorded = len(collector.spans)
    books = asyncio.run(read_books(stack))[sale.event]
    problems = violations(sale, books, outcome.acknowledged, outcome.unanswered)
    if not recorded:
        problems.append("no span arrived: nothing was traced")
    found = [
        Measure(
            f"CPU of a hold in booking and gateway, {ON} ÷ {OFF}",
            _ratio(rounds[ON], rounds[OFF], _cpu),
            1.05,
            more=False,
        ),
        Measure(f"holds/s, {ON} ÷ {OFF}", _ratio(rounds[ON], rounds[OFF], lambda each: each.per_second), 0.95),
    ]
    rows = [
        [
            way,
            f"{median(each.per_second for each in some):,.0f}",
            *(f"{median(_cpu(each, [name]) for each in some):,.0f}" for name in HOT),
        ]
        for way, some in rounds.items()
        if some
    ]
    ways = report.table(["way", "holds/s", *(f"µs of CPU a hold, {name}" for name in HOT)], rows)
    where = machine.sentence(report.command(arguments.given))
    noise = sorted(_ratios(rounds[ON], rounds[OFF], _cpu))
    told = f"{recorded:,} spans arrived. Rounds: {len(noise)}, CPU {ON} ÷ {OFF} in each: " + ", ".join(
        f"{each:.2f}" for each in noise
    )
    text = "\n\n".join([where, measures.as_table(found), ways, f"{told}."])
    if arguments.write and arguments.rounds:
        report.write_section("traces", text)
    print(text)
    return problems


def _cpu(done: Round, names: Sequence[str] = HOT) -> float:
    """Microseconds an iteration."""
    return 1e6 * sum(done.cpu[name] for name in names) / (done.iterations or 1)


def _ratio(own: Sequence[Round], base: Sequence[Round], value: Callable[[Round], float]) -> float | None:
    """Median over rounds of the ratio within a round, in which noise hits both alike."""
    return median(found) if (found := _ratios(own, base, value)) else None


def _ratios(own: Sequence[Round], base: Sequence[Round], value: Callable[[Round], float]) -> list[float]:
    return [value(one) / value(other) for one, other in zip(own, base, strict=True) if value(other)]

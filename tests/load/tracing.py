"""What traces cost on the way of a booking: holds with the default share of requests traced, beside holds with none."""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median, stdev

import measures
import report
from beside import Pairs, Side, in_turn, opened, ratio
from measures import Measure
from measuring import Round

from environment import ServiceSettings
from local_stack.platform_processes import SERVICES, Traces
from local_stack.stack import Stack
from testkit.traces import trace_collector

RATIO: float = ServiceSettings.__dataclass_fields__["trace_ratio"].default
HOT = ("booking", "gateway")
TRACED = (*SERVICES, "gateway")
TURNS, PAIRS = 2, 6  # a round, and of short runs a turn
OFF, ON, ALL = "no traces", f"{RATIO:.0%} of requests traced", "every request traced"


def perform(arguments: argparse.Namespace, stack: Stack, machine: report.Machine) -> list[str]:
    """Two stacks, each traced in every other turn; short runs on one and the other. What is wrong with the books."""
    if not arguments.rounds:
        return []
    with trace_collector() as collector, tempfile.TemporaryDirectory(prefix="usher-bench-") as folder:
        with opened(stack) as one, opened(Stack(Path(folder))) as other:
            turns = []
            for number in range(arguments.rounds * TURNS):
                sides = (one, other) if number % 2 == 0 else (other, one)
                turns.append(_turn(sides, Traces(collector.endpoint, RATIO), arguments.seconds))
            recorded = len(collector.spans)
            all_of_them = Traces(collector.endpoint, 1.0)
            every = [
                pair for sides in ((one, other), (other, one)) for pair in _turn(sides, all_of_them, arguments.seconds)
            ]
            problems = one.problems() + other.problems()
    some = [pair for turn in turns for pair in turn]
    if not recorded:
        problems.append("no span arrived: nothing was traced")
    found = [
        Measure(f"CPU of a hold in booking and gateway, {ON} ÷ {OFF}", ratio(some, _cpu), 1.05, more=False),
        Measure(f"holds/s, {ON} ÷ {OFF}", ratio(some, lambda each: each.per_second), 0.95),
    ]
    rows = [
        [
            way,
            f"{median(each.per_second for each in runs):,.0f}",
            *(f"{median(_cpu(each, [name]) for each in runs):,.0f}" for name in HOT),
            f"{ratio(pairs, _cpu):.2f}",
        ]
        for way, pairs, runs in (
            (OFF, [(one, one) for one, _ in some], [one for one, _ in some]),
            (ON, some, [other for _, other in some]),
            (ALL, every, [other for _, other in every]),
        )
    ]
    ways = report.table(["way", "holds/s", *(f"µs of CPU a hold, {name}" for name in HOT), "CPU ÷ no traces"], rows)
    where = machine.sentence(report.command(arguments.given))
    told = f"{recorded:,} spans arrived of those {RATIO:.0%}. {doubt([ratio(turn, _cpu) for turn in turns])}"
    text = "\n\n".join([where, measures.as_table(found), ways, told])
    if arguments.write:
        report.write_section("traces", text)
    print(text)
    return problems


def _turn(sides: tuple[Side, Side], traces: Traces, seconds: float) -> Pairs:
    """Runs on either, the second traced, each with all that traces started anew."""
    plain, traced = sides
    plain.again(*TRACED)
    traced.again(*TRACED, traces=traces)
    return in_turn(plain, traced, PAIRS, seconds)


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

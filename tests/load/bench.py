"""`make bench`: bookings per second beside an empty rpc through the same gateway, and payments, on stacks of their own.

Ends with 1 when the database disagrees with what the clients were told. Figures go to docs/performance.md.
"""

import argparse
import asyncio
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import bare
import beside
import cases
import lone
import measures
import payments
import profiling
import report
import seeding
import tracing
import watching
import wrk
from measuring import Case, Clients, Round
from sale import People, Sale, database_uri, open_sales, open_signer, read_books, register_people, violations

from local_stack.failures import StackFailure
from local_stack.inspection import inspect
from local_stack.lifecycle import log_of
from local_stack.stack import Stack
from usher_cli.api import Api

SWEEP = (1, 32, 128, 512)
SETTLE_SECONDS, FIRST_SETTLE_SECONDS, IDLE_SECONDS = 8.0, 20.0, 3.0
LETTERS_SECONDS = 40.0  # for two letters of each iteration of the mix, which are no burden of the next case
PLENTY, FEW, EVENTS = 1_000_000, 150, 200
LONE, LONE_REST = 20, 0.25  # lone bookings a round, seconds from one to the next
ACCOUNTS = 32
WATCH_CLIENTS, WATCH_SECONDS = 64, 5.0
PAIRS = 6  # of runs on stacks with one and with two replicas, a round
PROFILED_SERVICE = "booking"
TARGETS = "ready in at most 20 s, services together at most 750 MiB"
LONG_HOLDS = {"USHER_HOLD_SECONDS": "7200"}  # no hold may run out while the bench does


@dataclass
class Run:
    """What is measured with and what came of it."""

    stack: Stack
    people: People
    clients: Clients
    one: Sale
    other: Sale
    full: Sale
    few: Sale
    many: Sequence[Sale]
    rounds: list[Round] = field(default_factory=list)
    found: list[measures.Measure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def go(self, case: Case, count: int, seconds: float, note: str, **options: bool) -> Round:
        """One round, told on the screen."""
        # On a busy machine the slowest calls take seconds, and a round has to see many of them.
        letters = case.name == cases.MIX
        longer = max(seconds, count / 100, 2 * seconds if letters else 0.0)
        settle = LETTERS_SECONDS if letters else SETTLE_SECONDS
        done = self.clients.run(case, count, longer, settle_seconds=settle, **options)
        print(f"  {note}  {case.name:12} {count:3} clients {done.per_second:8,.0f}/s", flush=True)
        return done


def measure(run: Run, rounds: int, seconds: float, filled: int) -> None:
    """All cases in turn, again and again, so that what else the machine does hits all alike."""
    empty, hold = cases.empty_rpc(), cases.holds(cases.HOLD, [run.one])
    plan: list[tuple[Case, int]] = []
    for count in SWEEP:
        plan += [(empty, count), (hold, count)]
        if count == measures.BASE:
            plan += [(cases.holds(cases.FULL, [run.full]), count), (cases.mix(run.other), count)]
        if count == 128:
            plan.append((cases.holds(cases.SPREAD, run.many), count))
    for number in range(rounds):
        turn = (
            plan if number % 2 == 0 else plan[::-1]
        )  # what one case leaves behind is not always the same one's burden
        run.rounds += [run.go(case, count, seconds, f"round {number + 1}") for case, count in turn]
    run.found += measures.of_rounds(run.rounds, filled)


def lone_bookings(run: Run, rounds: int) -> None:
    """A lone booking beside a bare transaction on the same database, in turn; and both one right after the other."""
    port, uri, step = run.stack.state().ports["gateway"], database_uri(run.stack), cases.hold(run.one)
    rested, hurried = measures.Beside(), measures.Beside()
    for number in range(max(rounds, 1)):
        for name, of, seconds, rest in (("r", rested, LONE * LONE_REST, LONE_REST), ("h", hurried, 1.5, 0.0)):
            run.clients.settle(SETTLE_SECONDS)
            done = lone.book(port, run.people.buyers[0], step, f"lone{name}{number}.", seconds, rest)
            run.clients.outcome.acknowledged += done.acknowledged
            of.booked += done.latencies
            run.clients.settle(SETTLE_SECONDS)
            of.bare += bare.bare_transactions(uri, seconds, rest)
    run.found.append(measures.lone(rested))
    run.notes.append(measures.lone_told(rested, hurried))


def watch(run: Run) -> None:
    """Bookings at a steady pace, and a client that watches what is left."""
    case = cases.holds("watched", [run.many[0]])
    run.clients.settle(SETTLE_SECONDS)
    event, stack = run.many[0].event, run.stack
    with (
        watching.watching(stack.state().ports["gateway"], event) as watcher,
        watching.looking(database_uri(stack), event) as commits,
    ):
        watcher.wait_for(run.many[0].capacity, 10.0)
        left = watcher.seen[-1][1]
        done = run.clients.run(
            case, WATCH_CLIENTS, WATCH_SECONDS, warm_seconds=0.0, per_second=measures.WATCHED_PER_SECOND
        )
        watcher.wait_for(left - len(done.created), 10.0)
    committed, decided = (
        watching.delays(each, watcher.seen, left) for each in (commits.moments(), watching.decided(done.created))
    )
    run.found.append(measures.watched(committed, done.per_second))
    run.notes.append(measures.since_decided(committed, decided))


def sell_out(run: Run) -> None:
    """Everybody books one small event until refused."""
    before = run.clients.outcome.reasons.copy()
    run.problems += [f"refused: {dict(before)}"] if before else []
    case = cases.holds("sell out", [run.few])
    run.clients.run(case, measures.BASE, 20.0, warm_seconds=0.0, until_refused=True)
    reasons = run.clients.outcome.reasons - before
    if set(reasons) != {"SOLD_OUT"}:
        run.problems.append(f"{run.few.event}: refused for {dict(reasons)} instead of SOLD_OUT")


def cross_check(run: Run) -> str:
    """What our own clients get out of the same gateway, where wrk measures."""
    if wrk.find() is None:
        return "wrk is not on the PATH (Debian: `apt-get install wrk`), so our own clients measured everything."
    told = []
    for case in (cases.empty_rpc(), cases.holds(cases.HOLD, [run.one])):
        run.clients.settle(SETTLE_SECONDS)
        ours = run.clients.run(case, measures.BASE, 2.0, settle_seconds=SETTLE_SECONDS, own=True).per_second
        theirs = run.clients.run(case, measures.BASE, 2.0, settle_seconds=SETTLE_SECONDS).per_second
        told.append(f"{case.name}: wrk {theirs:,.0f}/s, our own clients {ours:,.0f}/s")
    where = "wrk measures cases of one call"
    return f"{where}, our own clients the others; {measures.BASE} clients beside each other: {'; '.join(told)}."


def profile(run: Run, seconds: int) -> str:
    """Tables of where the booking process is while clients book; a sentence where it cannot be found out."""
    sampler = profiling.find_sampler()
    if sampler is None:
        return "py-spy is not installed: `pip install py-spy`, then again."
    folded = run.stack.folder / "profile.txt"
    pid = run.stack.state().processes[PROFILED_SERVICE].pid
    case = cases.holds(cases.HOLD, [run.one])
    try:
        ran = profiling.sample(
            sampler, pid, seconds, lambda: run.clients.run(case, measures.BASE, seconds + 1.0, own=True), folded
        )
    except (OSError, subprocess.SubprocessError) as trouble:
        return str(trouble)
    stacks = profiling.read_stacks(folded)
    what = (
        f"{sum(count for _, count in stacks)} samples of who holds the interpreter of {PROFILED_SERVICE}, "
        f"`{case.name}`, {measures.BASE} clients, {ran.per_second:,.0f}/s while sampled."
    )
    return f"{what}\n\n{profiling.by_function(stacks)}\n\n{profiling.by_package(stacks)}"


async def resident(stack: Stack) -> dict[str, int]:
    """Bytes by service."""
    status = await inspect(stack.specs(), stack.state())
    return {row.name: row.resident_bytes for row in status.processes if row.is_service and row.pid is not None}


def prepare(stack: Stack, filled: int) -> Run:
    """People, sales, and an event that is full of bookings."""
    signer = asyncio.run(open_signer(stack))
    with Api(stack.url()) as api:
        people = register_people(api, stack.mail(), signer, ACCOUNTS)
        one, other, full = open_sales(api, people, PLENTY, 3)
        (few,) = open_sales(api, people, FEW, 1)
        print(f"Opening {EVENTS} sales, filling one with {filled:,} bookings ...", flush=True)
        many = open_sales(api, people, PLENTY, EVENTS)
        request = cases.hold(full)
        booked = api.post(
            request["path"].replace("{id}", "seed"),
            {"lines": [{"ticketType": full.ticket_type, "quantity": 1}]},
            token=people.buyers[0],
        )
    clients = Clients(stack, people.buyers, wrk.find())
    clients.outcome.acknowledged.append([booked["name"], booked["state"]])
    clients.outcome.acknowledged += asyncio.run(seeding.fill(stack, full, booked["name"], filled))
    return Run(stack, people, clients, one, other, full, few, many)


def second_replica(rounds: int, seconds: float) -> tuple[measures.Measure, list[str]]:
    """Two stacks, one with two booking processes; what is wrong with the books of either."""
    with tempfile.TemporaryDirectory(prefix="usher-bench-") as folder:
        one, two = Stack(Path(folder, "one")), Stack(Path(folder, "two"))
        with beside.opened(one) as alone, beside.opened(two, replicas={"booking": 2}) as both:
            alone.warm()
            both.warm()
            pairs = beside.in_turn(alone, both, rounds * PAIRS, seconds)
            value = beside.ratio(pairs, lambda done: done.per_second)
            return measures.replicas(value), alone.problems() + both.problems()


def check(run: Run) -> int:
    """INVARIANT of the platform: nothing that was acknowledged is lost, no place is given twice. How many bookings."""
    books, outcome = asyncio.run(read_books(run.stack)), run.clients.outcome
    for sale in (run.one, run.other, run.full, run.few, *run.many):
        if sale.event in books:
            run.problems += violations(sale, books[sale.event], outcome.acknowledged, outcome.unanswered)
    return len({each[0] for each in outcome.acknowledged})


def told_of(problems: Sequence[str], bookings: int) -> str:
    """The books in a sentence."""
    if problems:
        return f"**The books do not balance:** {'; '.join(problems)}"
    return f"Of {bookings:,} bookings (those put there beforehand among them) none is lost, doubled or one too many."


def slow_statements(stack: Stack) -> str:
    """What the embedded database has told of services whose statements kept everybody waiting."""
    lines = log_of(stack.folder, "mongodb").read_text(errors="replace").splitlines()
    told = sorted({re.sub(r" took .*", "", each.partition("slow statement: ")[2]) for each in lines} - {""})
    return f"Statements that took the database more than a second of CPU: {'; '.join(told) or 'none'}."


def perform(arguments: argparse.Namespace, stack: Stack, machine: report.Machine) -> list[str]:
    """Measure and write; what is wrong with the outcome, nothing when all is well."""
    print("Starting the stack ...", flush=True)
    state = asyncio.run(stack.up())
    before = asyncio.run(resident(stack))
    run = prepare(stack, arguments.filled)
    run.found.append(measures.together(before))
    try:
        run.clients.settle(FIRST_SETTLE_SECONDS)
        run.clients.learn_idle(IDLE_SECONDS)
        if arguments.rounds:
            measure(run, arguments.rounds, arguments.seconds, arguments.filled)
            lone_bookings(run, arguments.rounds)
            watch(run)
            run.notes.append(cross_check(run))
        profiled = profile(run, arguments.profile) if arguments.profile else ""
        sell_out(run)
        after = asyncio.run(resident(stack))
        served = len(run.clients.outcome.acknowledged) - arguments.filled
        run.found.append(measures.memory(after[PROFILED_SERVICE], served, arguments.filled))
        print(measures.as_table(run.found), flush=True)
        bookings, slow = check(run), slow_statements(stack)
    finally:
        run.clients.close()
        asyncio.run(stack.down())
    if arguments.rounds:
        replicas, problems = second_replica(arguments.rounds, arguments.seconds)
        run.found.append(replicas)
        run.problems += problems
    run.notes += [told_of(run.problems, bookings), slow]
    where = machine.sentence(report.command(arguments.given))
    text = report.figures(run.rounds, measures.as_table(run.found), where, run.notes)
    if arguments.write and run.rounds:
        report.write_section("bench", text)
        pairs = {name: (before[name], after[name]) for name in before}
        ready = f"Ready after {state.ready_seconds:.1f} s in a new folder ({TARGETS})."
        report.write_section("status", f"{ready}\n\n{report.memory(pairs)}")
    if arguments.write and profiled:
        report.write_section("profile", profiled)
    print(f"{text}\n\n{profiled}")
    return run.problems


PARTS: Mapping[str, Callable[[argparse.Namespace, Stack, report.Machine], list[str]]] = {
    "bookings": perform,
    "payments": payments.perform,
    "traces": tracing.perform,
}


def main(arguments: Sequence[str]) -> int:
    """0 when the books balance, 1 when not, 2 when the stack does not start."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS, help="one part; else all, each on a stack of its own")
    parser.add_argument("--rounds", type=int, default=3, help="how often each case runs (3); 0: only profile and check")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a short round (2)")
    parser.add_argument("--filled", type=int, default=measures.FILLED, help="bookings in the full event (100,000)")
    parser.add_argument("--payments", type=int, default=payments.COUNT, help=f"a round of them ({payments.COUNT})")
    parser.add_argument("--entries", type=int, default=measures.FILLED, help="ledger entries to verify (100,000)")
    parser.add_argument(
        "--profile", type=int, default=6, metavar="SECONDS", help="sample the booking service (6); 0: do not"
    )
    parser.add_argument("--no-write", dest="write", action="store_false", help="leave docs/performance.md alone")
    parsed = parser.parse_args(arguments)
    parsed.given = " ".join(arguments)
    os.environ.update(LONG_HOLDS)
    problems: list[str] = []
    for name, part in PARTS.items():
        if parsed.only not in (None, name):
            continue
        machine = report.Machine.look()
        with tempfile.TemporaryDirectory(prefix="usher-bench-") as folder:
            stack = Stack(Path(folder))
            try:
                problems += part(parsed, stack, machine)
            except StackFailure as failure:
                print(f"bench: {failure}", file=sys.stderr)
                return 2
            except TimeoutError as late:
                problems.append(str(late))
            finally:
                asyncio.run(stack.down())
    for problem in problems:
        print(f"bench: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

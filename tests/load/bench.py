"""`make bench`: bookings per second beside an empty rpc through the same gateway, on a stack of its own.

Ends with 1 when the database disagrees with what the clients were told. Figures go to docs/performance.md.
"""

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import profiling
import report
from measuring import Case, Clients, Round
from sale import Sale, open_sale, open_signer, read_books, register_people, violations

from local_stack.failures import StackFailure
from local_stack.inspection import inspect
from local_stack.stack import Stack
from usher_cli.api import Api

EMPTY = "empty rpc"
CLIENTS = (1, 8, 32)
SETTLE_SECONDS = 5.0
PLENTY, FEW = 1_000_000, 150
PROFILED_SERVICE = "booking"
TARGETS = "ready in at most 20 s, services together at most 750 MiB"


def cases(one: Sale, other: Sale) -> list[Case]:
    """The empty rpc first, then what is compared with it; each case sells an event of its own."""

    def hold(sale: Sale) -> dict[str, str]:
        body = json.dumps({"lines": [{"ticketType": sale.ticket_type, "quantity": 1}]})
        return {"method": "POST", "path": f"/v1/{sale.event}/bookings?requestId={{id}}", "body": body}

    confirm = {"method": "POST", "path": "/v1/{name}:confirm", "body": '{"requestId":"{id}"}'}
    return [
        Case(EMPTY, [{"method": "GET", "path": "/.well-known/jwks.json"}]),
        Case("hold", [hold(one)], one.event),
        Case("hold + confirm", [hold(other), confirm], other.event),
    ]


def measure(clients: Clients, wanted: Sequence[Case], rounds: int, seconds: float) -> list[Round]:
    """All cases in turn, again and again, so that what else the machine does hits all alike."""
    done = []
    for number in range(rounds):
        for count in CLIENTS:
            for case in wanted:
                done.append(clients.run(case, count, seconds, settle_seconds=SETTLE_SECONDS))
                print(
                    f"  round {number + 1}  {case.name:15} {count:3} clients {done[-1].per_second:8,.0f}/s", flush=True
                )
    return done


def sell_out(clients: Clients, sale: Sale, case: Case) -> list[str]:
    """Everybody books one small event until refused; what is wrong with how they were refused."""
    clients.run(case, CLIENTS[-1], 20.0, warm_seconds=0.0, until_refused=True)
    reasons = clients.outcomes[sale.event].reasons
    return [] if set(reasons) == {"SOLD_OUT"} else [f"{sale.event}: refused for {dict(reasons)} instead of SOLD_OUT"]


def cross_check(stack: Stack, clients: Clients, empty: Case) -> str:
    """What wrk gets out of the same gateway, where it is installed."""
    wrk = shutil.which("wrk")
    if wrk is None:
        return "wrk was not on the PATH for a cross-check of the load generator."
    command = [wrk, "-t1", f"-c{CLIENTS[-1]}", "-d2s", stack.url() + empty.steps[0]["path"]]
    ours, theirs = 0.0, 0.0
    clients.settle(2 * SETTLE_SECONDS)
    for _ in range(2):  # in turn, and the better of two: the first may still meet the last mails
        ours = max(ours, clients.run(empty, CLIENTS[-1], 2.0).per_second)
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        told = next(line for line in text.splitlines() if line.startswith("Requests/sec"))
        theirs = max(theirs, float(told.split()[1]))
    return f"Cross-check with {CLIENTS[-1]} clients: wrk {theirs:,.0f} empty rpcs/s, our load generator {ours:,.0f}/s."


def profile(stack: Stack, clients: Clients, case: Case, seconds: int) -> str:
    """Tables of where the booking process is while clients book; a sentence where it cannot be found out."""
    sampler = profiling.find_sampler()
    if sampler is None:
        return "py-spy is not installed: `pip install py-spy`, then again."
    folded = stack.folder / "profile.txt"
    pid = stack.state().processes[PROFILED_SERVICE].pid
    try:
        ran = profiling.sample(sampler, pid, seconds, lambda: clients.run(case, CLIENTS[-1], seconds + 1.0), folded)
    except OSError as trouble:
        return str(trouble)
    stacks = profiling.read_stacks(folded)
    what = (
        f"{sum(count for _, count in stacks)} samples of who holds the interpreter of {PROFILED_SERVICE}, "
        f"`{case.name}`, {CLIENTS[-1]} clients, {ran.per_second:,.0f}/s while sampled."
    )
    return f"{what}\n\n{profiling.by_function(stacks)}\n\n{profiling.by_package(stacks)}"


def figures(rounds: Sequence[Round], command: str, machine: report.Machine, notes: Sequence[str]) -> str:
    """The section of the measurements."""
    share = max(each.client_share for each in rounds)
    return "\n\n".join(
        [
            machine.sentence(command),
            report.rates(rounds, EMPTY),
            report.spending(rounds, CLIENTS[-1]),
            f"The load generator used at most {share:.0%} of one core. " + " ".join(notes),
        ]
    )


async def resident(stack: Stack) -> dict[str, int]:
    """Bytes by service."""
    status = await inspect(stack.specs(), stack.state())
    return {row.name: row.resident_bytes for row in status.processes if row.is_service and row.pid is not None}


def run(arguments: argparse.Namespace, stack: Stack, machine: report.Machine) -> list[str]:
    """Measure and write; what is wrong with the outcome, nothing when all is well."""
    print("Starting the stack ...", flush=True)
    state = asyncio.run(stack.up())
    before = asyncio.run(resident(stack))
    signer = asyncio.run(open_signer(stack))
    with Api(stack.url()) as api:
        people = register_people(api, stack.mail(), signer, CLIENTS[-1])
        sales = [open_sale(api, people, capacity) for capacity in (PLENTY, PLENTY, FEW)]
    wanted = cases(sales[0], sales[1])
    last_sale = Case("sell out", cases(sales[2], sales[2])[1].steps, sales[2].event)
    rounds, problems, notes = [], [], []
    with Clients(stack, people.buyers) as clients:
        clients.settle(SETTLE_SECONDS)
        if arguments.rounds:
            rounds = measure(clients, wanted, arguments.rounds, arguments.seconds)
            notes.append(cross_check(stack, clients, wanted[0]))
        profiled = profile(stack, clients, wanted[1], arguments.profile) if arguments.profile else ""
        refused = sum((outcome.reasons for outcome in clients.outcomes.values()), start=Counter[str]())
        problems += [f"refused: {dict(refused)}"] if refused else []
        problems += sell_out(clients, sales[2], last_sale)
        for sale in sales:
            outcome = clients.outcomes.get(sale.event)
            if outcome is not None:
                books = asyncio.run(read_books(stack, sale))
                problems += violations(sale, books, outcome.acknowledged, outcome.unanswered)
        told = sum(len({name for name, _ in outcome.acknowledged}) for outcome in clients.outcomes.values())
    after = asyncio.run(resident(stack))
    notes.append(
        f"Of {told:,} acknowledged bookings none is lost, doubled or one too many."
        if not problems
        else "**The books do not balance:** " + "; ".join(problems)
    )
    command = " ".join(["make bench", *([f'ARGS="{arguments.given}"'] if arguments.given else [])])
    if arguments.write and rounds:
        report.write_section("bench", figures(rounds, command, machine, notes))
        pairs = {name: (before[name], after[name]) for name in before}
        text = f"Ready after {state.ready_seconds:.1f} s in a new folder ({TARGETS}).\n\n{report.memory(pairs)}"
        report.write_section("status", text)
    if arguments.write and profiled:
        report.write_section("profile", profiled)
    print("\n\n".join([*([figures(rounds, command, machine, notes)] if rounds else notes), profiled]))
    return problems


def main(arguments: Sequence[str]) -> int:
    """0 when the books balance, 1 when not, 2 when the stack does not start."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=4, help="how often each case runs (4); 0: only profile and check")
    parser.add_argument("--seconds", type=float, default=1.5, help="length of one round (1.5)")
    parser.add_argument(
        "--profile", type=int, default=6, metavar="SECONDS", help="sample the booking service (6); 0: do not"
    )
    parser.add_argument("--no-write", dest="write", action="store_false", help="leave docs/performance.md alone")
    parsed = parser.parse_args(arguments)
    parsed.given = " ".join(arguments)
    machine = report.Machine.look()
    with tempfile.TemporaryDirectory(prefix="usher-bench-") as folder:
        stack = Stack(Path(folder))
        try:
            problems = run(parsed, stack, machine)
        except StackFailure as failure:
            print(f"bench: {failure}", file=sys.stderr)
            return 2
        finally:
            asyncio.run(stack.down())
    for problem in problems:
        print(f"bench: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

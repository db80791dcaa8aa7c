"""The payments part of `make bench`: create and confirm at each gateway, with all that follows, and one that is slow.

Ends with what sandbox, ledger, payments and bookings disagree about.
"""

import argparse
import asyncio
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

import bare_rpc
import httpx
import ledger
import measures
import payment_books
import report
from measures import Measure
from measuring import percentile
from payers import ADYEN, HANDS, PATIENCE_SECONDS, STRIPE, Hands, Paid, Payers, done
from sale import People, Sale, open_sales, open_signer, register_people

from local_stack.readiness import LOOPBACK
from local_stack.stack import Stack
from testkit.engines import mongo_engine
from usher_cli.api import Api

COUNT = 200  # payments a round, as many at each gateway: what comes after the last one counts once a round
CLIENTS, SLOW_CLIENTS, PLENTY = 32, 48, 1_000_000
SETTLE_SECONDS, IDLE_SECONDS = 8.0, 3.0
SLOW_ANSWER, TAKEN_UP = 30.0, 3.0  # seconds: of the slow gateway; until its payers all wait for it
# Longer than the slow gateway takes, so that neither a time limit nor the breaker ends what only the bulkhead may hold.
PATIENT = {"payment": {"USHER_GATEWAY_SECONDS": "40"}}
SHOWN = (
    "gateway", "user", "booking", "payment", "mongodb", "noida", "notification", "search", "analytics",
)  # fmt: skip
NOT_OURS = ("sandbox", "mail", "clients")  # far ends: providers, a mail server, payers


@dataclass
class Run:
    """What is measured with and what came of it. alone, beside: rounds of Stripe without and with a slow gateway.

    bare: calls a second of a bare rpc (bare_rpc.py), before and after, without the stack.
    """

    stack: Stack
    people: People
    payers: Payers
    sales: dict[str, Sale]
    rounds: list[Paid] = field(default_factory=list)
    alone: list[Paid] = field(default_factory=list)
    beside: list[Paid] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def prepare(stack: Stack) -> Run:
    """People, and an event for the payers of each gateway in its currency."""
    signer = asyncio.run(open_signer(stack))
    with Api(stack.url()) as api:
        people = register_people(api, stack.mail(), signer, CLIENTS)
        sales = {hands.gateway: open_sales(api, people, PLENTY, 1, hands.price)[0] for hands in HANDS}
    return Run(stack, people, Payers(stack, people.buyers), sales)


def go(run: Run, hands: Hands, count: int, note: str) -> Paid:
    """One round, told on the screen."""
    paid = run.payers.round(hands, run.sales[hands.gateway], CLIENTS, count, settle_seconds=SETTLE_SECONDS)
    ours = spent(paid) * 1000
    print(f"  {note}  {hands.gateway:12} {paid.per_second:6.1f}/s, {ours:5.1f} ms of CPU a payment", flush=True)
    if len(paid.latencies) < count:
        why = dict(run.payers.outcome.reasons)
        run.problems.append(f"{hands.gateway}: {len(paid.latencies)} payments of {count} succeeded; refused: {why}")
        print(f"  {run.problems[-1]}", flush=True)
    return paid


def measure(run: Run, rounds: int, count: int) -> None:
    """All gateways in turn, again and again, so that what else the machine does hits all alike."""
    for number in range(rounds):
        for hands in HANDS:
            run.rounds.append(go(run, hands, max(CLIENTS, count), f"round {number + 1}"))


def slow_gateway(run: Run, rounds: int, count: int) -> None:
    """Payers of one gateway beside payers of another that takes thirty seconds for each answer, and without them.

    INVARIANT: what the slow gateway keeps waiting is decided once it answers again, and counts in the books.
    """
    for number in range(rounds):
        run.alone.append(go(run, STRIPE, count, f"alone {number + 1}"))
        slow = Payers(run.stack, run.people.buyers)
        try:
            tokens = slow.tokens(SLOW_CLIENTS)
            held = slow.hold(run.sales[ADYEN.gateway], tokens, 2 * SLOW_CLIENTS)
            switch(run.stack, ADYEN, delay_seconds=SLOW_ANSWER)
            crowd = threading.Thread(target=slow.pay, args=(ADYEN, tokens, held, SLOW_ANSWER))
            crowd.start()
            time.sleep(TAKEN_UP)
            run.beside.append(go(run, STRIPE, count, f"beside {number + 1}"))
            switch(run.stack, ADYEN, delay_seconds=0.0)
            crowd.join()
            wait_for(run, slow)
        finally:
            slow.close()


def wait_for(run: Run, slow: Payers) -> None:
    """Until every payment of the slow gateway is decided and told."""
    with Api(run.stack.url()) as api:
        names = [name for name, _, _ in slow.payments]
        end = time.monotonic() + PATIENCE_SECONDS
        bookings: list[str] = []
        for name in names:
            while (payment := api.get(f"/v1/{name}", token=run.people.owner))["state"] == "PAYMENT_STATE_PROCESSING":
                if time.monotonic() > end:
                    run.problems.append(f"{name} is still not decided")
                    return
                time.sleep(0.2)
            bookings += [payment["booking"]] if payment["state"] == "PAYMENT_STATE_SUCCEEDED" else []
    asyncio.run(done(run.stack, ADYEN.gateway, bookings, time.monotonic()))


def switch(stack: Stack, hands: Hands, **switches: float) -> None:
    """Set at the sandbox."""
    place = f"http://{LOOPBACK}:{stack.state().ports['sandbox']}/_sandbox/{hands.gateway}/switches"
    httpx.post(place, json=switches, trust_env=False).raise_for_status()


def spent(paid: Paid) -> float:
    """Seconds of CPU a payment, of all processes but the payers' and the far ends'."""
    return sum(each for name, each in paid.cpu.items() if name not in NOT_OURS) / (len(paid.latencies) or 1)


def found(run: Run, walks: Sequence[tuple[float, float]], entries: int) -> list[Measure]:
    """What has to be reached."""
    stripe = _of(run.rounds, STRIPE)
    told = [
        Measure(f"payments/s at Stripe, whole path, {CLIENTS} clients", _rate(stripe), 60, 150),
        Measure(
            "ms of CPU of a payment at Stripe, all processes but far ends (33 is 60/s on two cores)",
            _median([1000 * spent(paid) for paid in stripe]), 33.3, 13.3, more=False,
        ),
    ]  # fmt: skip
    if run.bare and (rate := _rate(stripe)):
        told.append(
            Measure(
                "payments at Stripe per 1,000 bare rpcs (60/s where a machine makes 4,000 of them)",
                1000 * rate / median(run.bare), 60_000 / bare_rpc.REFERENCE[0],
            )
        )  # fmt: skip
    for hands in HANDS[1:]:
        pairs = zip(_of(run.rounds, hands), stripe, strict=True)
        ratio = _median([own.per_second / base.per_second for own, base in pairs])
        told.append(Measure(f"payments/s at {hands.gateway} ÷ Stripe", ratio, 0.5))
    ratio = _p99(run.beside) / _p99(run.alone) if run.alone and run.beside else None
    told.append(Measure("p99 at Stripe beside a gateway that takes 30 s ÷ without it", ratio, 1.5, 1.1, more=False))
    verified = _median([took for took, _ in walks])
    return [*told, Measure(f"s to verify {entries:,} ledger entries", verified, 2.0, more=False)]


def rates(run: Run) -> str:
    """Throughput and latency by gateway, and what a payment costs."""
    cases = [(hands.gateway, _of(run.rounds, hands)) for hands in HANDS]
    cases += [("stripe, alone", run.alone), ("stripe, beside slow adyen", run.beside)]
    rows = []
    for name, rounds in cases:
        if not rounds:
            continue
        pooled = sorted(each for paid in rounds for each in paid.latencies)
        speeds = sorted(paid.per_second for paid in rounds)
        answered = _median([len(paid.latencies) / paid.seconds for paid in rounds])
        rows.append(
            [
                name,
                f"{median(speeds):.0f} ({speeds[0]:.0f}–{speeds[-1]:.0f})",
                f"{answered:.0f}",
                *(f"{percentile(pooled, share):.0f}" for share in (0.50, 0.95, 0.99)),
                f"{1000 * median(spent(paid) for paid in rounds):.1f}",
                *(f"{1000 * _share(rounds, name):.1f}" for name in NOT_OURS),
            ]
        )
    header = [
        "gateway", "whole path/s (lowest–highest)", "answered/s", "p50 ms", "p95 ms", "p99 ms", "CPU ms a payment",
        "sandbox CPU ms", "mail server CPU ms", "payers CPU ms",
    ]  # fmt: skip
    return report.table(header, rows)


def spending(run: Run) -> str:
    """Microseconds of CPU that a payment costs each process, all that follows from it included."""
    rows = []
    for hands in HANDS:
        rounds = _of(run.rounds, hands)
        shown = [f"{1e6 * _share(rounds, name):,.0f}" for name in (*SHOWN, *NOT_OURS[:2])]
        rows.append([hands.gateway, *shown])
    return report.table(["µs of CPU a payment", *SHOWN, *NOT_OURS[:2]], rows)


def check(run: Run) -> str:
    """What sandbox, ledger, payments and bookings come to; what they disagree about goes to the problems."""
    gateways = [hands.gateway for hands in HANDS]
    books = asyncio.run(payment_books.read_books(run.stack, gateways, [sale.event for sale in run.sales.values()]))
    run.problems += payment_books.violations(books)
    if run.problems:
        return "**The books do not balance:** " + "; ".join(run.problems)
    return (
        f"{sum(count for count, _ in books.sandbox.values()):,} charges at the sandbox; in the ledger, as payments "
        f"SUCCEEDED and as bookings CONFIRMED just as many, of the same sums by gateway and currency."
    )


def perform(arguments: argparse.Namespace, stack: Stack, machine: report.Machine) -> list[str]:
    """Measure and write; what is wrong with the outcome, nothing when all is well."""
    bare = bare_rpc.bare_rpcs() if arguments.rounds else []
    print("Starting the stack ...", flush=True)
    asyncio.run(stack.up(environment=PATIENT))
    run = prepare(stack)
    walks: list[tuple[float, float]] = []
    try:
        run.payers.settle(SETTLE_SECONDS)
        run.payers.learn_idle(IDLE_SECONDS)
        go(run, STRIPE, CLIENTS, "warm   ")
        measure(run, arguments.rounds, arguments.payments)
        slow_gateway(run, arguments.rounds, arguments.payments)
        verdict = check(run)
    finally:
        run.payers.close()
    asyncio.run(stack.down())
    if arguments.rounds:
        run.bare = bare + bare_rpc.bare_rpcs()
        with mongo_engine() as uri:
            walks = asyncio.run(ledger.measure(uri, arguments.entries))
    where = machine.sentence(report.command(arguments.given))
    measured = measures.as_table(found(run, walks, arguments.entries)) if arguments.rounds else ""
    speed = f"A bare rpc, before and after: {', '.join(f'{each:,.0f}' for each in run.bare)} a second."
    text = "\n\n".join([where, measured, rates(run), spending(run) if run.rounds else "", speed, verdict])
    if arguments.write and run.rounds:
        report.write_section("payments", text)
    print(text)
    return run.problems


def _of(rounds: Sequence[Paid], hands: Hands) -> list[Paid]:
    return [paid for paid in rounds if paid.gateway == hands.gateway]


def _p99(rounds: Sequence[Paid]) -> float:
    """Over all rounds: of one it is the second slowest payment."""
    return percentile(sorted(each for paid in rounds for each in paid.latencies), 0.99)


def _share(rounds: Sequence[Paid], process: str) -> float:
    return sum(paid.cpu.get(process, 0.0) for paid in rounds) / (sum(len(paid.latencies) for paid in rounds) or 1)


def _rate(rounds: Sequence[Paid]) -> float | None:
    return _median([paid.per_second for paid in rounds])


def _median(values: Sequence[float]) -> float | None:
    return median(values) if values else None

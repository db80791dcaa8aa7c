"""Two stacks that run at the same time, so that whatever else the machine does hits both alike."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from statistics import median
from typing import Any

import cases
import wrk
from measures import BASE
from measuring import Case, Clients, Round
from sale import Sale, open_sales, open_signer, read_books, register_people, violations

from local_stack.failures import NoStack
from local_stack.stack import Stack
from usher_cli.api import Api

PLACES, ACCOUNTS = 1_000_000, 32
SETTLE_SECONDS, WARM_SECONDS, IDLE_SECONDS = 5.0, 2.0, 2.0
Pairs = Sequence[tuple[Round, Round]]


@dataclass
class Side:
    """One of the two, with a sale that its clients book."""

    stack: Stack
    sale: Sale
    case: Case
    clients: Clients

    def again(self, *names: str, **how: Any) -> None:
        """With these processes started anew. how: as `Stack.up`."""
        asyncio.run(self.stack.kill(*names))
        asyncio.run(self.stack.up(**how))
        self.clients.look_again()
        self.warm()

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
        found = violations(self.sale, books, outcome.acknowledged, outcome.unanswered)
        return [*found, *([f"refused: {dict(outcome.reasons)}"] if outcome.reasons else [])]


@contextmanager
def opened(stack: Stack, **how: Any) -> Iterator[Side]:
    """A stack with a sale, until the block ends. how: as `Stack.up`."""
    try:
        asyncio.run(stack.up(**how))
        signer = asyncio.run(open_signer(stack))
        with Api(stack.url()) as api:
            people = register_people(api, stack.mail(), signer, ACCOUNTS)
            (sale,) = open_sales(api, people, PLACES, 1)
        clients = Clients(stack, people.buyers, wrk.find())
        try:
            yield Side(stack, sale, cases.holds(cases.HOLD, [sale]), clients)
        finally:
            clients.close()
    finally:
        with suppress(NoStack):  # of one that did not start, what did is ended all the same
            asyncio.run(stack.down())


def in_turn(one: Side, other: Side, count: int, seconds: float) -> Pairs:
    """So many runs on either, each as often the first."""
    pairs = []
    for number in range(count):
        order = (one, other) if number % 2 == 0 else (other, one)
        done = {id(side): side.run(seconds) for side in order}
        pairs.append((done[id(one)], done[id(other)]))
    print("  ", *(f"{a.per_second:,.0f}:{b.per_second:,.0f}" for a, b in pairs), flush=True)
    return pairs


def ratio(pairs: Pairs, value: Callable[[Round], float]) -> float:
    """Of the others to the ones: the median over pairs, within each of which noise hits both alike."""
    return median(value(other) / value(one) for one, other in pairs if value(one))

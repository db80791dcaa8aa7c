"""A payment gateway in memory, the handlers' world around it, and the card network's sandbox as a process."""

import asyncio
import hashlib
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain_kit.money import Money
from domain_kit.refusals import NotFound, Unavailable
from domain_kit.repository import Cause
from payment_service.domain.gateway import Failure, GatewayRefund, Intent, IntentState, Notice, Progress
from payment_service.domain.open_work import Work, next_look
from payment_service.domain.ports import Owed
from payment_service.outbound.repositories import INDEXES, OPEN_WORK, MongoPayments
from testkit.engines import mongo_engine
from testkit.memory import MemoryJournal

DECLINED = Failure("card_declined", "Your card was declined.")
SECRET = "whsec_test"


class Crash(Exception):
    """The process is gone."""


class Steps:
    """Counts down to a crash: every call of the gateway and every commit is two steps, before and after it acts."""

    fuse: int | None = None

    def step(self) -> None:
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse <= 0:
                self.fuse = None
                raise Crash


class FakeGateway:
    """PaymentGateway and Refunds in memory. Payment methods have the sandbox's names.

    faults: for coming calls in turn, "before" (nothing is done) or "after" (done, but no answer).
    charges: intent → how often money was taken. notices: what it would send.
    """

    name = "stripe"

    def __init__(self, steps: Steps | None = None) -> None:
        self.steps = steps or Steps()
        self.faults: list[str] = []
        self.intents: dict[str, Intent] = {}
        self.methods: dict[str, str] = {}
        self.amounts: dict[str, int] = {}
        self.bookings: dict[str, str] = {}
        self.charges: Counter[str] = Counter()
        self.refunds: dict[str, dict[str, tuple[GatewayRefund, int]]] = {}
        self.notices: list[Notice] = []
        self.calls: Counter[str] = Counter()
        self._answers: dict[str, Any] = {}

    def check_amount(self, amount: Money) -> None:
        """Everything can be charged."""

    async def create_intent(self, amount: Money, *, payment: str, booking: str, key: str) -> Intent:
        def act() -> Intent:
            reference = f"pi_{len(self.intents)}"
            self.amounts[reference], self.bookings[reference] = amount.minor_units, booking
            return self._keep(Intent(reference, IntentState.OPEN, f"{reference}_secret", trace="||"))

        return await self._do("create", key, act)

    async def confirm_intent(self, reference: str, method: str, *, key: str) -> Intent:
        return await self._do("confirm", key, lambda: self.confirmed(reference, method))

    async def retrieve_intent(self, reference: str) -> Intent:
        return await self._do("retrieve", "", lambda: self._intent(reference))

    async def cancel_intent(self, reference: str, *, key: str) -> Intent:
        def act() -> Intent:
            intent = self._intent(reference)
            if intent.state in (IntentState.SUCCEEDED, IntentState.CANCELLED):
                return intent
            return self._keep(replace(intent, state=IntentState.CANCELLED, failure=None, next_action_uri=""))

        return await self._do("cancel", key, act)

    async def refund(self, reference: str, amount: Money, *, id: str) -> GatewayRefund:
        def act() -> GatewayRefund:
            mine = self.refunds.setdefault(reference, {})
            taken = self.amounts[reference] * self.charges[reference]
            if amount.minor_units > taken - self.paid_back(reference):
                return GatewayRefund("", Progress.FAILED)
            slow = self.methods[reference] == "pm_card_pendingRefund"
            made = GatewayRefund(f"re_{id}", Progress.PENDING if slow else Progress.SUCCEEDED)
            mine[id] = (made, amount.minor_units)
            self._tell(reference)
            return made

        return await self._do("refund", id, act)

    async def refunds_of(self, reference: str) -> dict[str, GatewayRefund]:
        return await self._do(
            "refunds_of", "", lambda: {id: made for id, (made, _) in self.refunds.get(reference, {}).items()}
        )

    def confirmed(self, reference: str, method: str) -> Intent:
        """Also what a payer's browser does by itself."""
        intent = self._intent(reference)
        if intent.state in (IntentState.SUCCEEDED, IntentState.CANCELLED):
            return intent
        count = int(intent.trace.split("|")[0].removeprefix("pm_") or 0) + 1
        if not method.startswith("pm_card_"):
            return replace(intent, state=IntentState.OPEN, failure=Failure("resource_missing", "No such method."))
        self.methods[reference] = method
        trace = f"pm_{count}|{intent.trace.split('|')[1]}|"
        if "authentication" in method:
            uri = "https://bank.example"
            return self._keep(
                replace(intent, state=IntentState.ACTION_REQUIRED, next_action_uri=uri, failure=None, trace=trace)
            )
        return self._charged(replace(intent, trace=trace), DECLINED if "Declined" in method else None)

    async def authenticate(self, reference: str, passes: bool) -> None:
        """What the payer's bank does."""
        intent = self._intent(reference)
        if intent.state is IntentState.ACTION_REQUIRED:
            self._charged(intent, None if passes else Failure("authentication_required", "Not authenticated."))

    async def finish_refunds(self, reference: str, succeeds: bool = True) -> None:
        """Pending refunds end."""
        for id, (made, amount) in self.refunds.get(reference, {}).items():
            if made.progress is Progress.PENDING:
                end = Progress.SUCCEEDED if succeeds else Progress.FAILED
                self.refunds[reference][id] = (replace(made, progress=end), amount)
                self._tell(reference)

    async def captures(self, reference: str) -> int:
        return self.charges[reference]

    async def lose_answers(self, count: int) -> None:
        self.faults = ["after"] * count

    def paid_back(self, reference: str) -> int:
        """Minor units that went back or are about to."""
        mine = self.refunds.get(reference, {}).values()
        return sum(amount for made, amount in mine if made.progress is not Progress.FAILED)

    def _charged(self, intent: Intent, failure: Failure | None) -> Intent:
        method, charge, _ = intent.trace.split("|")
        charge = f"ch_{int(charge.removeprefix('ch_') or 0) + 1}"
        intent = replace(intent, failure=failure, next_action_uri="")
        if failure:
            return self._keep(replace(intent, state=IntentState.OPEN, trace=f"{method}|{charge}|{failure.code}"))
        self.charges[intent.reference] += 1
        return self._keep(replace(intent, state=IntentState.SUCCEEDED, trace=f"{method}|{charge}|"))

    def _intent(self, reference: str) -> Intent:
        if reference not in self.intents:
            raise NotFound("INTENT_UNKNOWN", "unknown")
        return self.intents[reference]

    def _keep(self, intent: Intent) -> Intent:
        self.intents[intent.reference] = intent
        self._tell(intent.reference)
        return intent

    def _tell(self, reference: str) -> None:
        self.notices.append(Notice(f"evt_{len(self.notices)}", reference))

    async def _do(self, call: str, key: str, act: Callable[[], Any]) -> Any:
        self.calls[call] += 1
        self.steps.step()
        await asyncio.sleep(0)
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "before":
            raise Unavailable("GATEWAY_UNAVAILABLE", "down")
        answer = self._answers[f"{call}|{key}"] if key and f"{call}|{key}" in self._answers else act()
        if key:
            self._answers[f"{call}|{key}"] = answer
        await asyncio.sleep(0)
        self.steps.step()
        if fault == "after":
            raise Unavailable("GATEWAY_UNAVAILABLE", "no answer")
        return answer


class CrashingJournal(MemoryJournal):
    """A store whose process may be gone before or after a commit."""

    steps: Steps

    async def commit_batch(self, writes: Any, rows: Any) -> None:
        self.steps.step()
        await super().commit_batch(writes, rows)
        self.steps.step()


class FakeBookings:
    """What booking would say."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.known: dict[str, Owed] = {}

    def held(self, booking: str, buyer: str) -> None:
        until = self._clock() + timedelta(days=365)
        self.known[booking] = Owed(booking, buyer, "organizers/o", Money(1999, "CAD"), "HELD", until)

    async def owed(self, booking: str) -> Owed:
        return self.known[booking]


class FakeOpenWork:
    """OpenWork over the notes in a MemoryJournal."""

    def __init__(self, journal: MemoryJournal) -> None:
        self._notes = journal.collections.setdefault(OPEN_WORK, {})
        self._journal = journal

    async def take(self, now: datetime, limit: int) -> list[str]:
        notes = self._journal.collections[OPEN_WORK]
        due = [note for note in notes.values() if note["due"] <= now][:limit]
        for note in due:
            note["due"] = next_look(Work(note["work"]), note["since"], now) or now + timedelta(days=1000)
        return [note["_id"] for note in due]

    async def next_due(self) -> datetime | None:
        return min((note["due"] for note in self._journal.collections[OPEN_WORK].values()), default=None)


class World:
    """Everything a handler works with, in memory, and a time that tests move."""

    def __init__(self) -> None:
        self.time = datetime(2027, 3, 1, 12, tzinfo=UTC)
        self.steps = Steps()
        self.journal = CrashingJournal(self.now, indexes=INDEXES)
        self.journal.steps = self.steps
        self.gateway = FakeGateway(self.steps)
        self.payments = MongoPayments(self.journal)
        self.bookings = FakeBookings(self.now)
        self.work = FakeOpenWork(self.journal)

    def now(self) -> datetime:
        return self.time

    def cause(self, *parts: object, payload: object = "") -> Cause:
        return Cause("|".join(map(str, parts)), hashlib.sha256(repr(payload).encode()).digest(), actor=str(parts[0]))


class Sandbox:
    """The card network as a process of its own."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def post(self, path: str, **body: object) -> dict[str, Any]:
        async with httpx.AsyncClient() as client:
            answer = await client.post(f"{self.url}/_sandbox/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def get(self, path: str) -> dict[str, Any]:
        async with httpx.AsyncClient() as client:
            return (await client.get(f"{self.url}/_sandbox/{path}")).json()

    async def captures(self, reference: str = "") -> int:
        charges = (await self.get(f"charges?payment_intent={reference}"))["charges"]
        return sum(charge["captured"] for charge in charges)

    async def authenticate(self, reference: str, passes: bool) -> None:
        await self.post(f"payment_intents/{reference}/authenticate", passes=passes)

    async def lose_answers(self, count: int) -> None:
        await self.post("switches", drop_answers=count)


@contextmanager
def running_sandbox(folder: Path, webhook_url: str = "") -> Iterator[Sandbox]:
    command = [sys.executable, "-P", "-m", "gateway_sandbox", "--port", "0", "--data", str(folder)]
    command += ["--webhook-url", webhook_url, "--webhook-secret", SECRET]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Sandbox(process.stdout.readline().split()[-1])
        finally:
            process.terminate()
            process.wait(10)


@pytest.fixture
def start_sandbox() -> Callable[..., Any]:
    return running_sandbox


@pytest.fixture(scope="session")
def mongodb() -> Iterator[str]:
    with mongo_engine() as uri:
        yield uri


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One for all tests that need no webhooks."""
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def new_world() -> type[World]:
    return World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def crash() -> type[Crash]:
    return Crash


Waiting = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


@pytest.fixture
def until() -> Waiting:
    """Waits until a condition holds, looking often; fails after ten seconds."""

    async def wait(holds: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(10):
            while not await holds():
                await asyncio.sleep(0.02)

    return wait

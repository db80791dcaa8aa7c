"""Payment gateways in memory, and the handlers' world around them; conftest gives them to tests."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from domain_kit.money import Money
from domain_kit.refusals import Unavailable
from domain_kit.repository import Cause
from payment_service.domain.capabilities import Capabilities, CurrencyRule, Fee, Method
from payment_service.domain.gateways import (
    Action,
    ActionKind,
    Failure,
    FailureKind,
    GatewayRefund,
    Intent,
    IntentState,
    MethodKind,
    Notice,
    Order,
    Progress,
)
from payment_service.domain.open_work import Work, next_look
from payment_service.domain.payment_settings import NO_SETTINGS
from payment_service.domain.ports import Owed
from payment_service.domain.receipt import Receipt, Seller
from payment_service.domain.routing import Offer, Ranking, Wish, rank
from payment_service.outbound.repositories import COLLECTION, INDEXES, MongoPayments
from testkit.memory import MemoryJournal

PRICE = Money(1999, "CAD")
DECLINED = Failure("card_declined", "Your card was declined.")
TROUBLE = Failure("processing_error", "The card network is in trouble.", FailureKind.GATEWAY)


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
    """A gateway in memory: PaymentGateway, Captures and Refunds. Tokens have the sandbox's names.

    faults: for coming calls in turn, "before" (nothing is done) or "after" (done, but no answer); down: all of them.
    charges: reference → how often money was taken. notices: what it would send. keeps_tries: as the port has it.
    """

    slow_refunds = False

    def __init__(self, name: str = "stripe", steps: Steps | None = None, *, keeps_tries: bool = True) -> None:
        self.name, self.keeps_tries = name, keeps_tries
        self.steps = steps or Steps()
        self.faults: list[str] = []
        self.down = False
        self.intents: dict[str, Intent] = {}
        self.orders: dict[str, str] = {}
        self.reserving: set[str] = set()
        self.methods: dict[str, str] = {}
        self.amounts: dict[str, int] = {}
        self.money: dict[str, Money] = {}
        self.bookings: dict[str, str] = {}
        self.charges: Counter[str] = Counter()
        self.refunds: dict[str, dict[str, tuple[GatewayRefund, int]]] = {}
        self.notices: list[Notice] = []
        self.calls: Counter[str] = Counter()
        self._answers: dict[str, Any] = {}

    def check_amount(self, amount: Money) -> None:
        """Everything can be charged."""

    async def begin(self, order: Order) -> Intent:
        def act() -> Intent:
            reference = f"pi_{self.name}_{len(self.intents)}"
            self.orders[order.key] = reference
            self.amounts[reference], self.bookings[reference] = order.amount.minor_units, order.booking
            self.money[reference] = order.amount
            if not order.capture:
                self.reserving.add(reference)
            client = {"client_secret": f"{reference}_secret"}
            return self._keep(Intent(reference, IntentState.OPEN, client, trace="||"))

        return await self._do("begin", order.key, act)

    async def confirm(self, order: Order, reference: str) -> Intent:
        key = f"{order.key}-{order.tries}" if self.keeps_tries else order.key
        return await self._do("confirm", key, lambda: self.confirmed(reference, order.token))

    async def find(self, order: Order, reference: str) -> Intent | None:
        known = reference or self.orders.get(order.key, "")
        return await self._do("find", "", lambda: self.intents.get(known))

    async def cancel(self, order: Order, reference: str) -> Intent:
        def act() -> Intent:
            intent = self.intents[reference or self.orders[order.key]]
            if intent.state in (IntentState.SUCCEEDED, IntentState.CANCELLED):
                return intent
            return self._keep(replace(intent, state=IntentState.CANCELLED, failure=None, action=None))

        return await self._do("cancel", "", act)

    async def capture(self, order: Order, reference: str, amount: Money) -> Intent:
        def act() -> Intent:
            intent = self.intents[reference]
            if intent.state is not IntentState.AUTHORIZED:
                return intent
            self.charges[reference] += 1
            self.amounts[reference], self.money[reference] = amount.minor_units, amount
            return self._keep(replace(intent, state=IntentState.SUCCEEDED, captured=amount))

        assert amount.minor_units <= self.amounts[reference]
        return await self._do("capture", order.key, act)

    async def refund(self, order: Order, reference: str, amount: Money, *, id: str) -> GatewayRefund:
        def act() -> GatewayRefund:
            mine = self.refunds.setdefault(reference, {})
            taken = self.amounts[reference] * self.charges[reference]
            if amount.minor_units > taken - self.paid_back(reference):
                return GatewayRefund("", Progress.FAILED)
            slow = self.slow_refunds or self.methods[reference] == "pm_card_pendingRefund"
            made = GatewayRefund(f"re_{id}", Progress.PENDING if slow else Progress.SUCCEEDED)
            mine[id] = (made, amount.minor_units)
            self._tell(reference)
            return made

        assert len(id) == 32
        return await self._do("refund", id, act)

    async def refunds_of(self, order: Order, reference: str, ids: Mapping[str, str]) -> dict[str, GatewayRefund]:
        return await self._do(
            "refunds_of", "",
            lambda: {id: made for id, (made, _) in self.refunds.get(reference, {}).items() if id in ids},
        )  # fmt: skip

    def confirmed(self, reference: str, method: str) -> Intent:
        """Also what a payer's browser does by itself."""
        intent = self.intents[reference]
        if intent.state in (IntentState.SUCCEEDED, IntentState.CANCELLED, IntentState.AUTHORIZED):
            return intent
        count = int(intent.trace.split("|")[0].removeprefix("pm_") or 0) + 1
        if not method.startswith("pm_card_"):
            refused = Failure("resource_missing", "No such method.", FailureKind.REFUSED)
            return replace(intent, state=IntentState.OPEN, failure=refused)
        self.methods[reference] = method
        trace = f"pm_{count}|{intent.trace.split('|')[1]}|"
        if "authentication" in method:
            action = Action(ActionKind.REDIRECT, "https://bank.example")
            return self._keep(
                replace(intent, state=IntentState.ACTION_REQUIRED, action=action, failure=None, trace=trace)
            )
        if "networkTrouble" in method:
            return self._charged(replace(intent, trace=trace), TROUBLE)
        return self._charged(replace(intent, trace=trace), DECLINED if "Declined" in method else None)

    async def authenticate(self, reference: str, passes: bool) -> None:
        """What the payer's bank does."""
        intent = self.intents[reference]
        if intent.state is IntentState.ACTION_REQUIRED:
            self._charged(intent, None if passes else Failure("authentication_required", "Not authenticated."))

    async def finish_refunds(self, reference: str, succeeds: bool = True) -> None:
        """Pending refunds end."""
        for id, (made, amount) in self.refunds.get(reference, {}).items():
            if made.progress is Progress.PENDING:
                end = Progress.SUCCEEDED if succeeds else Progress.FAILED
                self.refunds[reference][id] = (replace(made, progress=end), amount)
                self._tell(reference)

    def paid_back(self, reference: str) -> int:
        """Minor units that went back or are about to."""
        mine = self.refunds.get(reference, {}).values()
        return sum(amount for made, amount in mine if made.progress is not Progress.FAILED)

    def late(self, reference: str) -> None:
        """Money comes for an order that was called off: what no gateway should do, and some have done."""
        self.methods[reference] = "pm_card_visa"
        self._charged(self.intents[reference], None)

    def _charged(self, intent: Intent, failure: Failure | None) -> Intent:
        method, charge, _ = intent.trace.split("|")
        charge = f"ch_{int(charge.removeprefix('ch_') or 0) + 1}"
        intent = replace(intent, failure=failure, action=None)
        if failure:
            return self._keep(replace(intent, state=IntentState.OPEN, trace=f"{method}|{charge}|{failure.code}"))
        if intent.reference in self.reserving:
            return self._keep(replace(intent, state=IntentState.AUTHORIZED, trace=f"{method}|{charge}|"))
        self.charges[intent.reference] += 1
        return self._keep(replace(intent, state=IntentState.SUCCEEDED, trace=f"{method}|{charge}|"))

    def _keep(self, intent: Intent) -> Intent:
        self.intents[intent.reference] = intent
        self._tell(intent.reference)
        return intent

    def _tell(self, reference: str) -> None:
        key = next((key for key, known in self.orders.items() if known == reference), "")
        self.notices.append(Notice(f"evt_{len(self.notices)}", key, reference))

    async def _do(self, call: str, key: str, act: Callable[[], Any]) -> Any:
        self.calls[call] += 1
        self.steps.step()
        await asyncio.sleep(0)
        fault = "before" if self.down else self.faults.pop(0) if self.faults else ""
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


def capabilities(gateway: str, **changes: Any) -> Capabilities:
    """Of a gateway that takes cards for almost nothing."""
    known = Capabilities(
        gateway=gateway,
        display_name=gateway,
        methods={"card": Method("card", MethodKind.TOKEN)},
        currencies={code: CurrencyRule(2) for code in ("CAD", "EUR")},
        countries=frozenset(),
        fees={"*": Fee(100, 0)},
        capture_days=7,
        refund_days=0,
        partial_refunds=True,
    )
    return replace(known, **changes)


class FakeGateways:
    """Gateways over fakes; earlier ones come first."""

    return_uri = "https://shop.example"

    def __init__(self, *gateways: FakeGateway) -> None:
        self.all = {each.name: each for each in gateways}
        self.can = {name: capabilities(name) for name in self.all}
        self.settings = NO_SETTINGS

    def named(self, name: str) -> FakeGateway:
        return self.all[name]

    async def ranking(self, wish: Wish, organizer: str) -> Ranking:
        offers = [Offer(self.can[name], priority=place) for place, name in enumerate(self.all)]
        return rank(offers, wish, self.settings)


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

    def held(
        self,
        booking: str,
        buyer: str,
        total: Money = PRICE,
        organizer: str = "organizers/o",
        until: timedelta = timedelta(days=365),
    ) -> None:
        self.known[booking] = Owed(booking, buyer, organizer, total, "HELD", self._clock() + until)

    async def owed(self, booking: str) -> Owed:
        return self.known[booking]


class FakeOpenWork:
    """OpenWork over the payments in a MemoryJournal."""

    def __init__(self, journal: MemoryJournal) -> None:
        self._payments = journal.collections.setdefault(COLLECTION, {})
        self._journal = journal

    async def take(self, now: datetime, limit: int, busy: Collection[str] = ()) -> list[str]:
        payments = self._journal.collections[COLLECTION]
        due = [each for each in payments.values() if each["awaited"] and each["due"] <= now and each["_id"] not in busy]
        for each in due[:limit]:
            following = next_look(Work(each["work"]), each["update_time"], now) or now + timedelta(days=1000)
            payments[each["_id"]] = {**each, "due": following}
        return [each["_id"] for each in due[:limit]]


class Notebook:
    """What is kept of bookings, in memory."""

    def __init__(self) -> None:
        self.receipts: dict[str, Receipt] = {}

    async def keep_receipt(self, receipt: Receipt, version: int) -> None:
        self.receipts[receipt.source] = receipt

    async def keep_seller(self, seller: Seller, version: int) -> None:
        raise NotImplementedError


class World:
    """Everything a handler works with, in memory, and a time that tests move."""

    def __init__(self, *others: str, keeps_tries: bool = True) -> None:
        self.time = datetime(2027, 3, 1, 12, tzinfo=UTC)
        self.steps = Steps()
        self.journal = CrashingJournal(self.now, indexes=INDEXES)
        self.journal.steps = self.steps
        names = ("stripe", *others)
        self.gateways = FakeGateways(*(FakeGateway(name, self.steps, keeps_tries=keeps_tries) for name in names))
        self.gateway = self.gateways.named("stripe")
        self.payments = MongoPayments(self.journal)
        self.bookings = FakeBookings(self.now)
        self.work = FakeOpenWork(self.journal)
        self.known = Notebook()

    def now(self) -> datetime:
        return self.time

    def cause(self, *parts: object, payload: object = "") -> Cause:
        return Cause("|".join(map(str, parts)), hashlib.sha256(repr(payload).encode()).digest(), actor=str(parts[0]))

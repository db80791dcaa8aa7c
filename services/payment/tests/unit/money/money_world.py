"""The payment service over far ends and a store in memory, all of which may fail, and a booking that is only a model.

The handlers, workers, consumers, repositories and books are the real ones.
"""

import asyncio
import hashlib
import itertools
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from far_gateway import FarGateway, expected_fee
from payment_fakes import CrashingJournal, FakeBookings, FakeGateways, FakeOpenWork, Notebook, Steps, capabilities

from domain_kit.money import Money
from domain_kit.refusals import Refusal
from domain_kit.repository import Cause
from event_backbone import Received
from payment_service.domain.capabilities import CurrencyRule, Method
from payment_service.domain.gateways import Delivery, MethodKind, Notice
from payment_service.domain.payment import Payment
from payment_service.domain.payment_books import Books
from payment_service.domain.receipt import Receipt, ReceiptLine, Seller, Tax
from payment_service.domain.terms import Share, Terms, TermsBook
from payment_service.domain.webhook_inbox import Kept, next_try
from payment_service.handlers.receive_notice import receive_notice
from payment_service.handlers.settle_payment import settle_payment
from payment_service.inbound.consumers import booking_subscription
from payment_service.inbound.workers import DueWorker, SettlingWorker, WebhookWorker
from payment_service.outbound import invoices, payouts
from payment_service.outbound.gateways.door import Door
from payment_service.outbound.invoice_documents import receipt_document, seller_document
from payment_service.outbound.ledger import MongoLedger
from payment_service.outbound.repositories import INDEXES, MongoPayments
from resource_api import money_to_wire
from usher.booking.v1 import booking_pb2
from usher.booking.v1 import domain_events_pb2 as booking_facts

DIGITS = {"EUR": 2, "USD": 2, "MXN": 2, "JPY": 0, "KWD": 3}
ORGANIZERS = {"organizers/a": "Europe/Berlin", "organizers/b": "Asia/Tokyo", "organizers/c": "America/New_York"}
TERMS = TermsBook(
    Terms(holding_days=1),
    {
        "organizers/a": Terms(250, holding_days=1, shares=(Share("organizers/b", 1_000),)),
        "organizers/c": Terms(333, fee_returned=False, holding_days=0),
    },
)
HELD_FOR = timedelta(minutes=10)
BUYER = "users/u"


class Gateways(FakeGateways):
    """Two that can be asked, one that cannot, and the door. No two of them take all the same currencies."""

    def __init__(self, steps: Steps, clock) -> None:
        far = partial(FarGateway, steps=steps, clock=clock)
        super().__init__(
            far("first", keeps_tries=True, silent=False),
            far("second", keeps_tries=False, silent=False),
            far("silent", keeps_tries=False, silent=True),
        )
        self.far: list[FarGateway] = list(self.all.values())
        self.all["door"] = Door("Bring it.")
        rules = {code: CurrencyRule(digits) for code, digits in DIGITS.items()}
        some = {code: rule for code, rule in rules.items() if code != "KWD"}
        at_door = {"pay_at_door": Method("pay_at_door", MethodKind.INSTRUCTIONS)}
        self.can = {
            "first": capabilities("first", currencies=rules),
            "second": capabilities("second", currencies=some),
            "silent": capabilities("silent", currencies=rules),
            "door": capabilities("door", currencies=rules, methods=at_door, capture_days=0),
        }


class Inbox:
    """payment_service.domain.webhook_inbox.WebhookInbox; every write is a step at which the process may be gone."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self.kept: dict[str, tuple[Kept, datetime | None]] = {}

    async def keep(
        self, gateway: str, notices: list[Notice], delivery: Delivery, now: datetime, *, applied: Collection[str] = ()
    ) -> list[Kept]:
        assert not applied
        self._steps.step()
        fresh = [Kept(gateway, each, now) for each in notices]
        fresh = [each for each in fresh if each.id not in self.kept]
        self.kept.update({each.id: (replace(each, tries=1), next_try(each, now)) for each in fresh})
        self._steps.step()
        return fresh

    async def take(self, now: datetime, limit: int) -> list[Kept]:
        due = [(kept, at) for kept, at in self.kept.values() if at is not None and at <= now]
        taken = [kept for kept, _ in sorted(due, key=lambda pair: pair[1])][:limit]
        for each in taken:
            self.kept[each.id] = (replace(each, tries=each.tries + 1), next_try(each, now))
        self._steps.step()
        return taken

    async def done(self, kept: Kept) -> None:
        self._steps.step()
        self.kept[kept.id] = (kept, None)


class Bookings(FakeBookings):
    """Holds that run out, and what becomes of money for them. facts: what booking tells, as often as it likes.

    claimed, unclaimed: payments by what became of their money.
    """

    def __init__(self, clock) -> None:
        super().__init__(clock)
        self.facts: list[tuple[str, object]] = []
        self.claimed: dict[str, str] = {}
        self.unclaimed: list[str] = []

    def hold(self, organizer: str, total: Money) -> None:
        self.held(f"events/e/bookings/{len(self.known)}", BUYER, total, organizer, HELD_FOR)

    def change(self, booking: str, price: int) -> None:
        """What is confirmed is changed for a price, which is to be paid soon."""
        owed = self.known[booking]
        if owed.state == "CONFIRMED" and owed.held_until is None:
            due = Money(price, owed.total.currency)
            self.known[booking] = replace(owed, total=due, held_until=self._clock() + HELD_FOR)

    def cancel(self, booking: str, part: int) -> None:
        """It is called off; of what is confirmed, `part` percent are due."""
        owed = self.known[booking]
        if owed.state not in ("HELD", "CONFIRMED"):
            return
        taken = owed.claimed
        message = booking_pb2.Booking(name=booking, payment=taken[0] if taken else "", extra_payments=taken[1:])
        fact = booking_facts.BookingCancelled(booking=message)
        if taken and part:
            due = sum(self._amounts[each].minor_units for each in taken) * part // 100
            fact.refund_due.CopyFrom(money_to_wire(Money(due, owed.total.currency)))
        self.known[booking] = replace(owed, state="CANCELLED", held_until=None)
        self._tell(fact)

    def hear(self, payment: Payment, luck: bool) -> None:
        """Its money has come: it is taken where it is still wanted, or (`luck`) places are left, else given back."""
        owed = self.known[payment.booking]
        wanted = owed.held_until is not None and payment.amount == owed.total
        in_time = owed.held_until is not None and owed.held_until > self._clock()
        self._amounts = {**getattr(self, "_amounts", {}), payment.name: payment.amount}
        if wanted and (in_time or luck):
            self.known[payment.booking] = replace(
                owed, state="CONFIRMED", held_until=None, claimed=(*owed.claimed, payment.name)
            )
            self.claimed[payment.name] = payment.booking
            return
        self.unclaimed.append(payment.name)
        self._tell(booking_facts.PaymentUnclaimed(payment=payment.name))

    def _tell(self, fact: object) -> None:
        self.facts.append((f"01F{len(self.facts)}", fact))


async def do_due(worker: DueWorker, crash: type[Exception], taken: Sequence | None = None) -> int:
    """All that is due, at once; nothing but refusals and a crash may come of it. How much it was."""
    taken = await worker.take() if taken is None else taken
    results = await asyncio.gather(*(worker.do(work) for _, work in taken), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, Refusal | crash):
            raise result
    return len(taken)


class Platform:
    """Everything; `restart` is what a process that died is followed by."""

    def __init__(self) -> None:
        self.time = datetime(2027, 12, 30, 12, tzinfo=UTC)
        self.steps = Steps()
        self.journal = CrashingJournal(self.now, indexes={**INDEXES, **invoices.INDEXES, **payouts.INDEXES})
        self.journal.steps = self.steps
        self.gateways = Gateways(self.steps, self.now)
        self.bookings = Bookings(self.now)
        self.inbox = Inbox(self.steps)
        self.numbers = itertools.count(1)
        sellers = (Seller(name, name, "DE", zone) for name, zone in ORGANIZERS.items())
        self.journal.collections[invoices.SELLERS] = {each.organizer: seller_document(each) for each in sellers}
        self.journal.collections[invoices.RECEIPTS] = {}
        self.restart()

    def now(self) -> datetime:
        return self.time

    def pass_time(self, seconds: int) -> None:
        """It does not stand still."""
        self.time += timedelta(seconds=seconds)

    def restart(self) -> None:
        """Nothing that was in the process is left."""
        self.payments = MongoPayments(self.journal, books=Books(TERMS, expected_fee))
        self.ledger, self.book = MongoLedger(self.journal), invoices.MongoInvoices(self.journal)
        self.payouts = payouts.MongoPayouts(self.journal)

    def cause(self, key: str, payload: object) -> Cause:
        return Cause(key, hashlib.sha256(repr(payload).encode()).digest(), actor=BUYER)

    def keep_receipt(self, payment: Payment) -> None:
        """What booking says that it was for; a fifth of it is two taxes."""
        total, (low, high) = payment.amount, (payment.amount.minor_units // 15, payment.amount.minor_units // 7)
        taxes = [Tax("low", 70_000, Money(low, total.currency)), Tax("high", 190_000, Money(high, total.currency))]
        line = ReceiptLine("A ticket", 1, total)
        receipt = Receipt(payment.name, total, (line,), tuple(each for each in taxes if each.amount))
        self.journal.collections[invoices.RECEIPTS][payment.name] = receipt_document(receipt)

    async def hear_of(self, fact: tuple[str, object]) -> None:
        """A domain event of booking arrives, perhaps again."""
        id, message = fact
        handlers = booking_subscription(self.payments, self.gateways, Notebook(), self.now).handlers
        await handlers[type(message)](message, Received(id, "", "", 1, self.now(), "", ""))

    async def settle_due(self, crash: type[Exception]) -> int:
        """Payments whose next look at their gateway is due."""

        async def settle(name: str) -> Payment:
            return await settle_payment(self.payments, self.gateways, name, clock=self.now)

        return await do_due(SettlingWorker(FakeOpenWork(self.journal), settle, self.now), crash)

    async def apply_webhooks(self, crash: type[Exception], kept: Sequence[Kept] | None = None) -> int:
        """Webhooks that were kept and are due, or some that have just been kept."""

        async def apply(kept: Kept) -> None:
            await receive_notice(self.payments, self.gateways, kept.gateway, kept.notice, clock=self.now)

        taken = None if kept is None else [(each.id, each) for each in kept]
        return await do_due(WebhookWorker(self.inbox, apply, self.now), crash, taken)

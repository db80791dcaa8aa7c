"""Numbers run from 1 without gap or double, in the order of facts, whoever dies or runs beside."""

import asyncio
import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from domain_kit.money import Money
from payment_service.domain.invoice import Invoice, InvoiceKind
from payment_service.domain.invoice_due import InvoiceDue
from payment_service.domain.ledger import Account, AccountKind
from payment_service.domain.receipt import Receipt, ReceiptLine, Seller, Tax
from payment_service.handlers import issue_invoices as issuing
from payment_service.handlers.issue_invoices import issue_invoices
from payment_service.outbound.bookkeeping import INVOICES_DUE, UNCHAINED
from payment_service.outbound.invoice_documents import invoice_of, receipt_document, seller_document
from payment_service.outbound.invoices import INDEXES, INVOICES, RECEIPTS, SELLERS, MongoInvoices
from payment_service.outbound.ledger import MongoLedger
from payment_service.outbound.ledger_documents import due_document
from testkit.memory import MemoryJournal

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
ORGANIZERS = ("organizers/a", "organizers/b")


class Died(Exception):
    """The process is gone."""


class MortalJournal(MemoryJournal):
    """Whose process dies before or after every so many commits."""

    def __init__(self, dice: random.Random, *, indexed: bool) -> None:
        self.time = NOW
        super().__init__(lambda: self.time, indexes=INDEXES if indexed else {})
        self.dice = dice
        self.deadly = True

    async def commit_batch(self, writes, rows) -> None:
        fate = self.dice.random() if self.deadly else 1
        if fate < 0.2:
            raise Died
        await super().commit_batch(writes, rows)
        if fate < 0.4:
            raise Died

    def put(self, collection: str, document: dict) -> None:
        self.collections.setdefault(collection, {})[document["_id"]] = document


class Office:
    def __init__(self, seed: int = 0, *, indexed: bool = True) -> None:
        self.journal = MortalJournal(random.Random(seed), indexed=indexed)
        self.book = MongoInvoices(self.journal)

    def pay(self, number: int, organizer: str, refunds: int = 0, receipt: bool = True, amount: int = 1190) -> None:
        payment, money = f"payments/{number:03}", Money(amount, "EUR")
        facts = [("", money)] + [(f"/refunds/{n}", Money(amount // max(refunds, 1), "EUR")) for n in range(refunds)]
        for place, (suffix, part) in enumerate(facts):
            time = NOW + timedelta(seconds=number, milliseconds=place)
            due = InvoiceDue(payment + suffix, time, payment, "events/e/bookings/b", organizer, "users/u", part)
            self.journal.put(INVOICES_DUE, due_document(due))
        if receipt:
            self.show_receipt(number, amount)

    def show_receipt(self, number: int, amount: int = 1190) -> None:
        money = Money(amount, "EUR")
        told = Receipt(
            f"payments/{number:03}", money, (ReceiptLine("Standard", 1, money),),
            (Tax("VAT", 190_000, Money(amount * 19 // 119, "EUR")),),
        )  # fmt: skip
        self.journal.put(RECEIPTS, receipt_document(told))

    def open(self, organizer: str) -> None:
        self.journal.put(SELLERS, seller_document(Seller(organizer, "Nordlicht", "DE", "Europe/Berlin")))

    async def work(self) -> None:
        """A process that dies and comes back until nothing is left that is due by now."""
        self.journal.time += timedelta(hours=1)
        while True:
            try:
                if not await issue_invoices(self.book, clock=self.journal.clock) and not await self.book.due(
                    self.journal.time, 1
                ):
                    return
            except Died:
                continue

    def issued(self) -> list[Invoice]:
        return [invoice_of(each) for each in self.journal.collections.get(INVOICES, {}).values()]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(ORGANIZERS), st.integers(0, 2)), max_size=12),
    st.integers(1, 3),
    st.integers(0, 2**32),
    st.booleans(),
)
def test_numbers_run_from_one_without_gap_or_double(
    payments: list[tuple[str, int]], processes: int, seed: int, indexed: bool
) -> None:
    """INVARIANT: see issue_invoices. The guard of a series holds it without the unique indexes too."""
    office = Office(seed, indexed=indexed)
    for organizer in ORGANIZERS:
        office.open(organizer)
    for number, (organizer, refunds) in enumerate(payments):
        office.pay(number, organizer, refunds)

    async def all_of_them() -> None:
        await asyncio.gather(*(office.work() for _ in range(processes)))

    asyncio.run(all_of_them())
    by_series: dict[tuple[str, InvoiceKind], list[Invoice]] = defaultdict(list)
    for each in office.issued():
        by_series[each.seller.organizer, each.kind].append(each)
    for (organizer, kind), invoices in by_series.items():
        invoices.sort(key=lambda each: each.number)
        prefix = "CN-" if kind is InvoiceKind.CREDIT_NOTE else ""
        assert [each.number for each in invoices] == [f"{prefix}2027-{n:06}" for n in range(1, len(invoices) + 1)]
        assert [each.supply_time for each in invoices] == sorted(each.supply_time for each in invoices)
        assert all(each.seller.organizer == organizer for each in invoices)
    sources = [each.source for each in office.issued()]
    assert len(sources) == len(set(sources)) == sum(1 + refunds for _, refunds in payments)


async def test_one_that_lacks_its_receipt_waits_and_holds_up_nobody() -> None:
    office = Office()
    office.journal.deadly = False
    office.open("organizers/a")
    office.pay(1, "organizers/a", receipt=False)
    office.pay(2, "organizers/a", refunds=1)
    office.journal.time += timedelta(hours=1)
    assert await issue_invoices(office.book, clock=office.journal.clock) == 2
    assert {each.payment for each in office.issued()} == {"payments/002"}
    assert await issue_invoices(office.book, clock=office.journal.clock) == 0
    office.show_receipt(1)
    assert await issue_invoices(office.book, clock=office.journal.clock) == 0, "it is not looked at all the time"
    office.journal.time += timedelta(hours=1)
    assert await issue_invoices(office.book, clock=office.journal.clock) == 1
    (late,) = [each for each in office.issued() if each.payment == "payments/001"]
    assert late.number == "2027-000002"


async def test_many_that_wait_do_not_hold_up_those_behind_them() -> None:
    office = Office()
    office.journal.deadly = False
    office.open("organizers/a")
    for number in range(issuing.AT_ONCE + 5):
        office.pay(number, "organizers/a", receipt=False)
    office.pay(900, "organizers/a")
    office.journal.time += timedelta(hours=1)
    await issue_invoices(office.book, clock=office.journal.clock)
    await issue_invoices(office.book, clock=office.journal.clock)
    assert [each.payment for each in office.issued()] == ["payments/900"]


async def test_an_organizer_that_nobody_has_heard_of_waits_too() -> None:
    office = Office()
    office.journal.deadly = False
    office.pay(1, "organizers/a")
    office.journal.time += timedelta(hours=1)
    await issue_invoices(office.book, clock=office.journal.clock)
    assert office.issued() == []
    office.open("organizers/a")
    await office.work()
    assert [each.number for each in office.issued()] == ["2027-000001"]


async def test_the_tax_goes_to_its_account_with_the_invoice_and_back_with_the_credit_note() -> None:
    office = Office()
    office.journal.deadly = False
    office.open("organizers/a")
    office.pay(1, "organizers/a")
    await office.work()
    ledger, account = MongoLedger(office.journal), Account("organizers/a", AccountKind.TAX).name
    await ledger.chain()
    assert (await ledger.balances("organizers/a"))[account, "EUR"] == -190
    office.pay(1, "organizers/a", refunds=1)
    await office.work()
    await ledger.chain()
    assert (await ledger.balances("organizers/a"))[account, "EUR"] == 0
    assert office.journal.collections[UNCHAINED] == {}
    assert [each.kind for each in office.issued()] == [InvoiceKind.INVOICE, InvoiceKind.CREDIT_NOTE]

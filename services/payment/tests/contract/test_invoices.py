"""Invoices on a real store: several processes at once, and one that dies, give out each number once."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from domain_kit.ids import new_id
from domain_kit.money import Money
from domain_kit.refusals import NotFound
from domain_kit.repository import Cause
from mongo_store import Database, Journal, MongoOutbox, open_database
from payment_service.domain.invoice_due import InvoiceDue
from payment_service.domain.payment_settings import PaymentSettings
from payment_service.domain.receipt import Receipt, ReceiptLine, Seller, Tax
from payment_service.handlers.issue_invoices import issue_invoices
from payment_service.outbound.bookkeeping import INVOICES_DUE
from payment_service.outbound.invoices import INDEXES, MongoInvoices
from payment_service.outbound.ledger_documents import due_document
from payment_service.outbound.payment_settings import MongoPaymentSettings
from payment_service.outbound.receipts import MongoKnowledge
from usher.payment.v1.domain_events_pb2 import InvoiceIssued

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
ORGANIZER, BUYER = "organizers/o", "users/u"
ISSUE_AND_DIE = """
import asyncio, sys
from datetime import UTC, datetime
from domain_kit.crash_points import arm
from mongo_store import Journal, open_database
from payment_service.handlers.issue_invoices import issue_invoices
from payment_service.outbound.invoices import MongoInvoices

async def main():
    async with open_database(sys.argv[1], sys.argv[2]) as database:
        arm({"USHER_CRASH_AT": sys.argv[3], "USHER_CRASH_ALLOWED": "yes"})
        while await issue_invoices(MongoInvoices(Journal(database)), clock=lambda: datetime(2027, 3, 2, tzinfo=UTC)):
            pass

asyncio.run(main())
"""


@pytest.fixture
async def database(mongodb: str) -> AsyncIterator[Database]:
    async with open_database(mongodb, f"invoices_{new_id()}") as database:
        await database.ensure_indexes(INDEXES)
        await MongoKnowledge(database).keep_seller(Seller(ORGANIZER, "Nordlicht", "DE", "Europe/Berlin"), 1)
        yield database


async def pay(database: Database, count: int) -> None:
    """Payments with their receipts, every third one paid back."""
    money, knowledge = Money(1190, "EUR"), MongoKnowledge(database)
    for number in range(count):
        payment = f"payments/{number:03}"
        lines, taxes = (ReceiptLine("Standard", 1, money),), (Tax("VAT", 190_000, Money(190, "EUR")),)
        await knowledge.keep_receipt(Receipt(payment, money, lines, taxes), 2)
        for suffix in ("", "/refunds/r") if number % 3 == 0 else ("",):
            time = NOW + timedelta(seconds=number)
            due = InvoiceDue(payment + suffix, time, payment, "events/e/bookings/b", ORGANIZER, BUYER, money)
            await database.collection(INVOICES_DUE).insert_one(due_document(due))


async def work(database: Database) -> None:
    book = MongoInvoices(Journal(database))
    while await book.due(NOW + timedelta(days=1), 1):
        await issue_invoices(book, clock=lambda: NOW + timedelta(days=1))


async def everything(database: Database) -> AsyncIterator[InvoiceIssued]:
    async for each in MongoOutbox(Journal(database)).everything():
        if each.type == InvoiceIssued.DESCRIPTOR.full_name:
            yield each


async def numbers(database: Database) -> list[str]:
    page = await MongoInvoices(Journal(database)).list_page({"organizer": ORGANIZER}, None, 200)
    return sorted(each.number for each in page.items)


def wanted(count: int) -> list[str]:
    notes = len(range(0, count, 3))
    return sorted(
        [f"2027-{n:06}" for n in range(1, count + 1)] + [f"CN-2027-{n:06}" for n in range(1, notes + 1)]
    )  # fmt: skip


async def test_several_processes_at_once_give_out_each_number_once(database: Database, mongodb: str) -> None:
    """INVARIANT: no gap, no double."""
    await pay(database, 50)
    async with open_database(mongodb, database.name) as other:
        await asyncio.gather(work(database), work(other), work(database))
    assert await numbers(database) == wanted(50)
    told = [each async for each in MongoOutbox(Journal(database)).everything()]
    invoices = [InvoiceIssued.FromString(each.payload).invoice for each in told]
    assert sorted(each.number for each in invoices) == wanted(50)
    assert [each.subject for each in told] == [each.name for each in invoices]


@pytest.mark.parametrize("point", ["invoices.before_issued:2", "store.before_commit", "invoices.after_issued"])
async def test_a_process_that_dies_while_it_issues_leaves_no_gap(database: Database, mongodb: str, point: str) -> None:
    """INVARIANT: no gap, no double."""
    await pay(database, 40)
    command = [sys.executable, "-c", ISSUE_AND_DIE, mongodb, database.name, point]
    died = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert died.returncode == -9, died.stderr
    await work(database)
    assert await numbers(database) == wanted(40)


async def test_pages_of_a_buyer_and_of_an_organizer_hold_each_invoice_once_newest_first(database: Database) -> None:
    await pay(database, 20)
    await work(database)
    book = MongoInvoices(Journal(database))
    for where in ({"buyer": BUYER}, {"organizer": ORGANIZER}):
        seen, after = [], None
        while True:
            page = await book.list_page(where, after, 8)
            seen += [each.number for each in page.items]
            after = page.following
            if after is None:
                break
        assert sorted(seen) == wanted(20)
        assert len(set(seen)) == len(seen)
    assert (await book.list_page({"buyer": "users/x"}, None, 8)).items == []
    with pytest.raises(NotFound):
        await book.get("invoices/none")


async def test_what_is_older_than_what_is_known_of_a_seller_changes_nothing(database: Database) -> None:
    knowledge, book = MongoKnowledge(database), MongoInvoices(Journal(database))
    newer, older = (Seller(ORGANIZER, name, "DE", "UTC") for name in ("new", "old"))
    await knowledge.keep_seller(newer, 7)
    await knowledge.keep_seller(older, 6)
    assert await book.seller(ORGANIZER) == newer


async def test_an_invoice_says_whether_its_organizer_wants_it_mailed(database: Database) -> None:
    await pay(database, 1)
    await work(database)
    settings = MongoPaymentSettings(Journal(database))
    await settings.change(ORGANIZER, PaymentSettings(mails_invoices=False), etag="", cause=Cause(new_id()))
    money, time = Money(1190, "EUR"), NOW + timedelta(seconds=9)
    await MongoKnowledge(database).keep_receipt(
        Receipt("payments/x", money, (ReceiptLine("Standard", 1, money),), ()), 2
    )
    due = InvoiceDue("payments/x", time, "payments/x", "events/e/bookings/b", ORGANIZER, BUYER, money)
    await database.collection(INVOICES_DUE).insert_one(due_document(due))
    await work(database)
    told = [InvoiceIssued.FromString(each.payload) async for each in everything(database)]
    assert [each.mailed for each in told if each.invoice.payment != "payments/x"] == [True, True]
    assert [each.mailed for each in told if each.invoice.payment == "payments/x"] == [False]

"""A payment's way into the ledger and onto an invoice, as clients see it."""

import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pypdf
import pytest

from access import Role
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, PermissionDenied
from mongo_store import Database, open_database
from payment_service.domain.receipt import InBase, Receipt, ReceiptLine, Seller, Tax
from payment_service.domain.reconciliation import Difference, Movement, movements, reconciled
from payment_service.outbound.gateway_reports import reported_by
from payment_service.outbound.ledger import entries_of, verified
from payment_service.outbound.receipts import MongoKnowledge
from resource_api import money_from_wire, time_from_wire
from usher.payment.v1 import invoice_pb2, ledger_pb2, payment_pb2
from usher.payment.v1 import invoice_service_pb2 as invoices
from usher.payment.v1 import ledger_service_pb2 as ledger
from usher.payment.v1.invoice_service_pb2_grpc import InvoiceServiceStub
from usher.payment.v1.ledger_service_pb2_grpc import LedgerServiceStub


@pytest.fixture
def stubs(running) -> tuple[LedgerServiceStub, InvoiceServiceStub]:
    return LedgerServiceStub(running.calls.channel), InvoiceServiceStub(running.calls.channel)


@pytest.fixture
async def database(running) -> AsyncIterator[Database]:
    async with open_database(running.settings.mongodb_uri, running.settings.database) as database:
        yield database


async def sold(database: Database, buyer) -> payment_pb2.Payment:
    """A paid payment, with what other services would have told of it."""
    payment = await buyer.confirm((await buyer.payment(units=42)).name)
    money, knowledge = money_from_wire(payment.amount), MongoKnowledge(database)
    tax = Tax("HST", 130_000, Money(483, "CAD"))
    await knowledge.keep_seller(Seller(payment.organizer, "Nordlicht", "CA", "America/Toronto"), 1)
    receipt = Receipt(payment.name, money, (ReceiptLine("Standard", 2, money),), (tax,))
    await knowledge.keep_receipt(receipt, 2)
    return payment


async def test_a_payment_is_in_the_ledger_and_has_an_invoice_within_seconds(running, stubs, database, until) -> None:
    buyer, (ledgers, books) = running.buyer(), stubs
    payment = await sold(database, buyer)
    organizer, finance = payment.organizer, buyer.member(Role.FINANCE)

    async def invoiced() -> bool:
        page = await books.ListUserInvoices(
            invoices.ListUserInvoicesRequest(parent=buyer.name), metadata=buyer.metadata
        )
        return len(page.invoices) == 1

    await until(invoiced)
    (invoice,) = (await books.ListInvoices(invoices.ListInvoicesRequest(parent=organizer), metadata=finance)).invoices[
        :1
    ]
    assert (invoice.payment, invoice.kind, invoice.number[4:]) == (
        payment.name, invoice_pb2.INVOICE_KIND_INVOICE, "-000001",
    )  # fmt: skip
    assert (invoice.total, invoice.net_total.units, invoice.taxes[0].amount.units) == (payment.amount, 37, 4)
    request = invoices.GetInvoicePdfRequest(name=invoice.name, language_code="fr")
    paper = await books.GetInvoicePdf(request, metadata=buyer.metadata)
    assert paper.content_type == "application/pdf"
    assert invoice.number in pypdf.PdfReader(io.BytesIO(paper.data)).pages[0].extract_text()

    async def booked() -> bool:
        wish = ledger.ListLedgerEntriesRequest(parent=organizer)
        found = await ledgers.ListLedgerEntries(wish, metadata=finance)
        kinds = {each.kind for each in found.ledger_entries if each.payment == payment.name}
        return kinds == {ledger_pb2.LEDGER_ENTRY_KIND_CAPTURED, ledger_pb2.LEDGER_ENTRY_KIND_TAX}

    await until(booked)
    balances = await ledgers.GetBalances(ledger.GetBalancesRequest(parent=organizer), metadata=finance)
    (balance,) = balances.balances
    assert [each.units for each in (balance.payable, balance.tax, balance.held_back)] == [37, 4, 42]
    assert balance.available.units == 0
    with pytest.raises(FailedPrecondition) as caught:
        await ledgers.CreatePayout(ledger.CreatePayoutRequest(parent=organizer), metadata=finance)
    assert caught.value.reason == "NOTHING_PAYABLE"


async def test_an_invoice_in_yen_tells_the_tax_in_the_event_s_currency_too(running, stubs, database, until) -> None:
    buyer, (_, books) = running.buyer(), stubs
    payment = await buyer.confirm((await buyer.payment(units=15998, currency="JPY")).name)
    money, knowledge = money_from_wire(payment.amount), MongoKnowledge(database)
    as_of = datetime(2027, 3, 1, tzinfo=UTC)
    base = InBase("163.25", as_of, "ECB", Money(9800, "EUR"), (Tax("VAT", 200_000, Money(1633, "EUR")),))
    tax = Tax("VAT", 200_000, Money(2666, "JPY"))
    await knowledge.keep_seller(Seller(payment.organizer, "Nordlicht", "FR", "Europe/Paris"), 1)
    receipt = Receipt(payment.name, money, (ReceiptLine("Standard", 2, money),), (tax,), in_base=base)
    await knowledge.keep_receipt(receipt, 2)
    mine = invoices.ListUserInvoicesRequest(parent=buyer.name)

    async def notes(count: int) -> bool:
        return len((await books.ListUserInvoices(mine, metadata=buyer.metadata)).invoices) == count

    await until(lambda: notes(1))
    for amount in (5000, 10998):
        await buyer.refund(payment.name, amount, currency="JPY")
    await until(lambda: notes(3))
    issued = (await books.ListUserInvoices(mine, metadata=buyer.metadata)).invoices
    (invoice,) = (each for each in issued if each.kind == invoice_pb2.INVOICE_KIND_INVOICE)
    told = invoice.exchange
    assert (told.base_currency_code, told.rate, told.rate_source) == ("EUR", "163.25", "ECB")
    assert time_from_wire(told.rate_time) == as_of
    assert (money_from_wire(told.base_total), money_from_wire(told.base_taxes[0].amount)) == (
        Money(9800, "EUR"), Money(1633, "EUR"),
    )  # fmt: skip
    for of in (
        lambda each: each.total, lambda each: each.taxes[0].amount,
        lambda each: each.exchange.base_total, lambda each: each.exchange.base_taxes[0].amount,
    ):  # fmt: skip
        assert sum(money_from_wire(of(each)).minor_units for each in issued) == 0
    paper = await books.GetInvoicePdf(invoices.GetInvoicePdfRequest(name=invoice.name), metadata=buyer.metadata)
    assert "1 EUR = 163.25 JPY, ECB" in pypdf.PdfReader(io.BytesIO(paper.data)).pages[0].extract_text()


async def test_who_may_see_invoices_and_make_payouts(running, stubs, database, until) -> None:
    buyer, stranger, (ledgers, books) = running.buyer(), running.buyer(), stubs
    organizer = (await sold(database, buyer)).organizer
    found: list[invoice_pb2.Invoice] = []

    async def invoiced() -> bool:
        wish = invoices.ListUserInvoicesRequest(parent=buyer.name)
        found[:] = (await books.ListUserInvoices(wish, metadata=buyer.metadata)).invoices
        return bool(found)

    await until(invoiced)
    get = invoices.GetInvoiceRequest(name=found[0].name)
    assert await books.GetInvoice(get, metadata=buyer.metadata) == found[0]
    assert await books.GetInvoice(get, metadata=buyer.member(Role.FINANCE)) == found[0]
    for metadata in (stranger.metadata, buyer.member(Role.CHECK_IN)):
        with pytest.raises(PermissionDenied):
            await books.GetInvoice(get, metadata=metadata)
    payout = ledger.CreatePayoutRequest(parent=organizer)
    for role in (Role.MANAGER, Role.VIEWER):
        with pytest.raises(PermissionDenied):
            await ledgers.CreatePayout(payout, metadata=buyer.member(role))
    with pytest.raises(PermissionDenied):
        await ledgers.ListPayouts(ledger.ListPayoutsRequest(parent=organizer), metadata=stranger.metadata)


@pytest.mark.parametrize(("gateway", "token"), [("square", "cnon:card-nonce-ok"), ("stripe", "pm_card_visa")])
async def test_a_gateways_own_books_say_the_same_as_the_ledger(
    everywhere, tmp_path, until, gateway: str, token: str
) -> None:
    """The SDK over the sandbox's books, which nobody told of our ledger."""
    buyer = everywhere.buyer()
    begun = datetime.now(UTC)
    names = [(await buyer.payment(currency="USD", gateway=gateway, units=40)).name for _ in range(3)]
    for name in names:
        await buyer.confirm(name, token)
    await buyer.refund(names[0], 15, currency="USD")
    credentials = json.loads((tmp_path / "gateways.json").read_text())[gateway]
    time = begun - timedelta(days=1), begun + timedelta(days=1)
    async with open_database(everywhere.settings.mongodb_uri, everywhere.settings.database) as database:

        async def booked() -> list[Movement]:
            return movements(gateway, [each async for each in entries_of(database, f"gateways/{gateway}", *time)])

        async def all_booked() -> bool:
            return len(await booked()) == 4

        await until(all_booked)
        ours, theirs = await booked(), await reported_by(gateway, credentials, *time)
        assert (await verified(database)).findings == []
    assert len(theirs) == 4
    found = [each for each in reconciled(ours, theirs, *time) if each.difference is not Difference.FEE]
    assert found == []
    (missing,) = [
        each for each in reconciled(ours, theirs[1:], *time) if each.difference is not Difference.FEE
    ]  # fmt: skip
    assert missing.difference is Difference.MISSING

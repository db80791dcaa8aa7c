"""Puts ledger, payouts and invoices together; used by the composition."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from access import Ownership
from chassis import Chassis
from domain_kit.refusals import NotFound
from event_backbone import Subscription
from grpc_runtime import Worker
from payment_service.domain.invoice_ports import Knowledge
from payment_service.domain.payment_books import Books
from payment_service.handlers.issue_invoices import issue_invoices
from payment_service.inbound.auditor import Auditor
from payment_service.inbound.bookkeeper import Bookkeeper
from payment_service.inbound.invoice_servicer import InvoiceParts, InvoiceServicer
from payment_service.inbound.ledger_servicer import LedgerParts, LedgerServicer
from payment_service.inbound.receipts import receipt_subscription, seller_subscription
from payment_service.metrics import ledger_figures
from payment_service.outbound import invoices, ledger, payouts
from payment_service.outbound.printed_invoices import PrintedInvoices
from payment_service.outbound.receipts import MongoKnowledge
from payment_service.outbound.terms_file import expected_fee, read_terms
from payment_service.settings import Settings
from resource_api import PageTokens
from usher.payment.v1.invoice_service_pb2_grpc import add_InvoiceServiceServicer_to_server
from usher.payment.v1.ledger_service_pb2_grpc import add_LedgerServiceServicer_to_server

ACCOUNTING_INDEXES = (ledger.INDEXES, payouts.INDEXES, invoices.INDEXES)


@dataclass(frozen=True, slots=True)
class Accounting:
    """What the composition takes over. books: how changes of payments are booked."""

    books: Books
    servicers: Sequence[tuple[Callable[..., None], Any]]
    subscriptions: Sequence[Subscription]
    workers: Sequence[Worker]
    invoice_book: invoices.MongoInvoices
    knowledge: Knowledge

    async def owner_of(self, name: str) -> Ownership | None:
        """Whose an invoice is; None for another name."""
        if not name.startswith("invoices/"):
            return None
        try:
            invoice = await self.invoice_book.get(name)
        except NotFound:
            return None
        return Ownership(invoice.buyer, invoice.seller.organizer)


def open_accounting(chassis: Chassis, settings: Settings) -> Accounting:
    """Over its indexes. ValueError for terms that are malformed."""
    journal, terms, tokens = chassis.journal, read_terms(settings.terms_file), PageTokens(settings.page_token_key)
    chain, book = ledger.MongoLedger(journal), invoices.MongoInvoices(journal)
    knowledge = MongoKnowledge(chassis.database)
    ledger_parts = LedgerParts(chain, payouts.MongoPayouts(journal), terms, tokens, journal.clock)
    keeper = Bookkeeper(chassis.outbox, [chain.chain, partial(issue_invoices, book, clock=journal.clock)])
    auditor = Auditor(chassis.outbox, partial(ledger.audit, chassis.database), ledger_figures(chassis.metrics))
    return Accounting(
        books=Books(terms, expected_fee),
        servicers=[
            (add_LedgerServiceServicer_to_server, LedgerServicer(ledger_parts)),
            (add_InvoiceServiceServicer_to_server, InvoiceServicer(InvoiceParts(book, PrintedInvoices(), tokens))),
        ],
        subscriptions=[receipt_subscription(knowledge), seller_subscription(knowledge)],
        workers=[
            Worker("bookkeeper", keeper.run, keeper.stop),
            Worker("ledger-audit", auditor.run, auditor.stop),
        ],
        invoice_book=book,
        knowledge=knowledge,
    )

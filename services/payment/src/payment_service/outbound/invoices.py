"""Invoices in MongoDB, numbered in the commit that stores them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from domain_kit.crash_points import crash_point
from domain_kit.refusals import AlreadyExists, NotFound
from domain_kit.repository import Page
from mongo_store import Delete, Index, Insert, Put, Replace, RequestRepeated, VersionConflict, Write
from mongo_store.keyset import after_cursor
from payment_service.domain.invoice import Invoice, Series
from payment_service.domain.invoice_due import InvoiceDue
from payment_service.domain.invoice_ports import Issue
from payment_service.domain.receipt import Receipt, Seller
from payment_service.outbound.accounting_events import invoice_issued
from payment_service.outbound.bookkeeping import INVOICES_DUE, unchained
from payment_service.outbound.invoice_documents import invoice_document, invoice_of, receipt_of, seller_of
from payment_service.outbound.ledger import Batching
from payment_service.outbound.ledger_documents import due_document, due_of
from payment_service.outbound.payment_settings import SETTINGS

INVOICES, SERIES, RECEIPTS, SELLERS = "invoices", "invoice_series", "receipts", "sellers"
NEWEST_FIRST = [("issue_time", -1), ("number", -1), ("_id", -1)]
INDEXES = {
    INVOICES: [
        Index("one_a_fact", [("source", 1)], unique=True),
        Index("numbers", [("organizer", 1), ("number", 1)], unique=True),
        Index("by_payment", [("payment", 1)]),
        Index("by_organizer", [("organizer", 1), *NEWEST_FIRST]),
        Index("by_buyer", [("buyer", 1), *NEWEST_FIRST]),
    ],
    INVOICES_DUE: [Index("by_look", [("look", 1)])],
}


class MongoInvoices:
    """payment_service.domain.invoice_ports.InvoiceBook."""

    def __init__(self, journal: Batching) -> None:
        self._journal = journal

    async def due(self, now: datetime, limit: int) -> Sequence[InvoiceDue]:
        """The oldest facts that call for one, without those that are put off beyond `now`."""
        order = [("time", 1), ("_id", 1)]
        return [
            due_of(each)
            for each in await self._journal.find(INVOICES_DUE, {"look": {"$lte": now}}, sort=order, limit=limit)
        ]

    async def seller(self, organizer: str) -> Seller | None:
        """None: not known yet."""
        document = await self._journal.read(SELLERS, organizer)
        return None if document is None else seller_of(document)

    async def mails(self, organizer: str) -> bool:
        """As its settings say; True where nothing was ever said."""
        document = await self._journal.read(SETTINGS, f"{organizer}/paymentSettings")
        return document is None or bool(document.get("mails_invoices", True))

    async def receipts(self, sources: Sequence[str]) -> Mapping[str, Receipt]:
        """Those that are known, by source."""
        found = await self._journal.find(RECEIPTS, {"_id": {"$in": list(sources)}})
        return {each["_id"]: receipt_of(each) for each in found}

    async def of_payments(self, payments: Sequence[str]) -> Sequence[Invoice]:
        """Invoices and credit notes."""
        return [invoice_of(each) for each in await self._journal.find(INVOICES, {"payment": {"$in": list(payments)}})]

    async def reached(self, series: Series) -> int:
        """The last number given out; 0: none."""
        document = await self._journal.read(SERIES, series.name)
        return 0 if document is None else int(document["version"])

    async def issue(self, made: Issue) -> bool:
        """All of it in one commit; False, and nothing, when another process gave out such numbers meanwhile."""
        writes: list[Write] = []
        for series, (before, now) in made.reached.items():
            document = {"_id": series.name, "version": now}
            writes.append(Replace(SERIES, document, before) if before else Insert(SERIES, document))
        writes += [Insert(INVOICES, invoice_document(each)) for each in made.invoices]
        writes += [Delete(INVOICES_DUE, each) for each in made.settled]
        writes += [Put(INVOICES_DUE, due_document(each)) for each in made.put_off]
        if made.entries:
            first = made.invoices[0]
            writes.append(unchained(first.name, first.issue_time, made.entries, new=True))
        crash_point("invoices.before_issued")
        told = [invoice_issued(each, mailed=made.mailed) for each in made.invoices]
        try:
            await self._journal.commit_batch(writes, told)
        except (VersionConflict, AlreadyExists, RequestRepeated):
            return False
        crash_point("invoices.after_issued")
        return True

    async def get(self, name: str) -> Invoice:
        """NotFound RESOURCE_NOT_FOUND."""
        document = await self._journal.read(INVOICES, name)
        if document is None:
            raise NotFound.named(name)
        return invoice_of(document)

    async def list_page(self, where: Mapping[str, str], after: tuple[Any, ...] | None, limit: int) -> Page[Invoice]:
        """Of an `organizer` or a `buyer`, newest first."""
        wanted = where if after is None else {"$and": [where, after_cursor(NEWEST_FIRST, after)]}
        found = await self._journal.find(INVOICES, wanted, sort=NEWEST_FIRST, limit=limit + 1)
        items = [invoice_of(document) for document in found[:limit]]
        last = items[-1] if len(found) > limit else None
        return Page(items, None if last is None else (last.issue_time, last.number, last.name))

"""What goes into the books with each change of a payment, in the same commit."""

from collections.abc import Sequence
from datetime import datetime

from mongo_store import Insert, Put, Write
from payment_service.domain.chain import canonical
from payment_service.domain.ledger import Entry
from payment_service.domain.payment import Payment
from payment_service.domain.payment_books import Books
from payment_service.outbound.ledger_documents import due_document

UNCHAINED, INVOICES_DUE = "ledger_unchained", "invoices_due"


def book_writes(books: Books, before: Payment | None, after: Payment) -> Sequence[Write]:
    """The entries of a change, still to be chained, and what is to be invoiced for it.

    The change itself is guarded, so nothing has its name yet; nor does anything wait for an invoice of a payment that
    no money had come for.
    """
    entries = books.entries(before, after)
    if not entries:
        return []
    change = f"{after.name}@{after.version:06}"
    waits = Insert if before is None or not before.paid_by else Put
    due = [waits(INVOICES_DUE, due_document(each)) for each in books.due(before, after)]
    return [unchained(change, after.update_time, entries, new=True), *due]


def unchained(name: str, time: datetime, entries: Sequence[Entry], *, new: bool = False) -> Write:
    """Entries of one fact; its name makes a repeat the same document.

    new: there is none of this name; then an insert will do, half of what an upsert costs the embedded database.
    """
    document = {"_id": name, "time": time, "entries": [canonical(each) for each in entries]}
    return Insert(UNCHAINED, document) if new else Put(UNCHAINED, document)

"""Issue invoices and credit notes for facts that call for them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from domain_kit.clock import Clock
from domain_kit.ids import new_id
from payment_service.domain.bookkeeping import tax_invoiced
from payment_service.domain.invoice import Invoice, InvoiceKind, credited, invoiced, series_of
from payment_service.domain.invoice_due import InvoiceDue
from payment_service.domain.invoice_ports import InvoiceBook, Issue
from payment_service.domain.receipt import Receipt, Seller

AT_ONCE = 32


async def issue_invoices(book: InvoiceBook, *, clock: Clock) -> int:
    """The oldest that are due, in the order of their facts; how many facts were dealt with.

    INVARIANT: numbers of a series are given out in the commit that stores the invoice, and guarded by the last one: so
    there is no gap and no double, whoever dies or runs beside. One that lacks its receipt, its seller or its invoice
    waits, and holds up nobody else.
    """
    by_organizer: dict[str, list[InvoiceDue]] = defaultdict(list)
    for each in await book.due(clock(), AT_ONCE):
        by_organizer[each.organizer].append(each)
    done = 0
    for organizer, due in by_organizer.items():
        made = await _drafted(book, await book.seller(organizer), due, clock())
        made.mailed = await book.mails(organizer)
        if await book.issue(made):
            done += len(made.invoices)
    return done


async def _drafted(book: InvoiceBook, seller: Seller | None, due: Sequence[InvoiceDue], now: datetime) -> Issue:
    made = Issue()
    payments = [each.payment for each in due]
    known = list(await book.of_payments(payments))
    receipts = await book.receipts([each.receipt for each in due])
    for each in due:
        if any(one.source == each.source for one in known):
            made.settled.append(each.source)
            continue
        draft = await _draft(book, made, seller, each, receipts.get(each.receipt), known, now)
        if draft is None:
            made.put_off.append(replace(each, look=each.next_look(now)))
            continue
        known.append(draft)
        made.invoices.append(draft)
        made.settled.append(each.source)
        made.entries += tax_invoiced(draft.name, each.payment, each.organizer, draft.tax, now)
    return made


async def _draft(
    book: InvoiceBook,
    made: Issue,
    seller: Seller | None,
    due: InvoiceDue,
    receipt: Receipt | None,
    known: Sequence[Invoice],
    now: datetime,
) -> Invoice | None:
    """None: something it needs is not there yet."""
    mine = [each for each in known if each.payment == due.payment]
    invoice = next((each for each in mine if each.kind is InvoiceKind.INVOICE), None)
    if seller is None or (invoice is None if due.is_credit else receipt is None):
        return None
    series = series_of(due, seller, now)
    if series not in made.reached:
        last = await book.reached(series)
        made.reached[series] = last, last
    before, last = made.reached[series]
    made.reached[series] = before, last + 1
    name, number = f"invoices/{new_id()}", series.number(last + 1)
    if invoice is not None:
        earlier = [each for each in mine if each.kind is InvoiceKind.CREDIT_NOTE]
        return credited(name, number, due, invoice, earlier, receipt, seller, now)
    assert receipt is not None  # noqa: S101 - an invoice without one was put off above
    return invoiced(name, number, due, receipt, seller, now)

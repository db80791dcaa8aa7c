"""Invoices drawn by ticket_documents, in a thread: it blocks for milliseconds."""

import asyncio
from collections.abc import Sequence

from payment_service.domain.invoice import Invoice, InvoiceKind
from payment_service.domain.receipt import Tax


class PrintedInvoices:
    """payment_service.domain.invoice_ports.InvoicePrinter."""

    async def print(self, invoice: Invoice, languages: Sequence[str]) -> bytes:
        """A PDF in the first of these languages (BCP 47) that there are words in."""
        return await asyncio.to_thread(_drawn, invoice, languages)


def _drawn(invoice: Invoice, languages: Sequence[str]) -> bytes:
    # What draws loads 9 MB, and most processes never print.
    from ticket_documents.printed_invoices import InvoicePaper, PaperExchange, PaperLine, PaperTax, print_invoice
    from ticket_documents.texts import language_for

    def paper_taxes(taxes: Sequence[Tax]) -> list[PaperTax]:
        return [PaperTax(each.name, each.millionths, each.amount) for each in taxes]

    base = invoice.in_base
    paper = InvoicePaper(
        number=invoice.number,
        is_credit=invoice.kind is InvoiceKind.CREDIT_NOTE,
        seller=invoice.seller.display_name,
        country_code=invoice.seller.country_code,
        time_zone=invoice.seller.time_zone,
        buyer=invoice.buyer_name,
        booking_number=invoice.booking.rpartition("/")[2].upper(),
        lines=[PaperLine(each.description, each.quantity, each.total) for each in invoice.lines],
        taxes=paper_taxes(invoice.taxes),
        net=invoice.net,
        total=invoice.total,
        supply_time=invoice.supply_time,
        issue_time=invoice.issue_time,
        corrects=invoice.corrected,
        exchange=None if base is None else PaperExchange(
            base.rate, base.rate_time, base.source, paper_taxes(base.taxes), base.total
        ),
    )  # fmt: skip
    return print_invoice(paper, language_code=language_for(languages))

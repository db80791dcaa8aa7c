"""The PDF of an invoice, drawn from what the payment service told of it."""

from datetime import UTC

from resource_api import money_from_wire
from usher.payment.v1 import invoice_pb2 as pb


def number_of(told: bytes) -> str:
    """Its number, for the name of the file."""
    return pb.Invoice.FromString(told).number


def invoice_pdf(told: bytes, language_code: str) -> bytes:
    """As the payment service prints it; the same for the same invoice and language (BCP 47)."""
    # What draws loads 9 MB, and a process may never need it.
    from ticket_documents.printed_invoices import InvoicePaper, PaperLine, PaperTax, print_invoice
    from ticket_documents.texts import language_for

    invoice = pb.Invoice.FromString(told)
    paper = InvoicePaper(
        number=invoice.number,
        is_credit=invoice.kind == pb.INVOICE_KIND_CREDIT_NOTE,
        seller=invoice.seller_display_name,
        country_code=invoice.seller_country_code,
        time_zone=invoice.seller_time_zone or "UTC",
        buyer=invoice.buyer_display_name,
        booking_number=invoice.booking.rpartition("/")[2].upper(),
        lines=[PaperLine(each.description, each.quantity, money_from_wire(each.total)) for each in invoice.lines],
        taxes=[
            PaperTax(each.display_name, each.rate_millionths, money_from_wire(each.amount)) for each in invoice.taxes
        ],
        net=money_from_wire(invoice.net_total),
        total=money_from_wire(invoice.total),
        supply_time=invoice.supply_time.ToDatetime(UTC),
        issue_time=invoice.issue_time.ToDatetime(UTC),
        corrects=invoice.corrected_number,
    )
    return print_invoice(paper, language_code=language_for([language_code]))

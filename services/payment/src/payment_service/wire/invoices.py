"""Invoices as messages."""

from collections.abc import Iterable

from payment_service.domain.invoice import Invoice, InvoiceKind
from payment_service.domain.receipt import InBase, Tax
from resource_api import money_to_wire, time_to_wire
from usher.payment.v1 import invoice_pb2 as pb

KINDS = {kind: pb.InvoiceKind.Value(f"INVOICE_KIND_{kind.name}") for kind in InvoiceKind}


def invoice_to_wire(invoice: Invoice) -> pb.Invoice:
    """The message of an invoice."""
    return pb.Invoice(
        name=invoice.name,
        number=invoice.number,
        kind=KINDS[invoice.kind],
        organizer=invoice.seller.organizer,
        seller_display_name=invoice.seller.display_name,
        seller_country_code=invoice.seller.country_code,
        buyer=invoice.buyer,
        buyer_display_name=invoice.buyer_name,
        booking=invoice.booking,
        payment=invoice.payment,
        corrected_number=invoice.corrected,
        lines=[
            pb.InvoiceLine(description=each.description, quantity=each.quantity, total=money_to_wire(each.total))
            for each in invoice.lines
        ],
        taxes=_taxes_to_wire(invoice.taxes),
        total=money_to_wire(invoice.total),
        net_total=money_to_wire(invoice.net),
        supply_time=time_to_wire(invoice.supply_time),
        issue_time=time_to_wire(invoice.issue_time),
        seller_time_zone=invoice.seller.time_zone,
        exchange=None if invoice.in_base is None else _exchange_to_wire(invoice.in_base),
    )


def _taxes_to_wire(taxes: Iterable[Tax]) -> list[pb.InvoiceTax]:
    return [
        pb.InvoiceTax(display_name=each.name, rate_millionths=each.millionths, amount=money_to_wire(each.amount))
        for each in taxes
    ]


def _exchange_to_wire(base: InBase) -> pb.InvoiceExchange:
    return pb.InvoiceExchange(
        base_currency_code=base.total.currency,
        rate=base.rate,
        rate_time=time_to_wire(base.rate_time),
        rate_source=base.source,
        base_total=money_to_wire(base.total),
        base_taxes=_taxes_to_wire(base.taxes),
    )

"""What booking tells of bookings and user of organizers, as far as it stands on invoices."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from domain_kit.money import Money
from payment_service.domain.invoice import share
from payment_service.domain.invoice_due import refund_receipt
from payment_service.domain.receipt import InBase, Receipt, ReceiptLine, Seller, Tax
from resource_api import money_from_wire, time_from_wire
from usher.booking.v1 import booking_pb2 as pb
from usher.booking.v1 import domain_events_pb2 as facts
from usher.booking.v1.currency_exchange_pb2 import BaseTax
from usher.user.v1 import organizer_pb2


def receipt_of_booking(booking: pb.Booking, payment: str) -> Receipt:
    """A payment for the whole booking."""
    lines = tuple(
        ReceiptLine(each.display_name, each.quantity, money_from_wire(each.total, field="lines.total"))
        for each in booking.lines
    )
    total = money_from_wire(booking.total, field="total")
    return Receipt(payment, total, lines, _taxes(booking.taxes), booking.contact.display_name, _in_base(booking))


def receipt_of_change(fact: facts.BookingChanged) -> Receipt | None:
    """The payment that a change was paid with; None where it cost nothing."""
    booking = fact.booking
    if not booking.extra_payments or not booking.last_price_change.HasField("amount_due"):
        return None
    due = money_from_wire(booking.last_price_change.amount_due, field="last_price_change.amount_due")
    if due.minor_units <= 0:
        return None
    names = _names(booking)
    lines = (
        *_changed(fact.added_lines, names, 1),
        *_changed(fact.removed_lines, names, -1),
    )
    total = money_from_wire(booking.total, field="total")
    if fact.HasField("tax_change"):
        taxes = _taxes(fact.tax_change.taxes)
    else:  # of a release that did not tell it: the part of the booking's that the amount is of the booking
        taxes = tuple(Tax(each.name, each.millionths, share(each.amount, due, total)) for each in _taxes(booking.taxes))
    return Receipt(
        booking.extra_payments[-1], due, lines, taxes, booking.contact.display_name, _change_in_base(fact)
    )  # fmt: skip


def receipt_of_refund(fact: facts.BookingChanged, refund: str) -> Receipt | None:
    """What a change gave up, all of its price, of which `refund_due` goes back; None where that is not told."""
    if not fact.HasField("tax_change"):
        return None
    lines = (
        *_changed(fact.removed_lines, _names(fact.booking), 1),
        *_changed(fact.added_lines, _names(fact.booking), -1),
    )
    total = sum((each.total for each in lines), money_from_wire(fact.refund_due, field="refund_due") * 0)
    base = _change_in_base(fact)
    return Receipt(
        refund_receipt(refund), total, lines, tuple(_reverse(each) for each in _taxes(fact.tax_change.taxes)),
        in_base=None if base is None else replace(
            base, total=base.total * -1, taxes=tuple(_reverse(each) for each in base.taxes)
        ),
    )  # fmt: skip


def seller_from_wire(organizer: organizer_pb2.Organizer) -> Seller:
    """An organizer as it stands on its invoices."""
    return Seller(organizer.name, organizer.display_name, organizer.country_code, organizer.time_zone or "UTC")


def _taxes(taxes: Iterable[pb.TaxAmount | BaseTax]) -> tuple[Tax, ...]:
    return tuple(
        Tax(each.display_name, each.rate_millionths, money_from_wire(each.amount, field="taxes.amount"))
        for each in taxes
    )


def _reverse(tax: Tax) -> Tax:
    return replace(tax, amount=tax.amount * -1)


def _in_base(booking: pb.Booking) -> InBase | None:
    """The whole booking in the event's currency; None where it is paid in that."""
    told = booking.exchange
    as_of = time_from_wire(told.rate_time)
    if as_of is None:
        return None
    total = money_from_wire(told.base_total, field="exchange.base_total")
    return InBase(told.rate, as_of, told.rate_source, total, _taxes(told.base_taxes))


def _change_in_base(fact: facts.BookingChanged) -> InBase | None:
    """What came less what left."""
    whole = _in_base(fact.booking)
    if whole is None:
        return None
    nothing = Money(0, whole.total.currency)
    came, left = (
        sum((money_from_wire(each.base_total, field="lines.base_total") for each in lines), nothing)
        for lines in (fact.added_lines, fact.removed_lines)
    )
    due = came - left
    if fact.HasField("tax_change"):
        return replace(whole, total=due, taxes=_taxes(fact.tax_change.base_taxes))
    taxes = tuple(Tax(each.name, each.millionths, share(each.amount, due, whole.total)) for each in whole.taxes)
    return replace(whole, total=due, taxes=taxes)


def _names(booking: pb.Booking) -> Mapping[str, str]:
    """Ticket type → its name, also of types that have left the booking."""
    names = {each.ticket_type: each.display_name for each in booking.tickets}
    return names | {each.ticket_type: each.display_name for each in booking.lines}


def _changed(lines: Sequence[facts.ChangedLine], names: Mapping[str, str], sign: int) -> list[ReceiptLine]:
    found = []
    for each in lines:
        total: Money = money_from_wire(each.total, field="lines.total")
        found.append(ReceiptLine(names.get(each.ticket_type, each.ticket_type), each.quantity, total * sign))
    return found

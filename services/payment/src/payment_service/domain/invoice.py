"""Invoices and credit notes: what stands on them, and how they are numbered."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from zoneinfo import ZoneInfo

from domain_kit.money import Money
from payment_service.domain.invoice_due import InvoiceDue
from payment_service.domain.receipt import InBase, Receipt, ReceiptLine, Seller, Tax

ADJUSTMENT, REFUND = "Adjustment", "Refund"


class InvoiceKind(Enum):
    """For money that came, or for money that went back."""

    INVOICE = "INVOICE"
    CREDIT_NOTE = "CREDIT_NOTE"


@dataclass(frozen=True, slots=True)
class Invoice:
    """source: the fact it was issued for. corrected: number of the invoice that a credit note is about. in_base: the
    same in the event's currency, where that is another one.

    INVARIANT: lines sum to the total, which is the payment, or the refund below zero.
    """

    name: str
    number: str
    kind: InvoiceKind
    source: str
    seller: Seller
    buyer: str
    buyer_name: str
    booking: str
    payment: str
    lines: tuple[ReceiptLine, ...]
    taxes: tuple[Tax, ...]
    total: Money
    supply_time: datetime
    issue_time: datetime
    corrected: str = ""
    version: int = 1
    in_base: InBase | None = None

    def __post_init__(self) -> None:
        if sum(each.total.minor_units for each in self.lines) != self.total.minor_units:
            raise ValueError(f"{self.number}: the lines do not sum to {self.total}")

    @property
    def tax(self) -> Money:
        """Sum of the taxes."""
        return sum((each.amount for each in self.taxes), Money(0, self.total.currency))

    @property
    def net(self) -> Money:
        """The total without taxes."""
        return self.total - self.tax


@dataclass(frozen=True, slots=True)
class Series:
    """What is numbered from 1 without gaps: an organizer's invoices, or its credit notes, of one year."""

    organizer: str
    year: int
    kind: InvoiceKind

    @property
    def name(self) -> str:
        """One text."""
        return f"{self.organizer}|{self.year}|{self.kind.value}"

    def number(self, place: int) -> str:
        """Such as `2027-000001`, `CN-2027-000001`."""
        prefix = "CN-" if self.kind is InvoiceKind.CREDIT_NOTE else ""
        return f"{prefix}{self.year}-{place:06}"


def series_of(due: InvoiceDue, seller: Seller, now: datetime) -> Series:
    """Where it is numbered when it is issued now: the year is that of the seller's calendar."""
    kind = InvoiceKind.CREDIT_NOTE if due.is_credit else InvoiceKind.INVOICE
    return Series(due.organizer, now.astimezone(ZoneInfo(seller.time_zone)).year, kind)


def invoiced(name: str, number: str, due: InvoiceDue, receipt: Receipt, seller: Seller, now: datetime) -> Invoice:
    """The invoice of a payment. What the receipt does not explain of the amount stands on a line of its own."""
    lines = tuple(each for each in receipt.lines if each.total.currency == due.amount.currency)
    rest = due.amount - sum((each.total for each in lines), Money(0, due.amount.currency))
    if rest:
        lines += (ReceiptLine(ADJUSTMENT, 1, rest),)
    taxes = [Tax(each.name, each.millionths, share(each.amount, due.amount, receipt.total)) for each in receipt.taxes]
    return Invoice(
        name, number, InvoiceKind.INVOICE, due.source, seller, due.buyer, receipt.buyer_name, due.booking, due.payment,
        lines, tuple(each for each in taxes if each.amount), due.amount, due.time, now,
        in_base=None if receipt.in_base is None else _part(receipt.in_base, Money(0, due.amount.currency), due.amount,
                                                           receipt.total),
    )  # fmt: skip


def credited(
    name: str, number: str, due: InvoiceDue, invoice: Invoice, earlier: Sequence[Invoice], given_up: Receipt | None,
    seller: Seller, now: datetime,
) -> Invoice:  # fmt: skip
    """The credit note of a refund. earlier: those of the same payment. given_up: what it is for, where booking tells;
    else, and where the invoice has not that much of it, it is for a part of all that is left of the invoice.

    INVARIANT: when all was paid back the credit notes hold each tax to the minor unit, however many there are, in the
    event's currency too.
    """
    whole = Receipt(due.payment, invoice.total, (), invoice.taxes, in_base=invoice.in_base)
    taken = _sum(whole, earlier, 0, -1)
    left = _sum(whole, earlier, 1, 1)
    back = _some(left if due.amount.minor_units > 0 else taken, due.amount)
    if given_up is not None and given_up.total.minor_units > 0 and due.amount != left.total:
        told = _some(given_up, due.amount)
        back = told if _covers(left, told) else back
    line = ReceiptLine(due.reason or REFUND, 1, due.amount * -1)
    return Invoice(
        name, number, InvoiceKind.CREDIT_NOTE, due.source, seller, due.buyer, invoice.buyer_name, due.booking,
        due.payment, (line,), _below_zero(back.taxes), due.amount * -1, due.time, now,
        corrected=invoice.number,
        in_base=None if invoice.in_base is None or back.in_base is None else replace(
            invoice.in_base, total=back.in_base.total * -1, taxes=_below_zero(back.in_base.taxes)
        ),
    )  # fmt: skip


def share(tax: Money, part: Money, whole: Money) -> Money:
    """The tax in a part of a whole, rounded half up; exactly `tax` for the whole."""
    if not whole or part.currency != whole.currency:
        return Money(0, part.currency)
    return Money((2 * tax.minor_units * part.minor_units + whole.minor_units) // (2 * whole.minor_units), tax.currency)


def _sum(whole: Receipt, notes: Sequence[Invoice], times: int, sign: int) -> Receipt:
    """So many times the whole, and all these credit notes with that sign."""
    total = sum((each.total * sign for each in notes), whole.total * times)
    taxes = _tax_sums([(times, whole.taxes), *((sign, each.taxes) for each in notes)])
    base = whole.in_base
    if base is not None:
        bases = [(sign, each.in_base) for each in notes if each.in_base is not None]
        base = replace(
            base,
            total=sum((each.total * sign for sign, each in bases), base.total * times),
            taxes=_tax_sums([(times, base.taxes), *((sign, each.taxes) for sign, each in bases)]),
        )
    return replace(whole, total=total, taxes=taxes, in_base=base)


def _tax_sums(taxes: Sequence[tuple[int, Sequence[Tax]]]) -> tuple[Tax, ...]:
    sums: dict[tuple[str, int], Money] = {}
    for times, some in taxes:
        for each in some:
            key = each.name, each.millionths
            sums[key] = sums.get(key, Money(0, each.amount.currency)) + each.amount * times
    return tuple(Tax(name, millionths, amount) for (name, millionths), amount in sums.items())


def _some(whole: Receipt, amount: Money) -> Receipt:
    """A part of it."""

    def some(taxes: Sequence[Tax]) -> tuple[Tax, ...]:
        return tuple(replace(each, amount=share(each.amount, amount, whole.total)) for each in taxes)

    base = whole.in_base
    if base is not None:
        base = replace(base, total=share(base.total, amount, whole.total), taxes=some(base.taxes))
    return replace(whole, total=amount, taxes=some(whole.taxes), in_base=base)


def _covers(whole: Receipt, part: Receipt) -> bool:
    """Whether the part can be taken out of the whole, so that neither any tax nor the net of the rest is below zero."""
    if (whole.in_base is None) is not (part.in_base is None):
        return False
    pairs = [(whole.total, whole.taxes, part.total, part.taxes)]
    if whole.in_base is not None and part.in_base is not None:
        pairs.append((whole.in_base.total, whole.in_base.taxes, part.in_base.total, part.in_base.taxes))
    return all(_leaves_sense(*each) for each in pairs)


def _leaves_sense(total: Money, taxes: Sequence[Tax], less: Money, less_taxes: Sequence[Tax]) -> bool:
    rest = _tax_sums([(1, taxes), (-1, less_taxes)])
    signs = [each.amount.minor_units >= 0 for each in (*rest, *less_taxes)]
    return all(signs) and sum(each.amount.minor_units for each in rest) <= (total - less).minor_units


def _below_zero(taxes: Sequence[Tax]) -> tuple[Tax, ...]:
    return tuple(replace(each, amount=each.amount * -1) for each in taxes if each.amount)


def _part(base: InBase, before: Money, after: Money, whole: Money) -> InBase:
    """What lies between two parts of a whole, in the event's currency: parts that follow each other make the whole."""

    def between(amount: Money) -> Money:
        return share(amount, after, whole) - share(amount, before, whole)

    taxes = [Tax(each.name, each.millionths, between(each.amount)) for each in base.taxes]
    return replace(base, total=between(base.total), taxes=tuple(each for each in taxes if each.amount))

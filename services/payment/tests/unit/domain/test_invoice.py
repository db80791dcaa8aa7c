"""Lines and taxes of invoices and credit notes sum up, whatever the receipt says."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_kit.money import Money
from payment_service.domain.invoice import Invoice, InvoiceKind, Series, credited, invoiced, series_of, share
from payment_service.domain.invoice_due import BOOKED, InvoiceDue
from payment_service.domain.receipt import InBase, Receipt, ReceiptLine, Seller, Tax

NOW = datetime(2027, 12, 31, 23, 30, tzinfo=UTC)
SELLER = Seller("organizers/o", "Nordlicht", "DE", "Europe/Berlin")
AMOUNTS = st.integers(1, 10**7)


def money(amount: int) -> Money:
    return Money(amount, "EUR")


def due(amount: int, refund: str = "") -> InvoiceDue:
    source = f"payments/p/refunds/{refund}" if refund else "payments/p"
    return InvoiceDue(source, NOW, "payments/p", "events/e/bookings/b", "organizers/o", "users/u", money(amount))


def receipt(total: int, taxes: list[int], lines: list[int] | None = None) -> Receipt:
    sold = tuple(ReceiptLine(f"Type {n}", 1, money(amount)) for n, amount in enumerate(lines or [total]))
    return Receipt(
        "payments/p", money(total), sold, tuple(Tax(f"T{n}", 190_000, money(tax)) for n, tax in enumerate(taxes)), "Zoë"
    )  # fmt: skip


def issued(total: int, taxes: list[int]) -> Invoice:
    return invoiced("invoices/1", "2027-000001", due(total), receipt(total, taxes), SELLER, NOW)


def test_an_invoice_is_looked_for_once_the_booking_may_have_heard_of_the_money_and_a_credit_note_at_once() -> None:
    paid, refunded = due(500), due(500, refund="r")
    assert paid.next_look(NOW) > NOW
    assert paid.first_look == NOW + BOOKED
    assert refunded.first_look == NOW


@given(AMOUNTS, AMOUNTS, st.lists(AMOUNTS, min_size=1, max_size=4))
def test_an_invoice_is_about_exactly_the_payment_whatever_the_receipt_says(
    paid: int, total: int, lines: list[int]
) -> None:
    """INVARIANT: see Invoice."""
    invoice = invoiced("i", "n", due(paid), receipt(total, [total // 10], lines), SELLER, NOW)
    assert sum(each.total.minor_units for each in invoice.lines) == paid == invoice.total.minor_units
    assert invoice.net + invoice.tax == invoice.total
    assert invoice.tax.minor_units <= paid


def test_a_receipt_that_explains_the_payment_stands_on_the_invoice_as_it_is() -> None:
    told = receipt(12970, [1900, 70], [11900, 1070])
    invoice = invoiced("i", "n", due(12970), told, SELLER, NOW)
    assert (invoice.lines, invoice.taxes, invoice.buyer_name) == (told.lines, told.taxes, "Zoë")
    assert invoice.net == money(11000)


@given(st.lists(AMOUNTS, min_size=1, max_size=6), st.lists(st.integers(0, 25), max_size=3))
def test_credit_notes_of_a_whole_payment_give_back_each_tax_to_the_minor_unit(
    refunds: list[int], percents: list[int]
) -> None:
    """INVARIANT: see credited."""
    total = sum(refunds)
    invoice = issued(total, [total * percent // 100 for percent in percents])
    notes: list[Invoice] = []
    for number, amount in enumerate(refunds):
        note = credited("c", "CN", due(amount, f"r{number}"), invoice, notes, None, SELLER, NOW)
        assert (note.total, note.kind, note.corrected) == (money(-amount), InvoiceKind.CREDIT_NOTE, invoice.number)
        assert all(tax.amount.minor_units < 0 for tax in note.taxes)
        notes.append(note)
    for tax in invoice.taxes:
        back = [each.amount for note in notes for each in note.taxes if each.name == tax.name]
        assert sum(back, money(0)) == tax.amount * -1


@given(st.lists(AMOUNTS, min_size=1, max_size=6), AMOUNTS, st.integers(0, 10**6), AMOUNTS)
def test_credit_notes_give_back_total_and_tax_in_the_currency_of_the_event_too(
    refunds: list[int], base: int, tax: int, more: int
) -> None:
    """INVARIANT: see credited. An invoice for a part of a receipt tells that part in both currencies."""
    total, yen = sum(refunds), [Money(each, "JPY") for each in refunds]
    paid = Receipt(
        "payments/p", Money(total, "JPY"), (ReceiptLine("Standard", 1, Money(total, "JPY")),), (),
        in_base=InBase("163.25", NOW, "by hand", money(base), (Tax("VAT", 190_000, money(tax)),)),
    )  # fmt: skip
    invoice = invoiced("i", "n", replace(due(1), amount=Money(total, "JPY")), paid, SELLER, NOW)
    assert invoice.in_base == replace(paid.in_base, taxes=paid.in_base.taxes if tax else ())
    notes: list[Invoice] = []
    for number, amount in enumerate(yen):
        owed = replace(due(1, f"r{number}"), amount=amount)
        notes.append(credited("c", "CN", owed, invoice, notes, None, SELLER, NOW))
    assert sum((note.in_base.total for note in notes), money(0)) == money(-base)
    assert sum((each.amount for note in notes for each in note.in_base.taxes), money(0)) == money(-tax)
    part = invoiced("i", "n", replace(due(1), amount=Money(total + more, "JPY")), paid, SELLER, NOW)
    assert part.in_base.total == share(money(base), Money(total + more, "JPY"), Money(total, "JPY"))


def test_a_credit_note_for_tickets_that_left_tells_the_taxes_of_those_tickets() -> None:
    """One at 19 % leaves a booking that has others at 7 %: what comes back is taxed at 19 %."""
    invoice = issued(11900 + 10700, [1900, 700])
    left = receipt(11900, [1900])
    half = credited("c", "CN", due(5950, "r"), invoice, [], left, SELLER, NOW)
    assert half.taxes == (Tax("T0", 190_000, money(-950)),)
    rest = credited("c", "CN", due(10700 + 5950, "s"), invoice, [half], None, SELLER, NOW)
    assert rest.taxes == (Tax("T0", 190_000, money(-950)), Tax("T1", 190_000, money(-700)))


def test_a_credit_note_takes_no_more_of_a_tax_than_its_invoice_has_left() -> None:
    invoice = issued(20000, [100, 900])
    for amount, given_up, taken in [
        (10000, receipt(11900, [1900]), [-50, -450]),
        (10000, receipt(300, [0, 300]), [-50, -450]),
        (19500, receipt(50, []), [-98, -878]),  # else there were more taxes left than money
    ]:
        note = credited("c", "CN", due(amount, "r"), invoice, [], given_up, SELLER, NOW)
        assert [each.amount.minor_units for each in note.taxes] == taken


@given(
    st.lists(st.tuples(AMOUNTS, st.none() | st.tuples(st.integers(0, 30), st.integers(0, 30))), min_size=1, max_size=6),
    st.integers(0, 25),
)
def test_credit_notes_give_back_each_tax_whatever_was_told_of_some(
    refunds: list[tuple[int, tuple[int, int] | None]], percent: int
) -> None:
    """INVARIANT: see credited. None is about more tax than is left."""
    total = sum(amount for amount, _ in refunds)
    invoice = issued(total, [total * percent // 100, total * 5 // 100])
    notes: list[Invoice] = []
    for number, (amount, told) in enumerate(refunds):
        given_up = told and receipt(2 * amount, [2 * amount * each // 100 for each in told])
        notes.append(credited("c", "CN", due(amount, f"r{number}"), invoice, notes, given_up, SELLER, NOW))
        assert all(tax.amount.minor_units < 0 for tax in notes[-1].taxes)
    for tax in invoice.taxes:
        back = [each.amount for note in notes for each in note.taxes if each.name == tax.name]
        assert sum(back, money(0)) == tax.amount * -1


def test_a_refund_that_is_taken_back_takes_its_taxes_back() -> None:
    invoice = issued(11900, [1900])
    note = credited("c", "CN", due(11900, "r"), invoice, [], None, SELLER, NOW)
    taken_back = credited("c", "CN", due(-11900, "r/reversed"), invoice, [note], None, SELLER, NOW)
    assert (taken_back.total, taken_back.taxes) == (money(11900), (Tax("T0", 190_000, money(1900)),))


@given(AMOUNTS, AMOUNTS, AMOUNTS)
def test_a_share_is_proportional_and_all_of_the_whole(tax: int, part: int, whole: int) -> None:
    assert share(money(tax), money(whole), money(whole)) == money(tax)
    assert abs(share(money(tax), money(part), money(whole)).minor_units * whole - tax * part) * 2 <= whole
    assert share(money(tax), Money(part, "CAD"), money(whole)) == Money(0, "CAD")


def test_a_year_begins_where_the_seller_is() -> None:
    assert series_of(due(1), SELLER, NOW).year == 2028
    assert series_of(due(1), replace(SELLER, time_zone="America/Toronto"), NOW).year == 2027


def test_invoices_and_credit_notes_have_numbers_of_their_own() -> None:
    assert Series("organizers/o", 2027, InvoiceKind.INVOICE).number(42) == "2027-000042"
    assert Series("organizers/o", 2027, InvoiceKind.CREDIT_NOTE).number(1) == "CN-2027-000001"
    assert series_of(due(1, "r"), SELLER, NOW).kind is InvoiceKind.CREDIT_NOTE


def test_what_waits_is_looked_at_ever_more_rarely() -> None:
    waits = due(1)
    looks = [waits.next_look(NOW + timedelta(seconds=age)) - NOW for age in (0, 60, 86_400)]
    assert looks == [timedelta(seconds=1), timedelta(seconds=90), timedelta(days=1, minutes=5)]


def test_lines_that_do_not_sum_to_the_total_make_no_invoice() -> None:
    with pytest.raises(ValueError, match="2027-000001"):
        replace(issued(100, []), total=money(99))

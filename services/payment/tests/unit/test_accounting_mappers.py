"""Every field of invoices, receipts and payouts survives the store, and is told; what others tell is read."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from domain_kit.money import Money
from mongo_store import as_stored
from payment_service.domain.chain import Block, Head, Numbered
from payment_service.domain.invoice import Invoice, InvoiceKind
from payment_service.domain.invoice_due import InvoiceDue
from payment_service.domain.ledger import Account, AccountKind, Entry, FactKind, Posting
from payment_service.domain.payout import Payout, Position, Transfer
from payment_service.domain.receipt import InBase, Receipt, ReceiptLine, Seller, Tax
from payment_service.outbound.invoice_documents import (
    invoice_document,
    invoice_of,
    receipt_document,
    receipt_of,
    seller_document,
    seller_of,
)
from payment_service.outbound.ledger_documents import (
    block_document,
    block_of,
    due_document,
    due_of,
    head_document,
    head_of,
)
from payment_service.outbound.payouts import payout_document, payout_of
from payment_service.wire.invoices import invoice_to_wire
from payment_service.wire.ledger import balance_to_wire, entry_to_wire, payout_to_wire
from payment_service.wire.receipts import receipt_of_booking, receipt_of_change, receipt_of_refund, seller_from_wire
from resource_api import etag_of, money_from_wire, money_to_wire, time_from_wire, time_to_wire
from usher.booking.v1 import booking_pb2
from usher.booking.v1 import domain_events_pb2 as facts
from usher.booking.v1.currency_exchange_pb2 import BaseTax, CurrencyExchange
from usher.payment.v1 import invoice_pb2, ledger_pb2
from usher.user.v1 import organizer_pb2

PART = Money(-700, "EUR")
AS_OF = datetime(2027, 3, 1, tzinfo=UTC)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
INSTANTS = st.integers(86_400_000, 4_000_000_000_000).map(
    lambda ms: datetime.fromtimestamp(ms // 1000, UTC).replace(microsecond=ms % 1000 * 1000)
)
MONEY = st.builds(Money, st.integers(-(2**40), 2**40), st.just("KWD"))
LINES = st.lists(st.builds(ReceiptLine, TEXTS, st.integers(1, 99), MONEY), min_size=1, max_size=3).map(tuple)
TAXES = st.lists(st.builds(Tax, TEXTS, st.integers(0, 10**6), MONEY), max_size=3).map(tuple)
SELLERS = st.builds(Seller, TEXTS, TEXTS, TEXTS, TEXTS)
IN_BASE = st.none() | st.builds(InBase, TEXTS, INSTANTS, TEXTS, MONEY, TAXES)
RECEIPTS = st.builds(Receipt, TEXTS, MONEY, LINES, TAXES, TEXTS, IN_BASE)
PAYOUTS = st.builds(
    Payout, TEXTS, TEXTS, st.lists(MONEY, max_size=3).map(tuple), st.lists(MONEY, max_size=3).map(tuple),
    st.lists(st.builds(Transfer, TEXTS, MONEY), max_size=3).map(tuple), INSTANTS, TEXTS, st.integers(1, 9),
)  # fmt: skip


@st.composite
def invoices(draw: st.DrawFn) -> Invoice:
    lines = draw(LINES)
    total = sum((each.total for each in lines), Money(0, "KWD"))
    return Invoice(
        *(draw(TEXTS) for _ in range(2)), draw(st.sampled_from(InvoiceKind)), draw(TEXTS), draw(SELLERS),
        *(draw(TEXTS) for _ in range(4)), lines, draw(TAXES), total, draw(INSTANTS), draw(INSTANTS), draw(TEXTS),
        draw(st.integers(1, 9)), draw(IN_BASE),
    )  # fmt: skip


@given(invoices())
def test_an_invoice_survives_the_store_and_is_told(invoice: Invoice) -> None:
    assert invoice_of(as_stored(invoice_document(invoice))) == invoice
    message = invoice_to_wire(invoice)
    assert invoice_pb2.InvoiceKind.Name(message.kind) == f"INVOICE_KIND_{invoice.kind.name}"
    assert (message.name, message.number, message.corrected_number) == (invoice.name, invoice.number, invoice.corrected)
    assert (message.buyer, message.buyer_display_name) == (invoice.buyer, invoice.buyer_name)
    assert (message.booking, message.payment) == (invoice.booking, invoice.payment)
    seller = (message.organizer, message.seller_display_name, message.seller_country_code)
    assert seller == (invoice.seller.organizer, invoice.seller.display_name, invoice.seller.country_code)
    told = [ReceiptLine(each.description, each.quantity, money_from_wire(each.total)) for each in message.lines]
    assert told == list(invoice.lines)
    taxes = [Tax(each.display_name, each.rate_millionths, money_from_wire(each.amount)) for each in message.taxes]
    assert taxes == list(invoice.taxes)
    assert (money_from_wire(message.total), money_from_wire(message.net_total)) == (invoice.total, invoice.net)
    assert time_from_wire(message.supply_time) == invoice.supply_time
    assert time_from_wire(message.issue_time) == invoice.issue_time
    assert message.seller_time_zone == invoice.seller.time_zone
    assert message.HasField("exchange") == (invoice.in_base is not None)
    if base := invoice.in_base:
        told = message.exchange
        assert (told.base_currency_code, told.rate, told.rate_source) == (base.total.currency, base.rate, base.source)
        assert (time_from_wire(told.rate_time), money_from_wire(told.base_total)) == (base.rate_time, base.total)
        taxes = [Tax(each.display_name, each.rate_millionths, money_from_wire(each.amount)) for each in told.base_taxes]
        assert taxes == list(base.taxes)
        assert len(told.DESCRIPTOR.fields) == 6
    assert len(message.DESCRIPTOR.fields) == 19


def test_documents_of_before_there_were_other_currencies_are_read() -> None:
    told = receipt_of_booking(booking(), "payments/1")
    document = receipt_document(told)
    del document["in_base"]
    assert receipt_of(document) == told


@given(RECEIPTS, SELLERS, PAYOUTS)
def test_receipts_sellers_and_payouts_survive_the_store(receipt: Receipt, seller: Seller, payout: Payout) -> None:
    assert receipt_of(as_stored(receipt_document(receipt))) == receipt
    assert seller_of(as_stored(seller_document(seller))) == seller
    assert payout_of(as_stored(payout_document(payout))) == payout


@given(TEXTS, INSTANTS, TEXTS, MONEY, INSTANTS)
def test_what_is_due_and_the_chain_survive_the_store(
    text: str, time: datetime, source: str, money: Money, look: datetime
) -> None:
    due = InvoiceDue(source, time, text, text, text, text, money, text, look)
    assert due_of(as_stored(due_document(due))) == due
    block = Block(3, (b"{}",), (bytes(32),), (text,), (source,), time)
    assert block_of(as_stored(block_document(block))) == block
    head = Head(7, bytes(32), {"KWD": 5})
    assert head_of(as_stored(head_document(head, 2))) == head
    assert head_of(None) == Head()


@given(PAYOUTS)
def test_every_field_of_a_payout_is_told(payout: Payout) -> None:
    message = payout_to_wire(payout)
    assert (message.name, message.requester, message.etag) == (payout.name, payout.requester, etag_of(payout.version))
    assert tuple(map(money_from_wire, message.amounts)) == payout.amounts
    assert tuple(map(money_from_wire, message.taxes)) == payout.taxes
    assert tuple(Transfer(each.recipient, money_from_wire(each.amount)) for each in message.transfers) == (
        payout.transfers
    )  # fmt: skip
    assert time_from_wire(message.create_time) == payout.create_time
    assert len(message.DESCRIPTOR.fields) == 7


@given(st.sampled_from(FactKind), TEXTS.filter(bool), INSTANTS, st.integers(1, 2**40))
def test_every_field_of_an_entry_is_told(kind: FactKind, text: str, time: datetime, amount: int) -> None:
    debit, credit = (Account("organizers/o", each) for each in (AccountKind.PAYABLE, AccountKind.TAX))
    postings = Posting(debit, Money(amount, "KWD")), Posting(credit, Money(-amount, "KWD"))
    message = entry_to_wire(Numbered(9, b"h", Entry(text, kind, time, text, postings, text, text)))
    assert ledger_pb2.LedgerEntryKind.Name(message.kind) == f"LEDGER_ENTRY_KIND_{kind.name}"
    assert (message.number, message.id, message.payment, message.hash) == (9, text, text, b"h")
    assert (message.gateway_reference, time_from_wire(message.entry_time)) == (text, time)
    told = [(each.account, money_from_wire(each.amount).minor_units) for each in message.postings]
    assert told == [("organizers/o/payable", amount), ("organizers/o/tax", -amount)]


def test_a_balance_is_told_in_the_organizers_favour() -> None:
    position = Position("CAD", 1000, 130, 50, 200, 700, 300, 40)
    message = balance_to_wire(position)
    figures = {field.name: money_from_wire(value).minor_units for field, value in message.ListFields()}
    assert figures == {
        "payable": 1000, "tax": 130, "refunding": 50, "disputed": 200, "held_back": 300, "available": 630,
        "paid_out": 700,
    }  # fmt: skip


def booking(**more: object) -> booking_pb2.Booking:
    eur = [money_to_wire(Money(amount, "EUR")) for amount in (11900, 1900)]
    return booking_pb2.Booking(
        name="events/e/bookings/b",
        total=eur[0],
        lines=[booking_pb2.BookingLine(ticket_type="t1", display_name="Standard", quantity=2, total=eur[0])],
        taxes=[booking_pb2.TaxAmount(display_name="VAT", rate_millionths=190_000, amount=eur[1])],
        contact=booking_pb2.BuyerContact(display_name="Zoë"),
        **more,
    )


def test_a_confirmed_booking_tells_lines_and_taxes_of_its_payment() -> None:
    assert receipt_of_booking(booking(), "payments/1") == Receipt(
        "payments/1",
        Money(11900, "EUR"),
        (ReceiptLine("Standard", 2, Money(11900, "EUR")),),
        (Tax("VAT", 190_000, Money(1900, "EUR")),),
        "Zoë",
    )


def test_a_change_tells_what_came_and_what_left_for_the_payment_that_paid_it() -> None:
    after = booking(
        extra_payments=["payments/2", "payments/3"],
        last_price_change=booking_pb2.PriceChange(amount_due=money_to_wire(Money(5950, "EUR"))),
        tickets=[booking_pb2.Ticket(ticket_type="t0", display_name="Balcony")],
    )
    fact = facts.BookingChanged(
        booking=after,
        added_lines=[facts.ChangedLine(ticket_type="t1", quantity=1, total=money_to_wire(Money(8950, "EUR")))],
        removed_lines=[facts.ChangedLine(ticket_type="t0", quantity=1, total=money_to_wire(Money(3000, "EUR")))],
    )
    assert receipt_of_change(fact) == Receipt(
        "payments/3",
        Money(5950, "EUR"),
        (ReceiptLine("Standard", 1, Money(8950, "EUR")), ReceiptLine("Balcony", 1, Money(-3000, "EUR"))),
        (Tax("VAT", 190_000, Money(950, "EUR")),),
        "Zoë",
    )
    fact.booking.last_price_change.amount_due.CopyFrom(money_to_wire(Money(0, "EUR")))
    assert receipt_of_change(fact) is None
    fact.booking.ClearField("extra_payments")
    assert receipt_of_change(fact) is None


def test_a_change_tells_the_taxes_of_what_came_and_left_and_not_a_part_of_the_booking_s() -> None:
    """A ticket at 19 % leaves for a dearer book at 7 %."""
    after = booking(
        extra_payments=["payments/2"],
        last_price_change=booking_pb2.PriceChange(amount_due=money_to_wire(Money(376, "EUR"))),
    )
    fact = facts.BookingChanged(
        booking=after,
        added_lines=[facts.ChangedLine(ticket_type="t1", quantity=2, total=money_to_wire(Money(3942, "EUR")))],
        removed_lines=[facts.ChangedLine(ticket_type="t0", quantity=1, total=money_to_wire(Money(3566, "EUR")))],
        tax_change=facts.TaxChange(taxes=[taxed("low", 70_000, 258), taxed("high", 190_000, -569)]),
    )
    told = receipt_of_change(fact)
    assert told is not None
    low, high = Tax("low", 70_000, Money(258, "EUR")), Tax("high", 190_000, Money(-569, "EUR"))
    assert told.taxes == (low, high)
    fact.tax_change.Clear()
    assert receipt_of_change(fact).taxes == (), "there is none"


def taxed(name: str, millionths: int, cents: int) -> booking_pb2.TaxAmount:
    return booking_pb2.TaxAmount(
        display_name=name, rate_millionths=millionths, amount=money_to_wire(Money(cents, "EUR"))
    )  # fmt: skip


def test_what_a_change_gives_up_is_told_for_its_refund() -> None:
    fact = facts.BookingChanged(
        booking=booking(), refund_due=money_to_wire(Money(1500, "EUR")),
        removed_lines=[facts.ChangedLine(ticket_type="t1", quantity=1, total=money_to_wire(Money(3566, "EUR")))],
        added_lines=[facts.ChangedLine(ticket_type="t1", quantity=1, total=money_to_wire(Money(566, "EUR")))],
    )  # fmt: skip
    assert receipt_of_refund(fact, "r") is None, "an earlier release did not tell the taxes"
    fact.tax_change.taxes.append(taxed("high", 190_000, -479))
    lines = (ReceiptLine("Standard", 1, Money(3566, "EUR")), ReceiptLine("Standard", 1, Money(-566, "EUR")))
    taxes = (Tax("high", 190_000, Money(479, "EUR")),)
    assert receipt_of_refund(fact, "r") == Receipt("refunds/r", Money(3000, "EUR"), lines, taxes)


def exchange() -> CurrencyExchange:
    """Of a booking for 119.00 euros that is paid in yen."""
    told = CurrencyExchange(
        base_currency_code="EUR", currency_code="JPY", rate="163.25", rate_source="by hand",
        base_total=money_to_wire(Money(11900, "EUR")), rate_time=time_to_wire(AS_OF),
    )  # fmt: skip
    told.base_taxes.add(display_name="VAT", rate_millionths=190_000, amount=money_to_wire(Money(1900, "EUR")))
    return told


def test_a_booking_in_another_currency_tells_its_receipt_in_the_event_s_too() -> None:
    told = receipt_of_booking(booking(exchange=exchange()), "payments/1").in_base
    assert told == InBase(
        "163.25", AS_OF, "by hand", Money(11900, "EUR"), (Tax("VAT", 190_000, Money(1900, "EUR")),)
    )  # fmt: skip


def test_a_change_in_another_currency_tells_what_it_came_to_in_the_event_s_too() -> None:
    after = booking(
        exchange=exchange(),
        extra_payments=["payments/2"],
        last_price_change=booking_pb2.PriceChange(amount_due=money_to_wire(Money(9713, "JPY"))),
    )
    added, removed = (
        [facts.ChangedLine(total=money_to_wire(Money(yen, "JPY")), base_total=money_to_wire(Money(cents, "EUR")))]
        for yen, cents in ((14611, 8950), (4898, 3000))
    )
    told = receipt_of_change(facts.BookingChanged(booking=after, added_lines=added, removed_lines=removed))
    assert told is not None
    assert told.in_base == InBase(
        "163.25", AS_OF, "by hand", Money(5950, "EUR"), (Tax("VAT", 190_000, Money(950, "EUR")),)
    )  # fmt: skip
    change = facts.TaxChange(base_taxes=[BaseTax(display_name="V", rate_millionths=7, amount=money_to_wire(PART))])
    fact = facts.BookingChanged(booking=after, removed_lines=added, added_lines=removed, tax_change=change)
    fact.refund_due.CopyFrom(money_to_wire(Money(9713, "JPY")))
    given_up = receipt_of_refund(fact, "r").in_base
    assert (given_up.total, given_up.taxes) == (Money(5950, "EUR"), (Tax("V", 7, PART * -1),))


def test_an_organizer_tells_who_sells() -> None:
    told = organizer_pb2.Organizer(name="organizers/o", display_name="N", country_code="DE", time_zone="Europe/Berlin")
    assert seller_from_wire(told) == Seller("organizers/o", "N", "DE", "Europe/Berlin")
    told.time_zone = ""
    assert seller_from_wire(told).time_zone == "UTC"

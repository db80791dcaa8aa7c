"""Mails say what they should, in text and HTML, and data in them is never code."""

import io
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import pypdf
import pytest
from google.type.money_pb2 import Money as Money_
from icalendar import Calendar

from domain_kit.money import Money
from notification_service.domain.letter import Exchange, Letter, Occasion
from notification_service.domain.notification import Notification, queued
from notification_service.domain.people import Person
from notification_service.handlers import write_letters
from notification_service.outbound.smtp_lines import SmtpLines
from notification_service.outbound.smtp_post import SmtpPost
from notification_service.outbound.writing import Writer
from notification_service.wire.others import exchange_from_wire
from resilience import Resilient
from resource_api import money_to_wire
from usher.booking.v1.booking_pb2 import Booking
from usher.booking.v1.currency_exchange_pb2 import CurrencyExchange
from usher.payment.v1 import invoice_pb2 as pb

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)


def letters(person: Person, occasion: Occasion, tickets: Letter) -> dict[str, Letter]:
    money = Money(1999, "CAD")
    return {
        "booking_confirmed": tickets,
        "booking_cancelled": write_letters.booking_cancelled(person, occasion, "b", "rain", money),
        "booking_waits": write_letters.booking_waits(person, occasion, "b"),
        "booking_approved": write_letters.booking_approved(person, occasion, "b", money, NOW),
        "booking_rejected": write_letters.booking_rejected(person, occasion, "b", "full"),
        "booking_changed": write_letters.booking_changed(person, occasion, "b", money, money, tickets.admissions),
        "change_to_pay": write_letters.change_to_pay(person, occasion, "b", money),
        "ticket_transferred": write_letters.ticket_transferred(person, occasion, "b", tickets.admissions[0]),
        "ticket_resold": write_letters.ticket_resold(person, occasion, "b", money),
        "payment_failed": write_letters.payment_failed(person, occasion, "b", money, "Your card was declined."),
        "refund_completed": write_letters.refund_completed(person, occasion, "b", money, "rain"),
        "waiting_list_offered": write_letters.waiting_list_offered(person, occasion, "b", 2, NOW),
        "waiting_list_lapsed": write_letters.waiting_list_lapsed(person, occasion, "SALE_ENDED", offered=False),
        "email_verification": write_letters.email_verification(person, "TOKEN"),
        "invoice_issued": write_letters.invoice_issued(person, "2027-000001", "Nordlicht", "b", "", money, b""),
        "credit_note_issued": write_letters.invoice_issued(
            person, "CN-2027-000001", "Nordlicht", "b", "2027-000001", money, b""
        ),
    }


def invoice(kind: int = pb.INVOICE_KIND_INVOICE, number: str = "2027-000001") -> pb.Invoice:
    total = {"currency_code": "CAD", "units": 19, "nanos": 990_000_000}
    told = pb.Invoice(
        number=number, kind=kind, seller_display_name="Nordlicht", seller_country_code="CA",
        seller_time_zone="America/Toronto", booking="events/e/bookings/b",
    )  # fmt: skip
    told.lines.add(description="Standard", quantity=1)
    for money in (told.total, told.net_total, told.lines[0].total):
        money.MergeFrom(Money_(**total))
    told.supply_time.FromDatetime(NOW)
    told.issue_time.FromDatetime(NOW)
    return told


def test_every_letter_can_be_written_and_names_what_it_is_about(
    person: Person, occasion: Occasion, tickets: Letter
) -> None:
    for template, letter in letters(person, occasion, tickets).items():
        written = Writer().write(letter)
        assert letter.template == template
        assert "{{" not in written.text + written.html + written.subject
        assert "Ada <b>" in written.text
        assert "Ada &lt;b&gt;" in written.html
        if letter.occasion:
            assert "PyCon & friends" in written.subject
            assert "PyCon &amp; friends" in written.html


def test_amounts_and_times_are_those_of_the_reader(person: Person, occasion: Occasion, tickets: Letter) -> None:
    written = Writer().write(tickets)
    assert "39.98" in written.text
    assert "2 × Standard" in written.text
    assert "9:00" in written.text.replace("\u202f", " ")  # 13:00 UTC in Toronto's summer


def test_a_price_in_another_currency_tells_that_of_the_event_and_the_rate(
    person: Person, occasion: Occasion, tickets: Letter
) -> None:
    yen, told = Money(15998, "JPY"), Exchange(Money(9800, "EUR"), "1 EUR = 163.25 JPY")
    for letter in (
        write_letters.booking_confirmed(person, occasion, "b", yen, tickets.admissions, told),
        write_letters.booking_approved(person, occasion, "b", yen, NOW, told),
        write_letters.booking_changed(person, occasion, "b", yen, None, tickets.admissions, told),
    ):
        written = Writer().write(letter)
        for text in (written.text, written.html):
            assert "15,998" in text
            assert "(€98.00 at 1 EUR = 163.25 JPY)" in text
    assert " at " not in Writer().write(tickets).text.partition("Paid")[2].partition("\n")[0]


def test_an_offer_says_how_many_places_and_until_when_where_the_event_is(person: Person, occasion: Occasion) -> None:
    letter = write_letters.waiting_list_offered(person, occasion, "events/e/bookings/b", 2, NOW)
    text = Writer().write(letter).text.replace("\u202f", " ")
    assert "2 of them" in text
    assert "7:00" in text  # 12:00 UTC in Toronto's winter
    assert "events/e/bookings/b" in text


def test_who_was_approved_hears_until_when_to_pay_where_the_event_is(person: Person, occasion: Occasion) -> None:
    letter = write_letters.booking_approved(person, occasion, "b", Money(1999, "CAD"), NOW)
    written = Writer().write(letter)
    for text in (written.text, written.html):
        assert "7:00" in text.replace("\u202f", " ")  # 12:00 UTC in Toronto's winter


def test_the_rate_of_a_booking_is_read_from_its_domain_event() -> None:
    told = Booking(exchange=CurrencyExchange(base_currency_code="EUR", currency_code="JPY", rate="163.25"))
    told.exchange.base_total.CopyFrom(money_to_wire(Money(9800, "EUR")))
    assert exchange_from_wire(told) == Exchange(Money(9800, "EUR"), "1 EUR = 163.25 JPY")
    assert exchange_from_wire(Booking()) is None


@pytest.mark.parametrize(
    ("reason", "offered", "says"),
    [
        ("OFFER_EXPIRED", True, "not booked in time"),
        ("OFFER_CANCELLED", True, "was cancelled"),
        ("EVENT_CANCELLED", False, "was cancelled, so nobody"),
        ("TOO_MANY_FOR_PERSON", False, "more tickets than one person may"),
        ("OWN_RESALE_OFFER", False, "you offer for resale yourself"),
        ("SALE_ENDED", False, "no longer sold"),
    ],
)
def test_who_waited_in_vain_reads_why(
    person: Person, occasion: Occasion, reason: str, offered: bool, says: str
) -> None:
    written = Writer().write(write_letters.waiting_list_lapsed(person, occasion, reason, offered=offered))
    assert says in written.text
    assert says in written.html
    assert ("join the waiting list again" in written.text) is offered
    assert ("join the waiting list again" in written.html) is offered


@pytest.mark.parametrize("language", ["xx", "de-DE", "", "zh-Hant-TW"])
def test_a_language_without_texts_falls_back_to_english(person: Person, language: str) -> None:
    letter = Letter("email_verification", language, (("name", "A"), ("token", "T")))
    assert Writer().write(letter).language_code == "en"


def test_a_value_that_looks_like_a_template_stays_text(occasion: Occasion) -> None:
    letter = Letter("email_verification", "en", (("name", "{{ 7 * 7 }}"), ("token", "{% raw %}")))
    assert "{{ 7 * 7 }}" in Writer().write(letter).text


def test_line_breaks_in_a_title_make_no_header(occasion: Occasion, person: Person) -> None:
    sly = replace(occasion, title="Party\r\nBcc: all@example.org")
    letter = write_letters.booking_cancelled(person, sly, "b", "", None)
    assert Writer().subject(letter) == "Cancelled: Party Bcc: all@example.org"


def compose(letter: Letter) -> tuple[Notification, EmailMessage]:
    notification, _ = queued("users/u", "ada@example.org", "cause", "events/e/bookings/b", letter, NOW)
    lines = SmtpLines("h", 1)
    post = SmtpPost(lines, "Ushér <tickets@usher.example>", "usher.example", Writer(), Resilient("smtp"))
    return notification, message_from_bytes(post.compose(notification), policy=policy.default)  # type: ignore[arg-type]


def test_tickets_come_as_qr_codes_with_a_calendar_entry(tickets: Letter) -> None:
    _, message = compose(tickets)
    parts = {part.get_filename(): part for part in message.iter_attachments()}
    assert set(parts) == {"ticket-1.png", "ticket-2.png", "event.ics"}
    assert parts["ticket-1.png"].get_content().startswith(b"\x89PNG")
    entry = Calendar.from_ical(parts["event.ics"].get_payload(decode=True)).walk("VEVENT")[0]
    assert entry["summary"] == "PyCon & friends"
    assert entry["uid"] == "b"
    assert entry.decoded("dtstart").isoformat() == "2027-06-01T13:00:00+00:00"


def test_a_message_composed_again_has_the_same_message_id(tickets: Letter) -> None:
    (_, first), (_, second) = compose(tickets), compose(tickets)
    assert first["Message-ID"] == second["Message-ID"] == "<cause@usher.example>"
    assert first.as_bytes() == second.as_bytes()
    assert (first["From"], first["To"]) == ("Ushér <tickets@usher.example>", "ada@example.org")


def test_a_cancellation_has_no_tickets_and_no_calendar_entry(person: Person, occasion: Occasion) -> None:
    _, message = compose(write_letters.booking_cancelled(person, occasion, "b", "", None))
    assert not list(message.iter_attachments())


@pytest.mark.parametrize("number", ["2027-000001", "CN-2027-000001"])
def test_an_invoice_comes_as_a_pdf_that_is_the_same_when_it_is_sent_again(person: Person, number: str) -> None:
    credit = number.startswith("CN")
    told = invoice(pb.INVOICE_KIND_CREDIT_NOTE if credit else pb.INVOICE_KIND_INVOICE, number).SerializeToString()
    corrected = "2027-000001" if credit else ""
    letter = write_letters.invoice_issued(person, number, "Nordlicht", "b", corrected, Money(1999, "CAD"), told)
    _, message = compose(letter)
    (paper,) = message.iter_attachments()
    assert (paper.get_filename(), paper.get_content_type()) == (f"{number}.pdf", "application/pdf")
    text = pypdf.PdfReader(io.BytesIO(paper.get_content())).pages[0].extract_text()
    assert number in text
    assert "19.99" in text
    assert message.as_bytes() == compose(letter)[1].as_bytes()

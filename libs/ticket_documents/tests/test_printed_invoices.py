"""What stands on an invoice, in whatever language and on however many pages."""

import io
from dataclasses import replace
from datetime import UTC, datetime

import pypdf
import pytest

from domain_kit.money import Money
from ticket_documents.lettering import font_is_ready
from ticket_documents.printed_invoices import InvoicePaper, PaperExchange, PaperLine, PaperTax, _all, print_invoice
from ticket_documents.texts import _all as ticket_words


@pytest.fixture
def paper() -> InvoicePaper:
    return InvoicePaper(
        number="2027-000042",
        is_credit=False,
        seller="Nordlicht Konzerte",
        country_code="DE",
        time_zone="Europe/Berlin",
        buyer="Zoë Żółć",
        booking_number="01JZ000000000000000000B00K",
        lines=[PaperLine("Standard", 2, Money(11900, "EUR")), PaperLine("Buch", 1, Money(1070, "EUR"))],
        taxes=[PaperTax("VAT", 190_000, Money(1900, "EUR")), PaperTax("VAT", 70_000, Money(70, "EUR"))],
        net=Money(11000, "EUR"),
        total=Money(12970, "EUR"),
        supply_time=datetime(2027, 3, 6, 23, 30, tzinfo=UTC),
        issue_time=datetime(2027, 3, 7, 11, 0, tzinfo=UTC),
    )


def read(document: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(document), strict=True)


def text_of(document: bytes) -> str:
    return " ".join("\n".join(page.extract_text() for page in read(document).pages).split())


def test_all_that_an_invoice_has_to_say_stands_on_it(paper):
    text = text_of(print_invoice(paper, language_code="en"))
    for wanted in (
        "Invoice", "2027-000042", "Nordlicht Konzerte, DE", "Zoë Żółć", "01JZ000000000000000000B00K", "Standard", "2",
        "€119.00", "VAT 19 %", "€19.00", "VAT 7 %", "€0.70", "€110.00", "€129.70",
    ):  # fmt: skip
        assert wanted in text
    assert "For invoice" not in text
    assert read(print_invoice(paper, language_code="en")).metadata.title == "Invoice 2027-000042"


def test_dates_are_the_sellers_and_words_and_amounts_the_readers(paper):
    text = text_of(print_invoice(paper, language_code="de-AT"))
    assert "Rechnung" in text
    assert "7. März 2027" in text
    assert "6. März" not in text
    assert "129,70" in text


def test_a_credit_note_names_the_invoice_it_corrects(paper):
    credit = replace(paper, is_credit=True, number="CN-2027-000001", corrects="2027-000042", total=Money(-1, "EUR"))
    text = text_of(print_invoice(credit, language_code="fr"))
    assert "Avoir" in text
    assert "Sur la facture 2027-000042" in text


def test_an_invoice_in_another_currency_tells_rate_date_and_the_tax_in_the_sellers(paper):
    exchange = PaperExchange(
        "163.25", datetime(2027, 3, 5, 12, tzinfo=UTC), "ECB", [PaperTax("VAT", 190_000, Money(1900, "EUR"))],
        Money(11900, "EUR"),
    )  # fmt: skip
    yen = replace(paper, lines=[], taxes=[], net=Money(1, "JPY"), total=Money(19427, "JPY"), exchange=exchange)
    text = text_of(print_invoice(yen, language_code="en"))
    for wanted in (
        "¥19,427",
        "Exchange rate: 1 EUR = 163.25 JPY, ECB, Friday, March 5, 2027",
        "VAT 19 % €19.00",
        "Total €119.00",
    ):
        assert wanted in text
    assert "Exchange rate" not in text_of(print_invoice(paper, language_code="en"))


def test_many_lines_go_on_to_more_pages_and_none_is_lost(paper):
    lines = [PaperLine(f"Line {number:03} " + 40 * "x ", 1, Money(number, "EUR")) for number in range(120)]
    document = print_invoice(replace(paper, lines=lines), language_code="en")
    assert len(read(document).pages) > 2
    text = text_of(document)
    assert all(f"Line {number:03}" in text for number in range(120))
    assert all("2027-000042" in page.extract_text() for page in read(document).pages)


def test_the_same_invoice_gives_the_same_bytes(paper):
    assert print_invoice(paper, language_code="en") == print_invoice(paper, language_code="en")


@pytest.mark.parametrize(("millionths", "said"), [(99_750, "9.975 %"), (0, "0 %"), (50_000, "5 %"), (200_000, "20 %")])
def test_a_rate_is_said_as_it_is(paper, millionths, said):
    taxed = replace(paper, taxes=[PaperTax("QST", millionths, Money(1, "EUR"))])
    assert f"QST {said}" in text_of(print_invoice(taxed, language_code="en"))


def test_every_language_of_tickets_has_all_words_of_invoices():
    assert _all().keys() == ticket_words().keys()
    assert {frozenset(words) for words in _all().values()} == {frozenset(_all()["en"])}
    assert all(word for words in _all().values() for word in words.values())


def test_a_document_like_one_before_makes_no_part_of_the_font_anew(paper, monkeypatch):
    first = print_invoice(paper, language_code="en")
    monkeypatch.setattr(font_is_ready().face, "makeSubset", None)
    assert print_invoice(paper, language_code="en") == first
    with pytest.raises(TypeError):
        print_invoice(replace(paper, buyer="Ἀθηνᾶ"), language_code="en")


def test_every_letter_has_its_width_and_its_meaning(paper):
    page = read(print_invoice(replace(paper, buyer="Ελένη Wójcik"), language_code="en")).pages[0]
    common, beyond = (page["/Resources"]["/Font"][name] for name in ("/F0", "/F1"))
    assert "Ελένη Wójcik" in page.extract_text()
    for font, codes in ((common, {ord(each): each for each in "iW"}), (beyond, {2: "λ"})):
        widths = {code: font["/Widths"][code] for code in codes}
        assert widths == {code: round(font_is_ready().face.getCharWidth(ord(each)), 2) for code, each in codes.items()}
        assert font["/FontDescriptor"]["/FontFile2"].get_data().startswith(b"\0\1\0\0")

"""Invoices and credit notes to print: PDF pages of A4."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from domain_kit.money import Money
from localization import format_date, format_money, negotiate
from ticket_documents.lettering import FONT, font_is_ready, plain, width_of, wrapped
from ticket_documents.pages import DARK, GREY, LINE

LEFT, RIGHT, TOP, BOTTOM = 20 * mm, A4[0] - 20 * mm, A4[1] - 22 * mm, 24 * mm
QUANTITY, AMOUNT = RIGHT - 42 * mm, RIGHT
BODY, SMALL, TITLE = 10.5, 8.5, 22
STEP = 1.45


@dataclass(frozen=True, slots=True)
class PaperLine:
    """Something sold. total: taxes included."""

    description: str
    quantity: int
    total: Money


@dataclass(frozen=True, slots=True)
class PaperTax:
    """A tax in the total. millionths: its rate on the price without taxes."""

    name: str
    millionths: int
    amount: Money


@dataclass(frozen=True, slots=True)
class PaperExchange:
    """The same in another currency. rate: units of the invoice's currency for one of that one, a decimal number."""

    rate: str
    rate_time: datetime
    source: str
    taxes: Sequence[PaperTax]
    total: Money


@dataclass(frozen=True, slots=True)
class InvoicePaper:
    """What an invoice tells. time_zone: IANA name of the seller's. corrects: number of the credited invoice."""

    number: str
    is_credit: bool
    seller: str
    country_code: str
    time_zone: str
    buyer: str
    booking_number: str
    lines: Sequence[PaperLine]
    taxes: Sequence[PaperTax]
    net: Money
    total: Money
    supply_time: datetime
    issue_time: datetime
    corrects: str = ""
    exchange: PaperExchange | None = None


def print_invoice(paper: InvoicePaper, *, language_code: str) -> bytes:
    """A PDF; the same content gives the same bytes. Blocks for milliseconds. Letters: see the README."""
    font_is_ready()
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, pageCompression=1, invariant=1, lang=language_code)
    words = _words(language_code)
    canvas.setTitle(plain(f"{words['credit_note' if paper.is_credit else 'invoice']} {paper.number}"))
    canvas.setCreator("Usher")
    _Sheet(canvas, paper, words, language_code).draw()
    canvas.save()
    return out.getvalue()


class _Sheet:
    """The pages of one invoice, from top to bottom."""

    def __init__(self, canvas: Any, paper: InvoicePaper, words: dict[str, str], language: str) -> None:
        self._canvas, self._paper, self._words, self._language = canvas, paper, words, language
        self._y, self._page = TOP, 1
        self._written = canvas.beginText()
        self._set: tuple[float, Any] = 0, None  # size and color of what is written

    def draw(self) -> None:
        """All of it."""
        paper, words = self._paper, self._words
        self._text(LEFT, words["credit_note" if paper.is_credit else "invoice"], TITLE, DARK)
        self._y -= TITLE * STEP
        date = self._date
        for label, value in (
            (words["number"], paper.number),
            (words["corrects"], paper.corrects),
            (words["issued"], date(paper.issue_time)),
            (words["supplied"], date(paper.supply_time)),
            (words["seller"], ", ".join(part for part in (paper.seller, paper.country_code) if part)),
            (words["buyer"], paper.buyer),
            (words["booking_number"], paper.booking_number),
        ):
            self._field(label, value)
        self._y -= BODY
        self._table_head()
        for line in paper.lines:
            self._row(line.description, str(line.quantity), self._money(line.total))
        self._rule()
        self._row(words["net"], "", self._money(paper.net))
        for tax in paper.taxes:
            self._row(f"{tax.name} {_percent(tax.millionths)}", "", self._money(tax.amount))
        self._rule()
        self._row(words["total"], "", self._money(paper.total), size=13)
        if paper.exchange is not None:
            self._exchange(paper.exchange, paper.total.currency)
        self._foot()

    def _exchange(self, exchange: PaperExchange, currency: str) -> None:
        rate = f"1 {exchange.total.currency} = {exchange.rate} {currency}"
        told = ", ".join(part for part in (rate, exchange.source, self._date(exchange.rate_time)) if part)
        self._rule()
        self._row(f"{self._words['rate']}: {told}", "", "")
        for tax in exchange.taxes:
            self._row(f"{tax.name} {_percent(tax.millionths)}", "", self._money(tax.amount))
        self._row(self._words["total"], "", self._money(exchange.total))

    def _field(self, label: str, value: str) -> None:
        if not value:
            return
        self._text(LEFT, label, SMALL, GREY)
        for text in wrapped(value, BODY, RIGHT - LEFT - 45 * mm, 3):
            self._text(LEFT + 45 * mm, text, BODY, DARK)
            self._y -= BODY * STEP

    def _table_head(self) -> None:
        self._text(LEFT, self._words["description"], SMALL, GREY)
        self._text(QUANTITY, self._words["quantity"], SMALL, GREY, right=True)
        self._text(AMOUNT, self._words["amount"], SMALL, GREY, right=True)
        self._y -= SMALL * 0.6
        self._rule()

    def _row(self, description: str, quantity: str, amount: str, size: float = BODY) -> None:
        lines = wrapped(description, size, QUANTITY - LEFT - 22 * mm, 3) or [""]
        if self._y - len(lines) * size * STEP < BOTTOM:
            self._foot()
            self._canvas.showPage()
            self._y, self._page, self._written = TOP, self._page + 1, self._canvas.beginText()
            self._set = 0, None
            self._table_head()
        for number, text in enumerate(lines):
            self._text(LEFT, text, size, DARK)
            if number == 0:  # from left to right, as it is read out
                self._text(QUANTITY, quantity, size, DARK, right=True)
                self._text(AMOUNT, amount, size, DARK, right=True)
            self._y -= size * STEP

    def _rule(self) -> None:
        self._canvas.setStrokeColor(LINE)
        self._canvas.setLineWidth(0.7)
        self._canvas.line(LEFT, self._y, RIGHT, self._y)
        self._y -= BODY * STEP

    def _foot(self) -> None:
        here, self._y = self._y, BOTTOM / 2
        self._text(LEFT, self._paper.number, SMALL, GREY)
        self._text(RIGHT, str(self._page), SMALL, GREY, right=True)
        self._canvas.drawText(self._written)
        self._y = here

    def _text(self, x: float, text: str, size: float, color: Any, *, right: bool = False) -> None:
        shown = plain(text)
        if self._set != (size, color):
            self._written.setFont(FONT, size)
            self._written.setFillColor(color)
            self._set = size, color
        self._written.setTextOrigin(x - width_of(shown, size) if right else x, self._y)
        self._written.textOut(shown)

    def _date(self, instant: datetime) -> str:
        return format_date(instant, self._paper.time_zone, self._language)

    def _money(self, money: Money) -> str:
        return format_money(money, self._language)


def _percent(millionths: int) -> str:
    """190000 → `19 %`, 99750 → `9.975 %`."""
    whole, rest = divmod(millionths, 10_000)
    return f"{whole}.{rest:04}".rstrip("0").rstrip(".") + " %"


def _words(language_code: str) -> dict[str, str]:
    available = _all()
    return available[negotiate([language_code], sorted(available))]


@cache
def _all() -> dict[str, dict[str, str]]:
    source = files("ticket_documents").joinpath("data", "invoice_texts.json").read_text("utf-8")
    words: dict[str, dict[str, str]] = json.loads(source)
    return words

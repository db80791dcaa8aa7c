"""Tickets to print: PDF pages of A4 with one, two or four tickets."""

import io
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

from PIL import Image
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.pdfgen.pathobject import PDFPathObject

from localization import format_period
from ticket_documents import qr_codes
from ticket_documents.content import Admission, Occasion
from ticket_documents.lettering import FONT, font_is_ready, plain, wrapped
from ticket_documents.pages import DARK, GREY, LINE, Box, Layout, boxes_on, layout_for
from ticket_documents.texts import Texts, texts_for

LOGO_MAX_PIXELS = 16_000_000
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"


def print_tickets(
    tickets: Sequence[tuple[Occasion, Admission]],
    *,
    language_code: str,
    tickets_per_page: int = 1,
    logo: bytes | None = None,
) -> bytes:
    """A PDF; the same content gives the same bytes. Blocks for milliseconds a ticket.

    logo: the organizer's, PNG or JPEG, drawn beside the title. ValueError for another kind of image, for one of more
    than 16 million pixels, without tickets, and for a number a page other than 1, 2 and 4.
    """
    if not tickets:
        raise ValueError("a document without tickets")
    font_is_ready()
    texts, out = texts_for(language_code), io.BytesIO()
    canvas = Canvas(out, pagesize=A4, pageCompression=1, invariant=1, lang=language_code)
    canvas.setTitle(plain(tickets[0][0].title))
    canvas.setCreator("Usher")
    picture, layout = None if logo is None else _logo(logo), layout_for(tickets_per_page)
    boxes = boxes_on(A4, tickets_per_page)
    # Most lines are the same on every ticket.
    wrap, period = cache(wrapped), cache(partial(_period, language_code))
    for number, (occasion, admission) in enumerate(tickets):
        if number and number % tickets_per_page == 0:
            canvas.showPage()
        card = _Card(canvas, boxes[number % tickets_per_page], layout, texts, wrap)
        card.draw(occasion, period(occasion), admission, picture)
    canvas.save()
    return out.getvalue()


class _Card:
    """One ticket in its box; `draw` goes from top to bottom."""

    def __init__(self, canvas: Any, box: Box, layout: Layout, texts: Texts, wrap: Callable[..., list[str]]) -> None:
        self._canvas, self._box, self._layout, self._texts, self._wrap = canvas, box, layout, texts, wrap
        self._left, self._top = box.left + layout.padding, box.top - layout.padding

    def draw(self, occasion: Occasion, when: str, admission: Admission, logo: Any) -> None:
        """The whole ticket."""
        layout, texts, box = self._layout, self._texts, self._box
        self._canvas.setStrokeColor(LINE)
        self._canvas.setLineWidth(0.7)
        self._canvas.roundRect(box.left, box.bottom, box.width, box.height, 6)
        inner = box.width - 2 * layout.padding
        beside = inner - (layout.qr_side + layout.padding if layout.qr_beside else 0)
        self._heading(occasion.title, admission.display_name, inner, logo)
        self._field(texts.when, when, beside, 3)
        self._field(texts.where, occasion.place, beside, 2)
        self._field(texts.attendee, admission.attendee, beside, 1)
        self._field(texts.seat, admission.seat, beside, 1)
        self._field(texts.booking_number, admission.booking_number, beside, 1)
        self._code(admission)

    def _heading(self, title: str, kind: str, width: float, logo: Any) -> None:
        layout, free = self._layout, width
        if logo is not None:
            wide, high = logo.getSize()
            ratio = min(layout.logo_width / wide, layout.logo_height / high)
            right = self._left + width
            self._canvas.drawImage(
                logo, right - wide * ratio, self._top - high * ratio, wide * ratio, high * ratio, mask="auto"
            )
            free -= wide * ratio + layout.padding
        self._lines(title, layout.title_size, DARK, free, 2, heavy=True)
        self._top = min(self._top, self._box.top - layout.padding - (layout.logo_height if logo is not None else 0))
        self._top -= layout.gap
        self._lines(kind or self._texts.ticket, layout.kind_size, DARK, width, 1)
        self._top -= layout.gap

    def _field(self, label: str, value: str, width: float, most_lines: int) -> None:
        if value:
            self._lines(label, self._layout.label_size, GREY, width, 1)
            self._lines(value, self._layout.value_size, DARK, width, most_lines)
            self._top -= self._layout.gap

    def _lines(self, text: str, size: float, color: Any, width: float, most: int, *, heavy: bool = False) -> None:
        for line in self._wrap(text, size, width, most):
            self._top -= size * 1.25
            self._canvas.saveState()
            written = self._canvas.beginText(self._left, self._top)
            written.setFont(FONT, size)
            written.setFillColor(color)
            if heavy:  # the font comes in one weight; an outline of its own colour makes it bolder
                written.setStrokeColor(color)
                self._canvas.setLineWidth(size * 0.035)
                written.setTextRenderMode(2)
            written.textOut(line)
            self._canvas.drawText(written)
            self._canvas.restoreState()

    def _code(self, admission: Admission) -> None:
        layout, box = self._layout, self._box
        left = box.right - layout.padding - layout.qr_side if layout.qr_beside else box.center - layout.qr_side / 2
        bottom = box.bottom + layout.padding + layout.note_room
        modules = qr_codes.modules_of(admission.code)
        canvas, side = self._canvas, len(modules)
        canvas.saveState()
        canvas.setFillColor(DARK)
        canvas.translate(left, bottom)
        canvas.scale(layout.qr_side / side, layout.qr_side / side)
        runs = [
            f"{start} {side - 1 - y} {length} 1 re"
            for y, row in enumerate(modules)
            for start, length in qr_codes.dark_runs(row)
        ]
        canvas.drawPath(PDFPathObject(code=runs), stroke=0, fill=1)
        canvas.restoreState()
        center = left + layout.qr_side / 2
        canvas.setFillColor(GREY)
        size = layout.label_size
        canvas.setFont(FONT, size)
        lines = self._wrap(self._texts.admits_once, size, layout.note_width, 2)
        for number, line in enumerate(lines, 1):
            canvas.drawCentredString(center, bottom - layout.quiet - number * size * 1.2, line)


def _period(language_code: str, occasion: Occasion) -> str:
    return format_period(occasion.start_time, occasion.end_time, occasion.time_zone, language_code)


def is_logo(content: bytes) -> bool:
    """Whether `print_tickets` can draw it."""
    try:
        _logo(content)
    except ValueError:
        return False
    return True


def _logo(content: bytes) -> ImageReader:
    if not content.startswith((_PNG, _JPEG)):
        raise ValueError("a logo is a PNG or JPEG image")
    try:
        picture = Image.open(io.BytesIO(content), formats=("PNG", "JPEG"))
        wide, high = picture.size
        if wide * high <= LOGO_MAX_PIXELS:
            picture.load()
            return ImageReader(picture)
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:  # what Pillow raises on broken files
        raise ValueError("the logo cannot be read") from error
    raise ValueError("a logo has at most 16 million pixels")

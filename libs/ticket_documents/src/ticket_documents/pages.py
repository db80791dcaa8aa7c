"""Where tickets lie on a page and how large their parts are, in PDF points (1/72 inch) from the bottom left."""

from dataclasses import dataclass

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.units import mm

MARGIN, BETWEEN = 12 * mm, 8 * mm
DARK: Color = HexColor(0x14171C)
GREY: Color = HexColor(0x5F6875)
LINE: Color = HexColor(0xC4CAD2)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle."""

    left: float
    bottom: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.left + self.width

    @property
    def top(self) -> float:
        """Its upper edge."""
        return self.bottom + self.height

    @property
    def center(self) -> float:
        """Half way from left to right."""
        return self.left + self.width / 2


@dataclass(frozen=True, slots=True)
class Layout:
    """Sizes of one ticket. qr_beside: the code stands right of the text, else below it."""

    padding: float
    gap: float
    title_size: float
    kind_size: float
    label_size: float
    value_size: float
    qr_side: float
    qr_beside: bool
    note_width: float
    logo_width: float
    logo_height: float

    @property
    def quiet(self) -> float:
        """White around the code. ISO/IEC 18004 asks for four modules; a ticket code has 49 to 53 a side."""
        return self.qr_side * 4 / 49

    @property
    def note_room(self) -> float:
        """Height below the code for the quiet zone and two lines."""
        return self.quiet + 2 * self.label_size * 1.25


_LAYOUTS = {
    1: Layout(
        11 * mm, 3.6 * mm, 26, 17, 10, 14, 88 * mm, qr_beside=False, note_width=150 * mm,
        logo_width=50 * mm, logo_height=18 * mm,
    ),
    2: Layout(
        8 * mm, 2.2 * mm, 20, 14, 8.5, 11.5, 62 * mm, qr_beside=True, note_width=62 * mm,
        logo_width=45 * mm, logo_height=14 * mm,
    ),
    4: Layout(
        6 * mm, 1.2 * mm, 13, 10, 6.5, 8.5, 37 * mm, qr_beside=False, note_width=72 * mm,
        logo_width=22 * mm, logo_height=10 * mm,
    ),
}  # fmt: skip


def layout_for(tickets_per_page: int) -> Layout:
    """ValueError for a number other than 1, 2 and 4."""
    if tickets_per_page not in _LAYOUTS:
        raise ValueError("1, 2 or 4 tickets a page")
    return _LAYOUTS[tickets_per_page]


def boxes_on(page: tuple[float, float], tickets_per_page: int) -> list[Box]:
    """The places of a page, row by row from the top left."""
    columns, rows = {1: (1, 1), 2: (1, 2), 4: (2, 2)}[tickets_per_page]
    width = (page[0] - 2 * MARGIN - (columns - 1) * BETWEEN) / columns
    height = (page[1] - 2 * MARGIN - (rows - 1) * BETWEEN) / rows
    return [
        Box(MARGIN + column * (width + BETWEEN), MARGIN + (rows - 1 - row) * (height + BETWEEN), width, height)
        for row in range(rows)
        for column in range(columns)
    ]

"""Plain pictures made of nothing but numbers, so that no file of somebody's design is needed."""

from ticket_documents.png_files import grey_png


def ticket_icon(side: int) -> bytes:
    """A white ticket with a notch on either side, on dark ground; PNG, `side` × `side` px."""
    return grey_png([bytes(_level((x + 0.5) / side, (y + 0.5) / side) for x in range(side)) for y in range(side)])


def _level(x: float, y: float) -> int:
    inside = 0.14 < x < 0.86 and 0.28 < y < 0.72
    notched = min((x - 0.14) ** 2, (x - 0.86) ** 2) + (y - 0.5) ** 2 < 0.09**2
    perforated = abs(x - 0.62) < 0.02 and int(y * 25) % 2 == 0
    return 255 if inside and not notched and not perforated else 24

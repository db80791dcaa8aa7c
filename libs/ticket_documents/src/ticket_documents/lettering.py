"""Text for print: one font for Latin, Cyrillic and Greek, measured and broken into lines."""

import unicodedata
from functools import cache, lru_cache

from fontpkg_noto_sans import ROOT
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

FONT = "NotoSans"
REMEMBERED = 512  # texts: labels, dates and amounts of many documents are the same
_FILE = "NotoSans[wdth,wght].ttf"


@cache
def font_is_ready() -> TTFont:
    """Register the font once a process."""
    font = TTFont(FONT, str(ROOT / "files" / _FILE))
    pdfmetrics.registerFont(font)
    return font


def missing_from_font(text: str) -> set[str]:
    """Characters that come out as an empty box: the font has no picture of them."""
    return {each for each in plain(text) if ord(each) not in font_is_ready().face.charToGlyph}


@lru_cache(maxsize=REMEMBERED)
def plain(text: str) -> str:
    """On one line, composed (NFC), without control and direction characters."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    shown = (each if each.isprintable() else " " for each in unicodedata.normalize("NFC", text))
    return " ".join("".join(shown).split())


@lru_cache(maxsize=REMEMBERED)
def width_of(text: str, size: float) -> float:
    """In points."""
    return float(font_is_ready().stringWidth(text, size))


def wrapped(text: str, size: float, width: float, most_lines: int) -> list[str]:
    """Lines no wider than `width` points; longer words are broken, what does not fit ends in an ellipsis."""
    lines: list[str] = []
    rest = plain(text)
    while rest:
        if len(lines) == most_lines - 1 and width_of(rest, size) > width:
            return [*lines, _cut(rest, size, width)]
        end = _fitting(rest, size, width)
        lines.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return lines


def _fitting(text: str, size: float, width: float) -> int:
    """How many characters go on a line, whole words where one fits; at least one."""
    if width_of(text, size) <= width:
        return len(text)
    end = len(text)
    while end > 1 and width_of(text[:end], size) > width:
        space = text.rfind(" ", 0, end)
        end = space if space > 0 else _longest(text[:end], size, width)
    return end


def _longest(text: str, size: float, width: float) -> int:
    """Characters of one word that fit, at least one."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if width_of(text[:middle], size) <= width else (low, middle - 1)
    return low


def _cut(text: str, size: float, width: float) -> str:
    """As much of a text as fits with an ellipsis."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if width_of(text[:middle].rstrip() + "…", size) <= width else (low, middle - 1)
    return text[:low].rstrip() + "…"

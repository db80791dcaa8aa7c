"""Text for print: one font for Latin, Cyrillic and Greek, measured and broken into lines."""

import unicodedata
import zlib
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from fontpkg_noto_sans import ROOT
from reportlab import rl_config
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.pdfdoc import PDFDictionary, PDFName, PDFObject, PDFStream, PDFTrueTypeFont
from reportlab.pdfbase.ttfonts import FF_NONSYMBOLIC, FF_SYMBOLIC, SUBSETN, TTFont, makeToUnicodeCMap

FONT = "NotoSans"
REMEMBERED = 512  # texts: labels, dates and amounts of many documents are the same
_FILE = "NotoSans[wdth,wght].ttf"
# Streams as bytes, not as text: a fifth smaller and a third faster.
rl_config.useA85 = 0


class _Written(PDFObject):  # type: ignore[misc]  # ReportLab has no types
    """As it stands in a file."""

    def __init__(self, text: str) -> None:
        self._text = text.encode("ascii")

    def format(self, _document: Any) -> bytes:
        return self._text


@dataclass(frozen=True, slots=True)
class _Part:
    """Up to 256 characters of a font, as a document holds them; streams are compressed."""

    name: str
    widths: _Written
    letters: bytes
    length: int
    meaning: bytes


class _KeptFont(TTFont):  # type: ignore[misc]  # as above
    """Makes each part of the font once a process; ReportLab's own takes more for it than for the rest of an invoice."""

    def addObjects(self, doc: Any) -> None:  # noqa: N802  # ReportLab's name
        """What ReportLab asks for when a document is written that uses the font."""
        state, face, packed = self.state.pop(doc), self.face, PDFName("FlateDecode")
        for number, characters in enumerate(state.subsets):
            part, internal = self._part(number, tuple(characters)), f"{state.internalName}+{number}"
            letters = PDFStream(PDFDictionary({"Filter": packed, "Length1": part.length}), part.letters)
            meaning = PDFStream(PDFDictionary({"Filter": packed}), part.meaning)
            descriptor = PDFDictionary({
                "Type": PDFName("FontDescriptor"), "FontName": PDFName(part.name),
                "Flags": face.flags & ~FF_NONSYMBOLIC | FF_SYMBOLIC,
                "FontBBox": _Written(f"[{' '.join(f'{each:g}' for each in face.bbox)}]"),
                "Ascent": face.ascent, "Descent": face.descent, "CapHeight": face.capHeight,
                "ItalicAngle": face.italicAngle, "StemV": face.stemV, "MissingWidth": face.defaultWidth,
                "FontFile2": doc.Reference(letters, f"letters:{part.name}"),
            })  # fmt: skip
            font = PDFTrueTypeFont()
            font.Name, font.BaseFont, font.FirstChar, font.LastChar = internal, part.name, 0, len(characters) - 1
            font.Widths, font.ToUnicode = part.widths, doc.Reference(meaning, f"meaning:{part.name}")
            font.FontDescriptor = doc.Reference(descriptor, f"descriptor:{part.name}")
            doc.Reference(font, internal)
            doc.idToObject["BasicFonts"].dict[internal] = font

    @lru_cache(maxsize=64)  # noqa: B019  # there is one such font
    def _part(self, number: int, characters: tuple[int, ...]) -> _Part:
        face = self.face
        name = (SUBSETN(number) + b"+" + face.name + face.subfontNameX).decode("ascii")
        letters = face.makeSubset(list(characters))
        meaning = makeToUnicodeCMap(name, list(characters)).encode("ascii")
        widths = _Written(f"[{' '.join(f'{face.getCharWidth(each):g}' for each in characters)}]")
        return _Part(name, widths, zlib.compress(letters), len(letters), zlib.compress(meaning))


@cache
def font_is_ready() -> TTFont:
    """Register the font once a process."""
    font = _KeptFont(FONT, str(ROOT / "files" / _FILE))
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


@lru_cache(maxsize=REMEMBERED)
def width_of(text: str, size: float) -> float:
    """In points."""
    return float(font_is_ready().stringWidth(text, size))


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

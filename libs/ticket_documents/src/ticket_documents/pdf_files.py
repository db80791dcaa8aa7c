"""PDF files (ISO 32000-1) of text and lines, written straight down around parts of the font that are made once.

ReportLab makes all of a file anew, its font included, which is most of what an invoice costs. It still reads the font.
"""

import codecs
import hashlib
import zlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby

from reportlab.pdfbase.ttfonts import FF_NONSYMBOLIC, FF_SYMBOLIC

from ticket_documents.lettering import REMEMBERED, Part, font_is_ready

_BESIDE_ASCII = "€£¥–’äöüÄÖÜßàâçèéêëîïôùáíóúñåæø"  # what most documents in western languages need
_COMMON = (0, *map(ord, _BESIDE_ASCII), *range(32, 127))  # code → character; 0: what the font shows for a missing one
_CODES = codecs.charmap_build("".join(map(chr, _COMMON)))  # the reverse, as the codecs module has it
_PART = 255  # characters of a part beside that one
_HEAD = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"
Color = tuple[float, float, float]


class PdfPages:
    """Pages of one size, filled one after the other. Lengths in points, from the bottom left; colors as RGB, 0 to 1."""

    def __init__(self, size: tuple[float, float], *, title: str, language_code: str) -> None:
        self._size, self._title, self._language = size, title, language_code
        self._pages: list[list[bytes]] = [[]]
        self._codes: dict[str, int] = {}  # of characters beyond the common ones, in the order in which they came

    def next_page(self) -> None:
        """What comes now goes on a new one."""
        self._pages.append([])

    def text(self, x: float, y: float, text: str, size: float, color: Color) -> None:
        """One line that begins at x, on the baseline y."""
        shown = b" ".join(b"/F%d %.4g Tf (%s) Tj" % (part, size, codes) for part, codes in self._runs(text))
        self._pages[-1].append(b"BT %.3f %.3f %.3f rg %.2f %.2f Td %s ET" % (*color, x, y, shown))

    def line(self, left: float, right: float, y: float, width: float, color: Color) -> None:
        """A level one."""
        path = b"%.3f %.3f %.3f RG %.4g w %.2f %.2f m %.2f %.2f l S"
        self._pages[-1].append(path % (*color, width, left, y, right, y))

    def written(self) -> bytes:
        """The file; of the same pages always the same."""
        beyond = [ord(each) for each in self._codes]
        parts = [_COMMON, *((0, *beyond[start : start + _PART]) for start in range(0, len(beyond), _PART))]
        fonts = 4  # the first object after catalog, pages and what is told of the file
        first = fonts + 4 * len(parts)
        pages = range(first, first + 2 * len(self._pages), 2)
        named = " ".join(f"/F{number} {fonts + 4 * number} 0 R" for number in range(len(parts)))
        box = " ".join(f"{side:.2f}" for side in self._size)
        objects = [
            f"<</Type/Catalog/Pages 2 0 R/Lang {_string(self._language)}>>".encode(),
            f"<</Type/Pages/Count {len(pages)}/Kids[{' '.join(f'{page} 0 R' for page in pages)}]"
            f"/MediaBox[0 0 {box}]/Resources<</Font<<{named}>>>>>>".encode(),
            f"<</Title {_string(self._title)}/Creator {_string('Usher')}>>".encode(),
        ]
        for number, characters in enumerate(parts):
            part = font_is_ready().part(number, characters)
            objects += _font_objects(part, len(characters), fonts + 4 * number)
        for page, content in zip(pages, self._pages, strict=True):
            objects += [
                f"<</Type/Page/Parent 2 0 R/Contents {page + 1} 0 R>>".encode(),
                _stream(zlib.compress(b"\n".join(content), 1)),
            ]
        return _file(objects)

    def _runs(self, text: str) -> Iterator[tuple[int, bytes]]:
        """A text in pieces: which part of the font each is in, and its codes there as they stand in a file."""
        common = _in_common_codes(text)
        if common is not None:
            yield 0, common
            return
        for part, run in groupby(map(self._place, text), lambda place: place[0]):
            yield part, _escaped(bytes(code for _, code in run))

    def _place(self, character: str) -> tuple[int, int]:
        """Part of the font and code in it."""
        common = codecs.charmap_encode(character, "ignore", _CODES)[0]
        if common:
            return 0, common[0]
        if ord(character) not in font_is_ready().face.charToGlyph:
            return 0, 0
        number = self._codes.setdefault(character, len(self._codes))
        return 1 + number // _PART, 1 + number % _PART


def _font_objects(part: Part, characters: int, first: int) -> Sequence[bytes]:
    """A part of the font as the objects `first` to `first` + 3."""
    face = font_is_ready().face
    flags, box = face.flags & ~FF_NONSYMBOLIC | FF_SYMBOLIC, " ".join(f"{each:g}" for each in face.bbox)
    return (
        f"<</Type/Font/Subtype/TrueType/BaseFont/{part.name}/FirstChar 0/LastChar {characters - 1}"
        f"/Widths[{part.widths}]/FontDescriptor {first + 1} 0 R/ToUnicode {first + 3} 0 R>>".encode(),
        f"<</Type/FontDescriptor/FontName/{part.name}/Flags {flags}/FontBBox[{box}]"
        f"/Ascent {face.ascent:g}/Descent {face.descent:g}/CapHeight {face.capHeight:g}"
        f"/ItalicAngle {face.italicAngle:g}/StemV {face.stemV:g}/MissingWidth {face.defaultWidth:g}"
        f"/FontFile2 {first + 2} 0 R>>".encode(),
        _stream(part.letters, f"/Length1 {part.length}"),
        _stream(part.meaning),
    )


def _stream(compressed: bytes, more: str = "") -> bytes:
    head = f"<</Length {len(compressed)}/Filter/FlateDecode{more}>>stream\n".encode()
    return head + compressed + b"\nendstream"


def _file(objects: Sequence[bytes]) -> bytes:
    """With the table of where its objects stand: 1 the catalog, 3 what is told of the file."""
    out, at, places = [_HEAD], len(_HEAD), list[int]()
    for number, each in enumerate(objects, 1):
        places.append(at)
        out.append(b"%d 0 obj\n%s\nendobj\n" % (number, each))
        at += len(out[-1])
    body = b"".join(out)
    mark = hashlib.blake2b(body, digest_size=16).hexdigest()
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    trailer = f"<</Size {len(objects) + 1}/Root 1 0 R/Info 3 0 R/ID[<{mark}><{mark}>]>>"
    return body + (
        f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer\n{trailer}\nstartxref\n{at}\n%%EOF\n".encode()
    )


@lru_cache(maxsize=REMEMBERED)
def _in_common_codes(text: str) -> bytes | None:
    try:
        return _escaped(codecs.charmap_encode(text, "strict", _CODES)[0])
    except UnicodeEncodeError:
        return None


def _escaped(codes: bytes) -> bytes:
    """Within a literal string (7.3.4.2)."""
    return codes.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)").replace(b"\r", b"\\r")


def _string(text: str) -> str:
    """A text string: UTF-16 with its mark, in hexadecimal."""
    return f"<feff{text.encode('utf-16-be').hex()}>"

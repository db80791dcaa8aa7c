"""PNG files (ISO/IEC 15948) of grey levels, with nothing but the standard library."""

import struct
import zlib
from collections.abc import Sequence

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_NO_FILTER = b"\0"


def grey_png(rows: Sequence[bytes]) -> bytes:
    """Of rows with a byte a pixel, 0 is black."""
    return _png(len(rows[0]), len(rows), 8, zlib.compress(b"".join(_NO_FILTER + row for row in rows)))


def bilevel_png(rows: Sequence[bytes], scale: int) -> bytes:
    """Of rows with a byte a point, 1 is black, 0 white; a point becomes `scale` × `scale` px."""
    bits = b"".join([b"f" + row + b"p" for row in rows]).translate(_SIGNS)
    padding = b"0" * (-len(rows[0]) * scale % 8)
    for sign, digits in ((b"w", b"1" * scale), (b"b", b"0" * scale), (b"p", padding), (b"f", b"0" * 8)):
        bits = bits.replace(sign, digits)
    packed, line = int(bits, 2).to_bytes(len(bits) // 8, "big"), len(bits) // 8 // len(rows)
    lines = b"".join([packed[start : start + line] * scale for start in range(0, len(packed), line)])
    # A code looks like noise: to look for more in it takes three times as long, for a seventh of the size.
    return _png(len(rows[0]) * scale, len(rows) * scale, 1, zlib.compress(lines, 1))


# Points as signs: black is level 0 and so the digit 0. f, p: the filter before a line and what fills its last byte.
_SIGNS = bytes([ord("w"), ord("b"), *range(2, 256)])


def _png(width: int, height: int, depth: int, compressed: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", compressed) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

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
    lines = b"".join(_line(row, scale) * scale for row in rows)
    # A code looks like noise: to look for more in it takes three times as long, for a seventh of the size.
    return _png(len(rows[0]) * scale, len(rows) * scale, 1, zlib.compress(lines, 1))


def _line(row: bytes, scale: int) -> bytes:
    wide = row.translate(_DIGITS).replace(b"w", b"1" * scale).replace(b"b", b"0" * scale)
    wide += b"0" * (-len(wide) % 8)
    return _NO_FILTER + int(wide, 2).to_bytes(len(wide) // 8, "big")


_DIGITS = bytes([ord("w"), ord("b"), *range(2, 256)])  # black is level 0 and so the digit 0


def _png(width: int, height: int, depth: int, compressed: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", compressed) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

"""QR codes (ISO/IEC 18004), error correction M: readable with a scratch, not larger than needed."""

from typing import Any

import zxingcpp

from ticket_documents.png_files import bilevel_png

QUIET_ZONE = 4

Modules = tuple[bytes, ...]


def modules_of(text: str) -> Modules:
    """The symbol without quiet zone: a row of bytes for each row of modules, 1 is dark. ValueError when too long."""
    image: Any = _barcode(text).to_image(scale=1, add_quiet_zones=False)
    pixels, width = memoryview(image), image.shape[1]
    dark = pixels.tobytes().translate(_DARK)
    return tuple(dark[start : start + width] for start in range(0, len(dark), width))


def svg(text: str, *, scale: int = 8) -> bytes:
    """An SVG document with quiet zone; a module is `scale` px."""
    modules = modules_of(text)
    side = len(modules) + 2 * QUIET_ZONE
    strokes = "".join(
        f"M{QUIET_ZONE + start} {QUIET_ZONE + y}.5h{length}"
        for y, row in enumerate(modules)
        for start, length in dark_runs(row)
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{side * scale}" height="{side * scale}" '
        f'viewBox="0 0 {side} {side}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{side}v{side}H0z"/>'
        f'<path stroke="#000" d="{strokes}"/></svg>\n'
    ).encode()


def png(text: str, *, scale: int = 8) -> bytes:
    """A PNG image of one bit a pixel with quiet zone; a module is `scale` px."""
    modules, quiet = modules_of(text), bytes(QUIET_ZONE)
    blank = [bytes(len(modules) + 2 * QUIET_ZONE)] * QUIET_ZONE
    return bilevel_png([*blank, *(quiet + row + quiet for row in modules), *blank], scale)


def dark_runs(row: bytes) -> list[tuple[int, int]]:
    """Start and length of each run of dark modules."""
    found, at = [], row.find(1)
    while at >= 0:
        end = row.find(0, at)
        end = len(row) if end < 0 else end
        found.append((at, end - at))
        at = row.find(1, end)
    return found


# Luminance as zxing draws it → dark or not.
_DARK = bytes(int(value < 128) for value in range(256))


def _barcode(text: str) -> zxingcpp.Barcode:
    return zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")

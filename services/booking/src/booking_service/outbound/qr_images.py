"""QR codes as images (ISO/IEC 18004), error correction M: readable with a scratch, not larger than needed."""

import io

import segno


def svg(text: str) -> bytes:
    """An SVG document; a module is 8 px, the quiet zone 4 modules as the standard asks."""
    return _image(text, "svg")


def png(text: str) -> bytes:
    """The same as a PNG image."""
    return _image(text, "png")


def _image(text: str, kind: str) -> bytes:
    out = io.BytesIO()
    segno.make_qr(text, error="m").save(out, kind=kind, scale=8, border=4)
    return out.getvalue()

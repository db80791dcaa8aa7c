"""What is drawn can be scanned, and says what was asked for."""

import io
import re

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from ticket_documents import qr_codes

CODES = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=200)


def scanned(picture: Image.Image) -> zxingcpp.Barcode:
    (found,) = zxingcpp.read_barcodes(picture.convert("L"))
    return found


@settings(max_examples=25, deadline=None)
@given(CODES)
def test_a_png_says_the_text_to_a_scanner(text):
    """INVARIANT: the gate reads what was issued."""
    found = scanned(Image.open(io.BytesIO(qr_codes.png(text))))
    assert (found.text, found.ec_level) == (text, "M")


def test_an_svg_says_the_text_to_a_scanner():
    document = qr_codes.svg("x" * 156).decode()
    side = int(re.search(r'viewBox="0 0 (\d+) \d+"', document)[1])
    picture = Image.new("L", (side, side), 255)
    for left, top, length in re.findall(r"M(\d+) (\d+)\.5h(\d+)", document):
        ImageDraw.Draw(picture).rectangle((int(left), int(top), int(left) + int(length) - 1, int(top)), 0)
    found = scanned(picture.resize((side * 4, side * 4), Image.Resampling.NEAREST))
    assert found.text == "x" * 156


def test_four_white_modules_surround_the_symbol():
    picture = Image.open(io.BytesIO(qr_codes.png("x" * 156, scale=3))).convert("L")
    side = len(qr_codes.modules_of("x" * 156))
    assert picture.size == ((side + 8) * 3, (side + 8) * 3)
    dark = picture.point(lambda level: 255 - level).getbbox()
    assert dark == (12, 12, 12 + side * 3, 12 + side * 3)


def test_a_text_that_no_symbol_holds_is_refused():
    with pytest.raises(ValueError):
        qr_codes.png("x" * 5000)

"""What is written into a PDF file is read out of it, by a reader that takes offence at what is malformed."""

import io

import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticket_documents.lettering import font_is_ready
from ticket_documents.pdf_files import PdfPages

SIZE, BLACK = (595.0, 842.0), (0.0, 0.0, 0.0)
SHOWN = sorted(chr(code) for code in font_is_ready().face.charToGlyph if 32 < code < 0x2100 and chr(code).isalnum())


def file_with(*lines: str, title: str = "t") -> bytes:
    pages = PdfPages(SIZE, title=title, language_code="en")
    for number, line in enumerate(lines):
        pages.text(20, 800 - 20 * number, line, 10.5, BLACK)
    return pages.written()


def read(document: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(document), strict=True)


def text_of(document: bytes) -> str:
    return "".join(page.extract_text() for page in read(document).pages)


@pytest.mark.parametrize(
    "line", ["(a) \\b\\ )c( \\)", "€£¥–’äöüÄÖÜßàâçèéêëîïôùáíóúñåæø", "Łódź, Ελλάδα, Київ", "a\u015b(\u015b)\\\u015b"]
)
def test_a_line_is_read_as_it_was_written(line):
    assert text_of(file_with(line)) == line


def test_more_characters_than_a_part_of_the_font_holds():
    assert len(SHOWN) > 600
    lines = ["".join(SHOWN[start : start + 40]) for start in range(0, len(SHOWN), 40)]
    assert text_of(file_with(*lines)).split("\n") == lines


@given(st.text(SHOWN + list("()\\<>[]/%"), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_any_letters_and_signs_of_the_syntax_are_read_as_they_were_written(line):
    assert text_of(file_with(line)) == line


def test_what_the_font_lacks_takes_no_place_of_another_and_breaks_nothing():
    assert text_of(file_with("a☃b漢c")).replace("\x00", "").replace("\ufffd", "") == "abc"


def test_what_the_file_is_called_keeps_all_its_characters():
    document = read(file_with("x", title="Счёт (№ 1) \\ 漢 ☃"))
    assert document.metadata.title == "Счёт (№ 1) \\ 漢 ☃"
    assert document.metadata.creator == "Usher"
    assert document.trailer["/Root"]["/Lang"] == "en"


def test_pages_and_lines_stand_in_order():
    pages = PdfPages(SIZE, title="t", language_code="de")
    pages.text(20, 800, "first", 10, BLACK)
    pages.next_page()
    pages.line(20, 500, 790, 0.7, (0.5, 0.25, 0.125))
    pages.text(20, 800, "second", 10, BLACK)
    document = read(pages.written())
    assert [page.extract_text() for page in document.pages] == ["first", "second"]
    assert [tuple(page.mediabox[2:]) for page in document.pages] == [(595, 842), (595, 842)]
    assert b"0.500 0.250 0.125 RG 0.7 w 20.00 790.00 m 500.00 790.00 l S" in document.pages[1].get_contents().get_data()


def test_the_same_pages_give_the_same_bytes_and_others_another_mark():
    assert file_with("a") == file_with("a")
    assert read(file_with("a")).trailer["/ID"] != read(file_with("b")).trailer["/ID"]

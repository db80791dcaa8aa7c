"""What stands on paper, whatever the layout, and that nothing lies on top of the code."""

import io
from dataclasses import replace

import pypdf
import pytest
from PIL import Image

from ticket_documents.lettering import missing_from_font, plain, wrapped
from ticket_documents.pages import boxes_on, layout_for
from ticket_documents.printed_tickets import A4, is_logo
from ticket_documents.printed_tickets import print_tickets as print_pairs
from ticket_documents.texts import language_for, texts_for


def print_tickets(occasion, admissions, **said) -> bytes:
    return print_pairs([(occasion, each) for each in admissions], **said)


def read(document: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(document), strict=True)


def text_of(document: bytes) -> str:
    return " ".join("\n".join(page.extract_text() for page in read(document).pages).split())


@pytest.mark.parametrize(("per_page", "pages"), [(1, 5), (2, 3), (4, 2)])
def test_every_ticket_is_there_with_all_it_needs(occasion, admissions, per_page, pages):
    document = print_tickets(occasion, admissions, language_code="en", tickets_per_page=per_page)
    assert len(read(document).pages) == pages
    text = text_of(document)
    for each in admissions:
        for wanted in (each.display_name, each.attendee, each.seat):
            assert wanted in text
    assert text.count("Night of the Aurora") == 5
    assert text.count("01JZ000000000000000000B00K") == 5
    assert text.count("Palais des congrès") == 5
    assert read(document).metadata.title == "Night of the Aurora"


def test_the_time_is_that_of_the_place_in_the_words_of_the_reader(occasion, admissions):
    french = text_of(print_tickets(occasion, admissions[:1], language_code="fr"))
    assert "samedi 6 mars 2027" in french
    assert "19:30" in french
    assert "Numéro de réservation" in french
    english = text_of(print_tickets(occasion, admissions[:1], language_code="en-GB"))
    assert "Saturday" in english
    assert "19:30" in english


@pytest.mark.parametrize(
    "title", ["Zażółć gęślą jaźń Ő ğ ş Ț", "Ночь сияния Ґ Ї Ў Ђ", "Νύχτα του Σέλαος ΰ", "Việt Nam"]
)
def test_latin_cyrillic_and_greek_are_printed(occasion, admissions, title):
    assert missing_from_font(title) == set()
    assert title in text_of(print_tickets(replace(occasion, title=title), admissions[:1], language_code="en"))


@pytest.mark.parametrize("title", ["東京", "مهرجان", "פסטיבל", "เทศกาล", "🎟"])
def test_what_the_font_lacks_is_known(title):
    """README says so; a font that gains them makes this fail."""
    assert missing_from_font(title)


def test_a_language_without_words_gets_english_dates_too():
    """Else a date would need letters that the font does not have."""
    assert language_for(["ja", "de-AT", "en"]) == "de-AT"
    assert language_for(["ja", "zh-Hant"]) == "en"
    assert language_for([]) == "en"
    assert texts_for("de-AT").when == "Wann"


def test_every_language_has_every_word_in_letters_of_the_font():
    for language in ("cs", "de", "el", "en", "es", "fr", "it", "nl", "pl", "pt", "uk"):
        texts = texts_for(language)
        words = [getattr(texts, name) for name in type(texts).__slots__]
        assert all(words)
        assert missing_from_font("".join(words)) == set()
    assert texts_for("uk").ticket == "Квиток"


@pytest.mark.parametrize("per_page", [1, 2, 4])
def test_the_longest_texts_stay_clear_of_the_code_and_inside_the_ticket(occasion, admissions, per_page):
    long = "Wörterübermaß " * 20
    crowded = replace(occasion, title=long, venue=long, address=long, end_time=occasion.end_time.replace(day=9))
    ticket = replace(admissions[0], attendee=long, seat=long, display_name=long)
    picture = io.BytesIO()
    Image.new("RGB", (300, 300), "red").save(picture, "PNG")
    document = print_tickets(crowded, [ticket], language_code="de", tickets_per_page=per_page, logo=picture.getvalue())
    box, layout, placed = boxes_on(A4, per_page)[0], layout_for(per_page), []

    def visit(text, _current, matrix, _font, _size):
        if text.strip():
            placed.append((text.strip(), matrix[4], matrix[5]))

    read(document).pages[0].extract_text(visitor_text=visit)
    texts = texts_for("de")
    lowest = min(y for text, _, y in placed if "Bitte" not in text and "weitergeben" not in text)
    floor = box.bottom + layout.padding
    if not layout.qr_beside:
        floor += layout.note_room + layout.qr_side + layout.quiet
    assert lowest >= floor, (lowest, floor)
    assert all(box.bottom <= y <= box.top and box.left <= x <= box.right for _, x, y in placed)
    assert any(texts.booking_number in text for text, _, _ in placed)
    assert any("01JZ000000000000000000B00K" in text for text, _, _ in placed)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_logo_is_drawn_within_its_bounds(occasion, admissions, kind):
    picture = io.BytesIO()
    Image.new("RGB", (40, 10), "red").save(picture, kind)
    document = print_tickets(occasion, admissions, language_code="en", tickets_per_page=4, logo=picture.getvalue())
    assert all(len(page.images) == 1 for page in read(document).pages)
    assert not read(print_tickets(occasion, admissions, language_code="en")).pages[0].images


def test_what_is_no_logo_is_refused(occasion, admissions):
    bomb = io.BytesIO()
    Image.new("1", (5000, 5000)).save(bomb, "PNG")
    whole = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(whole, "PNG")
    cut = whole.getvalue()[:900]
    for logo in (cut, b"", b"GIF89a", b"<svg/>", b"\x89PNG\r\n\x1a\nbroken", b"\xff\xd8\xffbroken", bomb.getvalue()):
        with pytest.raises(ValueError, match="logo"):
            print_tickets(occasion, admissions, language_code="en", logo=logo)
        assert not is_logo(logo)
    assert is_logo(whole.getvalue())


def test_no_tickets_and_other_numbers_a_page_are_refused(occasion, admissions):
    with pytest.raises(ValueError, match="without tickets"):
        print_tickets(occasion, [], language_code="en")
    for number in (0, 3, 5, -1):
        with pytest.raises(ValueError, match="1, 2 or 4"):
            print_tickets(occasion, admissions, language_code="en", tickets_per_page=number)


def test_tickets_for_different_dates_say_their_own(occasion, admissions):
    later = replace(occasion, start_time=occasion.start_time.replace(day=7), end_time=occasion.end_time.replace(day=7))
    document = print_pairs([(occasion, admissions[0]), (later, admissions[1])], language_code="en")
    first, second = (page.extract_text() for page in read(document).pages)
    assert ("March 6, 2027" in first, "March 7, 2027" in first) == (True, False)
    assert ("March 6, 2027" in second, "March 7, 2027" in second) == (False, True)


def test_the_same_content_gives_the_same_bytes(occasion, admissions):
    first, second = (print_tickets(occasion, admissions, language_code="en") for _ in range(2))
    assert first == second


def test_lines_keep_to_their_width_and_lose_nothing_but_what_has_no_room():
    assert wrapped("", 10, 100, 2) == []
    assert wrapped("one two three", 10, 1000, 2) == ["one two three"]
    assert " ".join(wrapped("one two three", 10, 40, 9)) == "one two three"
    assert "".join(wrapped("x" * 60, 10, 40, 99)) == "x" * 60
    (cut,) = wrapped("one two three four", 10, 60, 1)
    assert cut.endswith("…")
    assert plain("a\u202eb\x00\nc") == "a b c"

"""Marked text is safe to put into a page."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_service.domain.folding import fold
from search_service.outbound.highlights import END, START, marked_html


def marked(text: str, word: str) -> str:
    """What an engine makes of the folded text when it has found `word`."""
    return re.sub(rf"(?<!\w)({re.escape(word)})(?!\w)", rf"{START}\1{END}", fold(text))


@pytest.mark.parametrize(
    ("title", "word", "expected"),
    [
        ("Jazz night", "jazz", "<em>Jazz</em> night"),
        ("<script>alert('x')</script> Jazz", "jazz", "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt; <em>Jazz</em>"),
        ("<script>", "script", "&lt;<em>script</em>&gt;"),
        ("<em>Jazz</em> & more", "jazz", "&lt;em&gt;<em>Jazz</em>&lt;/em&gt; &amp; more"),
        ("Café Zürich!", "zurich", "Café <em>Zürich</em>!"),
        ("Cafe\u0301 Zu\u0308rich", "cafe", "<em>Cafe\u0301</em> Zu\u0308rich"),
        ("Große Straße", "strasse", "Große <em>Straße</em>"),
        (f"{START}Jazz{END}", "jazz", f"{START}<em>Jazz</em>{END}"),
        ("'Jazz'", "jazz", "&#x27;<em>Jazz</em>&#x27;"),
    ],
)
def test_words_are_marked_in_what_people_wrote_and_all_else_is_escaped(title: str, word: str, expected: str) -> None:
    assert marked_html(title, [marked(title, word)]) == (expected,)


@given(st.text(st.sampled_from("ab<>&\"' ßéx\u0308.") | st.characters(exclude_categories=["Cs"]), max_size=40))
def test_nothing_but_em_is_markup_and_nothing_is_lost(text: str) -> None:
    """INVARIANT: without the marks the highlight is the text, escaped."""
    for part in marked_html(text, [marked(text, "a")]):
        assert html.unescape(re.sub("</?em>", "", part)) == text
        assert "<" not in re.sub("</?em>", "", part)


def test_a_fragment_is_found_again_in_the_description() -> None:
    description = "Über <b>Rust</b>. " + "x " * 200 + "Später: Rust & mehr!"
    fragment = f"spater  {START}rust{END}   mehr "
    assert marked_html(description, [fragment]) == ("Später: <em>Rust</em> &amp; mehr!",)


def test_what_has_no_mark_or_is_not_there_is_left_out() -> None:
    assert marked_html("Jazz", ["jazz"]) == ()
    assert marked_html("Jazz", [f"{START}blues{END}"]) == ()
    assert marked_html("Jazz", []) == ()

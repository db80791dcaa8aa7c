"""Folded text finds what people type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_service.domain.folding import fold, fold_with_origins, key_of, starts_of, words_of


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("München", "munchen"),
        ("Mu\u0308nchen", "munchen"),
        ("Wrocław  ŁÓDŹ", "wrocław  łódź".translate(str.maketrans("łóź", "loz"))),
        ("Straße", "strasse"),
        ("Ærø", "aero"),
        ("node.js & C++", "node js   c  "),
        ("O’Reilly's", "oreillys"),
        ("wroc_love.rb", "wroc love rb"),
        ("İstanbul ıssız", "istanbul issiz"),
        ("東京 서울 हिन्दी がぎ", "東京 서울 हिन्दी がぎ"),
        ("ﬁnal ＡＢＣ", "final abc"),
        ("soft\u00adhyphen", "softhyphen"),
    ],
)
def test_case_accents_and_punctuation_do_not_matter(written: str, folded: str) -> None:
    assert fold(written) == folded


@given(st.text(max_size=60))
def test_folding_twice_changes_nothing(text: str) -> None:
    once = key_of(text)
    assert key_of(once) == once


@given(st.text(max_size=60))
def test_each_folded_character_knows_where_it_comes_from(text: str) -> None:
    folded = fold_with_origins(text)
    assert folded.text == fold(text)
    assert len(folded.origins) == len(folded.text)
    assert list(folded.origins) == sorted(folded.origins)
    assert all(0 <= origin < len(text) for origin in folded.origins)


def test_words_and_starts() -> None:
    assert words_of("Go, go Gophers!") == ("go", "gophers")
    assert starts_of("Machine-learning Day") == ("machine learning day", "learning day", "day")
    assert starts_of("") == ()

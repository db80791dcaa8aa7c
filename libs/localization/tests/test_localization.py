"""What a reader sees is what the domain meant, in the reader's own writing."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_kit.money import Money, exponents
from localization import (
    accepted_languages,
    direction_of,
    format_date,
    format_moment,
    format_money,
    format_period,
    format_time,
    negotiate,
)

SPRING = datetime(2026, 3, 6, 17, 30, tzinfo=UTC)


def plain(text: str) -> str:
    return re.sub(r"[\u00a0\u202f\u200e\u200f\u061c]", " ", text)


@pytest.mark.parametrize(
    ("money", "locale", "written"),
    [
        (Money(1999, "CAD"), "en-US", "CA$19.99"),
        (Money(123456, "EUR"), "de", "1.234,56 €"),
        (Money(-1999, "EUR"), "fr-FR", "-19,99 €"),
        (Money(500, "JPY"), "ja", "￥500"),
        (Money(1500, "KWD"), "en", "KWD 1.500"),
        (Money(1234, "IQD"), "en", "IQD 1.234"),
        (Money(12345678, "INR"), "hi-IN", "₹1,23,456.78"),
    ],
)
def test_money_is_written_as_the_locale_does(money, locale, written):
    assert plain(format_money(money, locale)) == written


@given(st.integers(0, 10**15), st.sampled_from(sorted(exponents())), st.sampled_from(["en", "de", "pt-BR", "ja", "xx"]))
def test_no_digit_of_an_amount_is_ever_lost(minor_units, currency, locale):
    written = format_money(Money(minor_units, currency), locale)
    assert int("".join(re.findall(r"[0-9]", written))) == minor_units


@pytest.mark.parametrize(
    ("preferred", "expected"),
    [
        (["fr-CA"], "fr"),
        (["pt-BR", "de"], "pt-BR"),
        (["PT_br"], "pt-BR"),
        (["it", "de-AT"], "de"),
        (["zh-Hant-x-private-TW"], "zh-Hant"),
        (["it"], "en"),
        (["", "%%%"], "en"),
        ([], "en"),
    ],
)
def test_the_nearest_available_locale_is_taken_and_english_otherwise(preferred, expected):
    assert negotiate(preferred, ["en", "de", "fr", "pt-BR", "zh-Hant"]) == expected


def test_a_time_is_told_in_the_zone_of_the_place_with_its_name():
    assert plain(format_date(SPRING, "Europe/Berlin", "de")) == "Freitag, 6. März 2026"
    assert plain(format_time(SPRING, "America/New_York", "en-US")) == "12:30 PM"
    assert plain(format_moment(SPRING, "Asia/Tokyo", "en-GB")) == "Saturday, 7 March 2026, 02:30 (GMT+09:00)"


def test_a_period_names_the_day_once_unless_it_crosses_midnight_there():
    end = datetime(2026, 3, 6, 21, 0, tzinfo=UTC)
    here = plain(format_period(SPRING, end, "Europe/London", "en-US"))
    assert here == "Friday, March 6, 2026, 5:30 PM – 9:00 PM (GMT)"
    assert plain(format_period(SPRING, end, "Africa/Nairobi", "en-US")).count("2026") == 2


def test_an_instant_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="zone"):
        format_time(datetime(2026, 3, 6), "UTC", "en")  # noqa: DTZ001


def test_arabic_and_hebrew_run_from_right_to_left():
    assert [direction_of(tag) for tag in ("ar-EG", "he", "en", "nonsense")] == ["rtl", "rtl", "ltr", "ltr"]


@pytest.mark.parametrize(
    ("header", "tags"),
    [
        ("", []),
        ("da, en-gb;q=0.8, en;q=0.7", ["da", "en-gb", "en"]),
        ("en;q=0.5,fr;q=1.0,de ; q=0.9", ["fr", "de", "en"]),
        ("fr;q=0, *;q=0.5, de", ["de"]),
        ("de;q=high, ../etc, en;q=2, \x00, pt-BR;q=0.001", ["pt-BR"]),
        (",;,;q=1,", []),
    ],
)
def test_an_accept_language_header_is_read_in_order_of_wish(header: str, tags: list[str]) -> None:
    """RFC 9110, 12.4.2 and 12.5.4."""
    assert accepted_languages(header) == tags


@given(st.text(max_size=400))
def test_any_accept_language_header_gives_few_plain_tags(header: str) -> None:
    for tag in accepted_languages(header + "," + "de," * 50):
        assert re.fullmatch(r"[A-Za-z0-9-]{1,71}", tag)
    assert len(accepted_languages(header + "de," * 50)) <= 20

"""Filters and orders: what is declared is understood, all else refused with its reason."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_kit.refusals import InvalidArgument
from resource_api import Boolean, Choice, Comparison, FilterFields, Instant, Integer, OrderBy, Text

FIELDS = FilterFields(
    {
        "state": Choice(["DRAFT", "PUBLISHED"]),
        "title": Text(),
        "capacity": Integer(),
        "free": Boolean(),
        "start_time": Instant(),
        "tags": Text(repeated=True),
        "venue.city": Text(),
    }
)
ORDER = OrderBy(["title", "start_time"], default="start_time desc")


def test_comparisons_are_read_with_their_types():
    text = """state = DRAFT AND title != "a \\"b\\" AND c" AND capacity>=10 free=true
              AND start_time < "2027-05-01T20:00:00+02:00" AND start_time > 2027-01-01T00:00:00Z
              AND tags:music AND venue.city = 'Wien'"""
    assert FIELDS.parse(text) == [
        Comparison("state", "=", "DRAFT"),
        Comparison("title", "!=", 'a "b" AND c'),
        Comparison("capacity", ">=", 10),
        Comparison("free", "=", True),
        Comparison("start_time", "<", datetime(2027, 5, 1, 18, tzinfo=UTC)),
        Comparison("start_time", ">", datetime(2027, 1, 1, tzinfo=UTC)),
        Comparison("tags", ":", "music"),
        Comparison("venue.city", "=", "Wien"),
    ]
    assert FIELDS.parse("") == FIELDS.parse("  ") == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("state = LOST", "one of DRAFT, PUBLISHED"),
        ("colour = red", "'colour' is not one of"),
        ("capacity = many", "a whole number"),
        ("capacity = 99999999999999999999", "a whole number"),
        ("free = yes", "true or false"),
        ("start_time > 2027-05-01T20:00:00", "a time such as"),
        ("title < x", "compared with != = only"),
        ("tags = music", "compared with : only"),
        ("state = DRAFT OR free = true", "OR is not supported"),
        ("NOT free = true", "NOT is not supported"),
        ("(state = DRAFT)", "cannot be read from character 1"),
        ("state", "cannot be read from character 1"),
        ("state =", "cannot be read from character 1"),
        ("= DRAFT", "cannot be read from character 1"),
        ("state = DRAFT AND", "cannot be read from character 14"),
        ("state = = DRAFT", "cannot be read"),
        ('"state" = DRAFT', "cannot be read from character 1"),
        ('title = "open', "cannot be read from character 1"),
        ('title = "a"free = true', "cannot be read from character 12"),
        ("state = DRAFT, free = true", "one of DRAFT, PUBLISHED"),
        ("title = " + "x" * 3000, "at most 2000"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_its_reason(text, said):
    with pytest.raises(InvalidArgument) as caught:
        FIELDS.parse(text)
    assert (caught.value.reason, caught.value.violations[0].field) == ("FILTER_INVALID", "filter")
    assert said in caught.value.message


@given(st.text(max_size=80) | st.text(alphabet="state=<>!:AND \"'\\", max_size=80))
def test_any_text_is_read_or_refused_and_never_breaks(text):
    with suppress(InvalidArgument):
        FIELDS.parse(text)


@given(st.text(max_size=50))
def test_any_string_can_be_asked_for_when_quoted(text):
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    assert FIELDS.parse(f'title = "{quoted}"') == [Comparison("title", "=", text)]


def test_orders_are_read_in_their_order():
    assert ORDER.parse("title, start_time desc") == [("title", 1), ("start_time", -1)]
    assert ORDER.parse(" title  asc ") == [("title", 1)]
    assert ORDER.parse("") == [("start_time", -1)]


@pytest.mark.parametrize(
    "text", ["colour", "title down", "title,,start_time", "title, title desc", ",", "title desc asc"]
)
def test_unknown_orders_are_refused(text):
    with pytest.raises(InvalidArgument) as caught:
        ORDER.parse(text)
    assert (caught.value.reason, caught.value.violations[0].field) == ("ORDER_BY_INVALID", "order_by")


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_a_time_that_has_no_utc_is_refused_like_any_other_that_cannot_be_read(time):
    with pytest.raises(InvalidArgument) as caught:
        FIELDS.parse(f"start_time > {time}")
    assert caught.value.reason == "FILTER_INVALID"

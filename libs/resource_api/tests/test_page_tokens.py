"""Page tokens continue the query they came from and nothing else."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_kit.refusals import InvalidArgument
from resource_api import PageTokens, page_size_of
from usher.event.v1.event_service_pb2 import ListEventsRequest

TOKENS = PageTokens(b"a key of sixteen bytes or more")
VALUES = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False)
TIMES = st.datetimes(timezones=st.just(UTC))


def refused(request: ListEventsRequest, **bound: str) -> bool:
    with pytest.raises(InvalidArgument) as caught:
        TOKENS.cursor_of(request, **bound)
    return (caught.value.reason, caught.value.violations[0].field) == ("PAGE_TOKEN_INVALID", "page_token")


@given(st.lists(VALUES | TIMES, max_size=4))
def test_a_cursor_comes_back_as_it_went(cursor):
    request = ListEventsRequest(filter="state = DRAFT")
    request.page_token = TOKENS.token_for(request, cursor)
    assert TOKENS.cursor_of(request) == tuple(cursor)


def test_the_first_page_has_no_cursor_and_the_last_no_token():
    assert TOKENS.cursor_of(ListEventsRequest()) is None
    assert TOKENS.token_for(ListEventsRequest(), None) == ""


def test_a_token_does_not_fit_another_query_caller_key_or_request():
    first = ListEventsRequest(filter="state = DRAFT", page_size=10)
    token = TOKENS.token_for(first, ("x",), bound_to="users/ada")
    same = ListEventsRequest(filter="state = DRAFT", page_size=500, page_token=token)
    assert TOKENS.cursor_of(same, bound_to="users/ada") == ("x",)
    assert refused(same)
    assert refused(same, bound_to="users/bob")
    assert refused(ListEventsRequest(filter="state = PUBLISHED", page_token=token), bound_to="users/ada")
    with pytest.raises(InvalidArgument):
        PageTokens(b"another key of sixteen bytes").cursor_of(same, bound_to="users/ada")


@given(st.data())
def test_a_token_changed_in_any_bit_is_refused(data):
    raw = bytearray(base64.urlsafe_b64decode(TOKENS.token_for(ListEventsRequest(), ("events/x", 3)) + "=="))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert refused(ListEventsRequest(page_token=base64.urlsafe_b64encode(bytes(raw)).decode()))


@given(st.text(min_size=1))
def test_any_text_is_refused(text):
    assert refused(ListEventsRequest(page_token=text))


def test_a_huge_token_is_refused_unread():
    assert refused(ListEventsRequest(page_token="A" * 100_000))


def test_what_a_cursor_cannot_hold_is_a_mistake_of_ours():
    with pytest.raises(TypeError):
        TOKENS.token_for(ListEventsRequest(), (datetime(2027, 1, 1, tzinfo=UTC), b"x"))
    with pytest.raises(ValueError, match="16 bytes"):
        PageTokens(b"short")


def test_page_sizes_are_clamped_and_negative_ones_refused():
    sizes = {asked: page_size_of(ListEventsRequest(page_size=asked)) for asked in (0, 1, 500, 501, 2**31 - 1)}
    assert sizes == {0: 50, 1: 1, 500: 500, 501: 500, 2**31 - 1: 500}
    with pytest.raises(InvalidArgument) as caught:
        page_size_of(ListEventsRequest(page_size=-1))
    assert caught.value.violations[0].field == "page_size"


def test_a_cursor_on_the_longest_title_fits_the_field_it_comes_back_in():
    cursor = ["\N{GRINNING FACE}" * 200, f"events/{'a' * 26}"]
    assert len(TOKENS.token_for(ListEventsRequest(), cursor)) <= 2048

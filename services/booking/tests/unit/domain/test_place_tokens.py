from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_service.domain.place_tokens import key_number_of, pack_place, pack_turn, unpack_place, unpack_turn
from booking_service.domain.waiting_room import Pace, Place, Turn
from domain_kit.refusals import InvalidArgument

KEYS = {1: b"1" * 32, 7: b"7" * 32}
EVENT, USER = "events/a", "users/ada"
TIMES = st.integers(0, 2**42).map(lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms))
NUMBERS = st.integers(1, 2**50)
PLACES = st.builds(
    Place, st.just(EVENT), st.just(USER), NUMBERS, TIMES,
    st.builds(Pace, TIMES, NUMBERS, NUMBERS, st.integers(1, 1_000_000)), st.integers(0, 2**31),
)  # fmt: skip
TURNS = st.builds(Turn, st.just(EVENT), st.just(USER), NUMBERS, TIMES)


@given(PLACES, TURNS, st.sampled_from([1, 7]))
def test_tokens_come_back_as_what_they_were_made_of(place, turn, number):
    token, ticket = pack_place(place, number, KEYS[number]), pack_turn(turn, number, KEYS[number])
    assert unpack_place(token, EVENT, USER, KEYS) == place
    assert unpack_turn(ticket, EVENT, USER, KEYS) == turn
    assert key_number_of(token) == key_number_of(ticket) == number
    assert max(len(token), len(ticket)) <= 128


@given(PLACES, TURNS, st.data())
def test_a_token_with_one_bit_changed_is_refused(place, turn, data):
    """INVARIANT: nobody makes a place or a turn but us, and nobody moves one."""
    for token, unpack in [(pack_place(place, 1, KEYS[1]), unpack_place), (pack_turn(turn, 1, KEYS[1]), unpack_turn)]:
        spot, bit = data.draw(st.integers(0, len(token) - 1)), data.draw(st.integers(0, 6))
        changed = token[:spot] + chr(ord(token[spot]) ^ 1 << bit) + token[spot + 1 :]
        with pytest.raises(InvalidArgument, match="_TOKEN_INVALID"):
            unpack(changed, EVENT, USER, KEYS)


@given(PLACES, TURNS)
def test_a_token_is_of_one_user_one_event_and_one_kind(place, turn):
    """INVARIANT: what is given to one person lets nobody else in."""
    token, ticket = pack_place(place, 1, KEYS[1]), pack_turn(turn, 1, KEYS[1])
    for event, user in [("events/b", USER), (EVENT, "users/bob"), ("events/a\0users", "ada")]:
        with pytest.raises(InvalidArgument, match="PLACE_TOKEN_INVALID"):
            unpack_place(token, event, user, KEYS)
        with pytest.raises(InvalidArgument, match="TURN_TOKEN_INVALID"):
            unpack_turn(ticket, event, user, KEYS)
    with pytest.raises(InvalidArgument, match="TURN_TOKEN_INVALID"):
        unpack_turn(token, EVENT, USER, KEYS)
    with pytest.raises(InvalidArgument, match="PLACE_TOKEN_INVALID"):
        unpack_place(ticket, EVENT, USER, KEYS)


@given(TURNS)
def test_a_token_under_an_unknown_or_another_key_is_refused(turn):
    for number, key in [(2, KEYS[1]), (7, KEYS[1])]:
        with pytest.raises(InvalidArgument, match="TURN_TOKEN_INVALID"):
            unpack_turn(pack_turn(turn, number, key), EVENT, USER, KEYS)


@given(st.text(max_size=200))
def test_any_other_text_is_refused(text):
    with pytest.raises(InvalidArgument):
        unpack_place(text, EVENT, USER, KEYS)
    with pytest.raises(InvalidArgument):
        unpack_turn(text, EVENT, USER, KEYS)

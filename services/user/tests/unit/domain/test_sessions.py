from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_kit.refusals import Unauthenticated
from user_service.domain.domain_events import EndReason, SessionEnded, SessionRefreshed
from user_service.domain.secret_tokens import hash_of, new_salt, new_token
from user_service.domain.sessions import SessionLimits, SessionState, start

LIMITS = SessionLimits(idle=timedelta(days=30), retry=timedelta(seconds=5))
STRICT = SessionLimits(idle=timedelta(days=30), retry=timedelta())
FIRST = "first token"


@pytest.fixture
def session(clock):
    return start("users/a/sessions/s", "users/a", FIRST, clock(), LIMITS)[0]


def refresh(session, token, clock, limits=LIMITS):
    return session.refresh(token, new_salt(), clock(), limits)


def test_the_latest_token_is_traded_for_its_successor(session, clock):
    after, events = refresh(session, FIRST, clock)
    assert events == [SessionRefreshed()]
    second = after.successor(FIRST)
    assert second != FIRST
    assert hash_of(second) == after.token_hash
    assert refresh(after, second, clock)[1] == [SessionRefreshed()]


def test_a_lost_answer_is_given_again_for_a_few_seconds(session, clock):
    after, _ = refresh(session, FIRST, clock)
    clock.move(seconds=4.9)
    again, events = refresh(after, FIRST, clock)
    assert (again, events) == (after, [])
    assert again.successor(FIRST) == after.successor(FIRST)


def test_a_token_used_again_later_ends_the_session(session, clock):
    after, _ = refresh(session, FIRST, clock)
    second = after.successor(FIRST)
    clock.move(seconds=5)
    ended, events = refresh(after, FIRST, clock)
    assert events == [SessionEnded(EndReason.TOKEN_REUSED)]
    for token in (FIRST, second):
        same, nothing = refresh(ended, token, clock)
        assert (same, nothing) == (ended, [])
        with pytest.raises(Unauthenticated) as refusal:
            same.successor(token)
        assert refusal.value.reason == "REFRESH_TOKEN_REUSED"


def test_once_the_successor_was_used_its_predecessor_ends_the_session_at_once(session, clock):
    second_state, _ = refresh(session, FIRST, clock)
    third_state, _ = refresh(second_state, second_state.successor(FIRST), clock)
    ended, events = refresh(third_state, FIRST, clock)
    assert events == [SessionEnded(EndReason.TOKEN_REUSED)]
    assert ended.state is SessionState.ENDED


def test_without_a_retry_period_the_second_use_ends_the_session_at_once(session, clock):
    after, _ = refresh(session, FIRST, clock, STRICT)
    assert refresh(after, FIRST, clock, STRICT)[1] == [SessionEnded(EndReason.TOKEN_REUSED)]


def test_a_session_unused_for_too_long_expires(session, clock):
    clock.move(days=30)
    ended, events = refresh(session, FIRST, clock)
    assert events == [SessionEnded(EndReason.EXPIRED)]
    with pytest.raises(Unauthenticated) as refusal:
        ended.successor(FIRST)
    assert refusal.value.reason == "REFRESH_TOKEN_INVALID"


def test_use_keeps_a_session_alive(session, clock):
    token = FIRST
    for _ in range(4):
        clock.move(days=29)
        session, _events = refresh(session, token, clock)
        token = session.successor(token)
    assert session.expire(clock()) == (session, [])


def test_ending_twice_is_one_end(session, clock):
    ended, events = session.end(EndReason.SIGNED_OUT, clock())
    assert events == [SessionEnded(EndReason.SIGNED_OUT)]
    assert ended.end(EndReason.EXPIRED, clock()) == (ended, [])


def test_no_token_or_hash_shows_when_a_session_is_printed(session, clock):
    after, _ = refresh(session, FIRST, clock)
    for secret in (after.token_hash, after.previous_hash, repr(after.salt), after.successor(FIRST)):
        assert secret not in repr(after)


@given(steps=st.lists(st.tuples(st.integers(0, 9), st.sampled_from([0, 3, 6])), max_size=12))
def test_only_the_latest_token_or_a_fresh_retry_of_the_one_before_gets_a_token(steps):
    """INVARIANT: a session never gives out two living tokens."""
    from datetime import UTC, datetime

    now = datetime(2026, 1, 1, tzinfo=UTC)
    session, _ = start("users/a/sessions/s", "users/a", FIRST, now, LIMITS)
    held = [FIRST]
    for choice, wait in steps:
        now += timedelta(seconds=wait)
        position = min(choice, len(held) - 1)
        token = held[-1 - position]
        fresh = position == 0 or (position == 1 and now < session.refresh_time + LIMITS.retry)
        alive = session.state is SessionState.ACTIVE
        session, _ = session.refresh(token, new_salt(), now, LIMITS)
        if alive and fresh:
            if position == 0:
                held.append(session.successor(token))
            assert session.successor(token) == held[-1]
        else:
            assert session.state is SessionState.ENDED
            with pytest.raises(Unauthenticated):
                session.successor(token)


def test_tokens_are_long_and_never_twice_the_same():
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert {len(token) for token in tokens} == {43}

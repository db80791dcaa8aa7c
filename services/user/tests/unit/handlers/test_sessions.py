import asyncio

import pytest

from domain_kit.refusals import FailedPrecondition, ResourceExhausted, Unauthenticated
from user_service.domain.lockout import LockoutPolicy
from user_service.domain.sessions import SessionLimits
from user_service.handlers.end_idle_sessions import end_idle_sessions
from user_service.handlers.sign_out import sign_out


async def refused(call):
    with pytest.raises(Exception) as caught:
        await call
    return caught.value


async def test_a_verified_user_signs_in(parts):
    user = await parts.verified()
    tokens = await parts.sign_in("ADA@example.com")
    assert (tokens.user, tokens.access.expires_in) == (user.name, 600)
    assert (await parts.types())[-1] == "SessionStarted"


async def test_unknown_address_and_wrong_password_are_refused_alike_and_cost_a_verification_each(parts):
    await parts.verified()
    wrong = await refused(parts.sign_in(password="not the password"))
    unknown = await refused(parts.sign_in("eve@example.com"))
    assert str(wrong) == str(unknown)
    assert (type(wrong), wrong.reason) == (Unauthenticated, "CREDENTIALS_INVALID")
    assert len(parts.passwords.verified) == 2


async def test_an_unverified_user_hears_so_only_with_the_right_password(parts):
    await parts.register()
    assert (await refused(parts.sign_in(password="not the password"))).reason == "CREDENTIALS_INVALID"
    right = await refused(parts.sign_in())
    assert (type(right), right.reason) == (FailedPrecondition, "EMAIL_NOT_VERIFIED")


async def test_failures_in_a_row_lock_known_and_unknown_addresses_alike(parts):
    await parts.verified()
    for email in ("ada@example.com", "eve@example.com"):
        for _ in range(5):
            assert (await refused(parts.sign_in(email, "not the password"))).reason == "CREDENTIALS_INVALID"
        locked = await refused(parts.sign_in(email))
        assert (type(locked), locked.reason) == (ResourceExhausted, "SIGN_IN_LOCKED")
        assert locked.retry_after.total_seconds() == 60
    parts.clock.move(minutes=1)
    await parts.sign_in()
    assert "ada@example.com" not in parts.failures.found


async def test_a_crowd_of_guesses_is_counted_one_by_one(parts):
    """INVARIANT: no more passwords are tried than the policy allows, however many come at once."""
    await parts.verified()
    parts.lockout = LockoutPolicy(allowed=3)
    refusals = await asyncio.gather(*(refused(parts.sign_in(password=f"guess {n}")) for n in range(20)))
    assert [refusal.reason for refusal in refusals].count("CREDENTIALS_INVALID") == 3
    assert len(parts.passwords.verified) == 3


async def test_a_hash_with_older_parameters_is_replaced_at_sign_in(parts):
    user = await parts.verified()
    parts.passwords.prefix = "newer:"
    await parts.sign_in()
    stored = await parts.users.get(user.name)
    assert stored.password_hash.startswith("newer:")
    assert stored.version == user.version
    await parts.sign_in()


async def test_tokens_are_traded_in_a_chain(parts):
    await parts.verified()
    tokens = await parts.sign_in()
    seen = {tokens.refresh_token}
    for _ in range(3):
        tokens = await parts.refresh(tokens.refresh_token)
        seen.add(tokens.refresh_token)
    assert len(seen) == 4
    assert (await parts.types())[-4:] == ["SessionStarted", *["SessionRefreshed"] * 3]


async def test_twenty_parallel_refreshes_with_one_token_trade_it_once(parts):
    """INVARIANT: one token is traded once; those who ask at the same time get that one answer."""
    await parts.verified()
    tokens = await parts.sign_in()
    answers = await asyncio.gather(*(parts.refresh(tokens.refresh_token) for _ in range(20)))
    assert len({answer.refresh_token for answer in answers}) == 1
    assert (await parts.types()).count("SessionRefreshed") == 1


async def test_without_a_retry_period_one_of_twenty_wins_and_the_session_ends(parts):
    """INVARIANT: one token is traded once."""
    await parts.verified()
    parts.limits = SessionLimits(idle=parts.limits.idle, retry=parts.limits.retry * 0)
    tokens = await parts.sign_in()
    results = await asyncio.gather(*(parts.refresh(tokens.refresh_token) for _ in range(20)), return_exceptions=True)
    refusals = [result for result in results if isinstance(result, Exception)]
    assert len(refusals) == 19
    assert {refusal.reason for refusal in refusals} == {"REFRESH_TOKEN_REUSED"}
    assert (await parts.types())[-2:] == ["SessionRefreshed", "SessionEnded"]


async def test_reuse_ends_the_session_for_the_thief_and_the_owner(parts):
    await parts.verified()
    first = (await parts.sign_in()).refresh_token
    second = (await parts.refresh(first)).refresh_token
    third = (await parts.refresh(second)).refresh_token
    for token in (first, third, second):
        assert (await refused(parts.refresh(token))).reason == "REFRESH_TOKEN_REUSED"
    assert (await parts.types()).count("SessionEnded") == 1


async def test_an_unknown_refresh_token_touches_nothing(parts):
    await parts.verified()
    await parts.sign_in()
    rows = len(parts.journal.rows)
    assert (await refused(parts.refresh("made up"))).reason == "REFRESH_TOKEN_INVALID"
    assert len(parts.journal.rows) == rows


async def test_signing_out_ends_the_session_and_is_no_error_twice(parts):
    await parts.verified()
    tokens = await parts.sign_in()
    for token in (tokens.refresh_token, tokens.refresh_token, "made up"):
        await sign_out(parts.sessions, token=token, cause=parts.cause(), now=parts.clock())
    assert (await parts.types()).count("SessionEnded") == 1
    assert (await refused(parts.refresh(tokens.refresh_token))).reason == "REFRESH_TOKEN_INVALID"


async def test_idle_sessions_are_ended_once_by_whoever_sweeps(parts):
    await parts.verified()
    await parts.sign_in()
    parts.clock.move(days=20)
    await parts.sign_in()
    parts.clock.move(days=15)
    swept = [end_idle_sessions(parts.sessions, now=parts.clock(), limit=10) for _ in range(3)]
    await asyncio.gather(*swept)
    assert (await parts.types()).count("SessionEnded") == 1
    assert await end_idle_sessions(parts.sessions, now=parts.clock(), limit=10) == 0

import asyncio

import pytest

from domain_kit.refusals import AlreadyExists, FailedPrecondition, InvalidArgument, Unauthenticated
from user_service.composition import common_passwords
from user_service.domain.profiles import Profile
from user_service.handlers.register_user import register_user
from user_service.handlers.resend_verification import resend_verification
from user_service.handlers.update_user import update_user


async def test_an_account_is_made_with_two_domain_events(parts):
    user = await parts.register()
    assert user.version == 2
    assert await parts.types() == ["UserRegistered", "EmailVerificationRequested"]


async def test_an_address_is_taken_whatever_its_case(parts):
    await parts.register("ada@example.com")
    with pytest.raises(AlreadyExists) as refusal:
        await parts.register("ADA@Example.com")
    assert refusal.value.reason == "EMAIL_TAKEN"
    assert "ada" not in str(refusal.value.metadata)


async def test_registering_again_with_the_same_request_gets_the_same_account(parts):
    cause = parts.cause("register-1")
    first = await parts.register(cause=cause)
    again = await parts.register(cause=cause)
    assert again.name == first.name
    assert len(await parts.links()) == 1


async def test_of_parallel_registrations_of_one_address_one_succeeds(parts):
    results = await asyncio.gather(*(parts.register() for _ in range(8)), return_exceptions=True)
    assert sum(not isinstance(result, Exception) for result in results) == 1
    assert {type(result) for result in results if isinstance(result, Exception)} == {AlreadyExists}


async def test_a_weak_password_is_refused_before_it_costs_a_hash(parts):
    with pytest.raises(InvalidArgument) as refusal:
        await register_user(
            parts.users,
            None,
            common_passwords(),
            email="a@b.ca",
            password="password123",
            profile=Profile(display_name="Ada"),
            cause=parts.cause(),
            now=parts.clock(),
        )
    assert refusal.value.reason == "PASSWORD_WEAK"


async def test_no_secret_stands_in_the_journal_but_the_link_that_is_mailed(parts):
    """INVARIANT: rows are kept for ever, so they hold no hash of a password."""
    await parts.verified()
    tokens = await parts.sign_in()
    await parts.refresh(tokens.refresh_token)
    user = await parts.users.with_email("ada@example.com")
    session = await parts.sessions.with_token(tokens.refresh_token)
    secrets = [
        user.password_hash, parts.PASSWORD, tokens.refresh_token, tokens.access.token,
        session.token_hash, session.previous_hash, str(session.salt),
    ]  # fmt: skip
    rows = repr(list(parts.journal.rows.values()))
    assert [secret for secret in secrets if secret in rows] == []


async def test_the_link_verifies_and_its_repeat_gets_the_first_answer(parts):
    await parts.register()
    [token], cause = await parts.links(), parts.cause("verify-1")
    first = await parts.verify(token, cause=cause)
    again = await parts.verify(token, cause=cause)
    assert first.email_verify_time == again.email_verify_time == parts.clock()
    with pytest.raises(FailedPrecondition) as refusal:
        await parts.verify(token)
    assert refusal.value.reason == "VERIFICATION_TOKEN_INVALID"


async def test_who_proves_the_address_decides_the_password_whoever_registered_it(parts):
    """INVARIANT: a stranger who registers somebody's address has no way in once its owner has proved it."""
    await parts.register()
    [token] = await parts.links()
    await parts.verify(token, "the owner's own words")
    with pytest.raises(Unauthenticated):
        await parts.sign_in(password=parts.PASSWORD)
    assert await parts.sign_in(password="the owner's own words")


async def test_a_weak_password_is_refused_when_the_address_is_proved_and_the_link_stays_good(parts):
    await parts.register()
    [token] = await parts.links()
    with pytest.raises(InvalidArgument) as refusal:
        await parts.verify(token, "ada@example.com")
    assert refusal.value.reason == "PASSWORD_WEAK"
    assert (await parts.verify(token)).email_verify_time


async def test_an_unknown_link_is_refused_like_a_used_one(parts):
    with pytest.raises(FailedPrecondition) as refusal:
        await parts.verify("nobody's")
    assert refusal.value.reason == "VERIFICATION_TOKEN_INVALID"


async def test_a_link_is_sent_again_to_whom_it_concerns_and_both_leave_one_row(parts):
    await parts.register()
    for email in ("ada@example.com", "nobody@example.com"):
        before = len(parts.journal.rows)
        await resend_verification(parts.users, email=email, cause=parts.cause(), now=parts.clock())
        assert len(parts.journal.rows) == before + 1
    assert len(set(await parts.links())) == 2


async def test_a_repeated_request_for_a_link_to_an_unknown_address_is_answered_again(parts):
    cause = parts.cause("resend-1")
    for _ in range(2):
        await resend_verification(parts.users, email="nobody@example.com", cause=cause, now=parts.clock())


async def test_a_profile_is_changed(parts):
    from dataclasses import replace

    user = await parts.register()
    changed = await update_user(
        parts.users, user.name, lambda profile: replace(profile, language_code="fr-ca"),
        etag="", cause=parts.cause(), now=parts.clock(),
    )  # fmt: skip
    assert changed.profile.language_code == "fr-CA"
    assert (await parts.types())[-1] == "UserUpdated"

"""Start a session."""

from datetime import datetime

from domain_kit.ids import new_id
from domain_kit.refusals import FailedPrecondition, ResourceExhausted, Unauthenticated
from domain_kit.repository import Cause
from user_service.domain.lockout import LockoutPolicy
from user_service.domain.passwords import normal
from user_service.domain.ports import (
    AccessTokens,
    PasswordHasher,
    SessionRepository,
    SignInFailures,
    Tokens,
    UserRepository,
)
from user_service.domain.secret_tokens import new_token
from user_service.domain.sessions import SessionLimits, start
from user_service.domain.users import User, UserState, key_of
from user_service.handlers.turns import Turns


async def sign_in(
    users: UserRepository,
    sessions: SessionRepository,
    failures: SignInFailures,
    passwords: PasswordHasher,
    access_tokens: AccessTokens,
    turns: Turns,
    *,
    email: str,
    password: str,
    lockout: LockoutPolicy,
    limits: SessionLimits,
    cause: Cause,
    now: datetime,
) -> Tokens:
    """Unauthenticated CREDENTIALS_INVALID; FailedPrecondition EMAIL_NOT_VERIFIED; ResourceExhausted SIGN_IN_LOCKED.

    Unknown addresses are answered, slowed down and locked like known ones.
    """
    # Attempts at one address take turns, or a crowd of guesses would be under way before the first is counted.
    async with turns.of(key_of(email)):
        user = await _authenticated(users, failures, passwords, email, normal(password), lockout, now)
    if user.state is not UserState.VERIFIED:
        raise FailedPrecondition("EMAIL_NOT_VERIFIED", "Prove the address first, with the link that was mailed to it.")
    if passwords.outdated(user.password_hash):
        await users.replace_hash(user, await passwords.hash(normal(password)))
    token = new_token()
    session, events = start(f"{user.name}/sessions/{new_id()}", user.name, token, now, limits)
    session = await sessions.create(session, events, cause=cause)
    return Tokens(await access_tokens.issue(session), token, user.name)


async def _authenticated(
    users: UserRepository,
    failures: SignInFailures,
    passwords: PasswordHasher,
    email: str,
    password: str,
    lockout: LockoutPolicy,
    now: datetime,
) -> User:
    key = key_of(email)
    earlier = await failures.of(key)
    left = lockout.left(earlier, now)
    if left:
        raise ResourceExhausted(
            "SIGN_IN_LOCKED", "Too many wrong passwords in a row; wait before trying again.", retry_after=left
        )
    user = await users.with_email(email)
    right = await passwords.verify(user.password_hash if user else "", password)
    if user is None or not right:
        await failures.add(key, now)
        raise Unauthenticated("CREDENTIALS_INVALID", "The e-mail address or the password is wrong.")
    if earlier is not None:
        await failures.clear(key)
    return user

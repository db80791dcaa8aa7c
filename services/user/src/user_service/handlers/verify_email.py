"""Prove an address with the token from the mail, and choose the password of the account with it."""

from datetime import datetime

from domain_kit.repository import Cause
from user_service.domain.passwords import WeakPasswords, normal
from user_service.domain.ports import PasswordHasher, UserRepository
from user_service.domain.users import User, token_invalid


async def verify_email(
    users: UserRepository,
    passwords: PasswordHasher,
    weak_passwords: WeakPasswords,
    *,
    token: str,
    password: str,
    cause: Cause,
    now: datetime,
) -> User:
    """FailedPrecondition VERIFICATION_TOKEN_INVALID; InvalidArgument PASSWORD_WEAK."""
    user = await users.with_link(token)
    if user is None:
        raise token_invalid()
    weak_passwords.refuse(password, email=user.email, display_name=user.profile.display_name)
    password_hash = await passwords.hash(normal(password))
    return await users.update(user.name, lambda current: current.verify(token, password_hash, now), cause=cause)

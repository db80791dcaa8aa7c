"""Prove an address with the token from the mail."""

from datetime import datetime

from domain_kit.repository import Cause
from user_service.domain.ports import UserRepository
from user_service.domain.users import User, token_invalid


async def verify_email(users: UserRepository, *, token: str, cause: Cause, now: datetime) -> User:
    """FailedPrecondition VERIFICATION_TOKEN_INVALID."""
    user = await users.with_link(token)
    if user is None:
        raise token_invalid()
    return await users.update(user.name, lambda current: current.verify(token, now), cause=cause)

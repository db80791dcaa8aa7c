"""Mail a new verification link, without telling whether the address has an account."""

from datetime import datetime

from domain_kit.repository import Cause
from user_service.domain.ports import UserRepository
from user_service.domain.secret_tokens import new_token


async def resend_verification(users: UserRepository, *, email: str, cause: Cause, now: datetime) -> None:
    """As many reads and one commit whatever is found, so that the time it takes tells no more than the answer."""
    user, token = await users.with_email(email), new_token()
    if user is None:
        await users.note(cause)
    else:
        await users.update(user.name, lambda current: current.request_link(token, now), cause=cause)

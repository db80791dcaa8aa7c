"""Make an account."""

from datetime import datetime

from domain_kit.ids import new_id
from domain_kit.repository import Cause
from user_service.domain.passwords import WeakPasswords, normal
from user_service.domain.ports import PasswordHasher, UserRepository
from user_service.domain.profiles import Profile
from user_service.domain.secret_tokens import new_token
from user_service.domain.users import User, register


async def register_user(
    users: UserRepository,
    passwords: PasswordHasher,
    weak_passwords: WeakPasswords,
    *,
    email: str,
    password: str,
    profile: Profile,
    cause: Cause,
    now: datetime,
) -> User:
    """AlreadyExists EMAIL_TAKEN; InvalidArgument PASSWORD_WEAK, TIME_ZONE_UNKNOWN, LANGUAGE_INVALID."""
    profile = profile.checked()
    weak_passwords.refuse(password, email=email, display_name=profile.display_name)
    password_hash = await passwords.hash(normal(password))
    user, events = register(
        f"users/{new_id()}", email, profile, password_hash=password_hash, token=new_token(), now=now
    )
    return await users.create(user, events, cause=cause)

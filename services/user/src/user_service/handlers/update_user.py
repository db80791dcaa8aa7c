"""Change a profile or preferences."""

from collections.abc import Callable
from datetime import datetime

from domain_kit.repository import Cause
from user_service.domain.ports import UserRepository
from user_service.domain.profiles import Profile
from user_service.domain.users import User


async def update_user(
    users: UserRepository, name: str, edit: Callable[[Profile], Profile], *, etag: str, cause: Cause, now: datetime
) -> User:
    """NotFound; Aborted ETAG_MISMATCH; InvalidArgument with the path below `user`."""
    return await users.update(name, lambda user: user.edit(edit(user.profile), now), etag=etag, cause=cause)

"""Add a member to an organizer."""

from datetime import datetime

from domain_kit.refusals import FailedPrecondition, NotFound
from domain_kit.repository import Cause
from user_service.domain.domain_events import Role
from user_service.domain.organizers import Organizer
from user_service.domain.ports import OrganizerRepository, UserRepository


async def add_member(
    users: UserRepository,
    organizers: OrganizerRepository,
    organizer: str,
    *,
    user: str,
    role: Role,
    cause: Cause,
    now: datetime,
) -> Organizer:
    """FailedPrecondition USER_UNKNOWN; AlreadyExists MEMBER_EXISTS; ResourceExhausted MEMBERS_FULL; NotFound."""
    try:
        await users.get(user)
    except NotFound:
        raise FailedPrecondition("USER_UNKNOWN", f"{user} does not exist.", metadata={"user": user}) from None
    return await organizers.update(organizer, lambda current: current.add_member(user, role, now), cause=cause)

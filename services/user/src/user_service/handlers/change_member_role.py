"""Give a member another role."""

from datetime import datetime

from domain_kit.repository import Cause
from user_service.domain.domain_events import Role
from user_service.domain.organizers import Organizer
from user_service.domain.ports import OrganizerRepository


async def change_member_role(
    organizers: OrganizerRepository, organizer: str, *, user: str, role: Role, cause: Cause, now: datetime
) -> Organizer:
    """NotFound; FailedPrecondition LAST_OWNER."""
    return await organizers.update(organizer, lambda current: current.change_role(user, role, now), cause=cause)

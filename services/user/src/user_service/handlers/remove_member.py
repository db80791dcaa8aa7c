"""Remove a member from an organizer."""

from datetime import datetime

from domain_kit.repository import Cause
from user_service.domain.ports import OrganizerRepository


async def remove_member(
    organizers: OrganizerRepository, organizer: str, *, user: str, cause: Cause, now: datetime
) -> None:
    """NotFound; FailedPrecondition LAST_OWNER."""
    await organizers.update(organizer, lambda current: current.remove_member(user, now), cause=cause)

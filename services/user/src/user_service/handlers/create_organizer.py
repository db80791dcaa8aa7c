"""Make an organizer whose first owner is the caller."""

from datetime import datetime

from domain_kit.ids import new_id
from domain_kit.repository import Cause
from user_service.domain.organizers import Organizer, create
from user_service.domain.ports import OrganizerRepository
from user_service.domain.profiles import OrganizerProfile


async def create_organizer(
    organizers: OrganizerRepository, *, profile: OrganizerProfile, owner: str, cause: Cause, now: datetime
) -> Organizer:
    """InvalidArgument with the path below `organizer`."""
    organizer, events = create(f"organizers/{new_id()}", profile, owner, now)
    return await organizers.create(organizer, events, cause=cause)

"""Change an organizer's profile."""

from collections.abc import Callable
from datetime import datetime

from domain_kit.repository import Cause
from user_service.domain.organizers import Organizer
from user_service.domain.ports import OrganizerRepository
from user_service.domain.profiles import OrganizerProfile


async def update_organizer(
    organizers: OrganizerRepository,
    name: str,
    edit: Callable[[OrganizerProfile], OrganizerProfile],
    *,
    etag: str,
    cause: Cause,
    now: datetime,
) -> Organizer:
    """NotFound; Aborted ETAG_MISMATCH; InvalidArgument with the path below `organizer`."""
    return await organizers.update(
        name, lambda organizer: organizer.edit(edit(organizer.profile), now), etag=etag, cause=cause
    )

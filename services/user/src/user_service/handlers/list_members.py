"""The members of an organizer, in order of joining."""

from collections.abc import Sequence
from datetime import datetime

from user_service.domain.domain_events import Member
from user_service.domain.ports import OrganizerRepository


async def list_members(
    organizers: OrganizerRepository, organizer: str, *, after: datetime | None, limit: int
) -> tuple[Sequence[Member], datetime | None]:
    """At most `limit` who joined after `after`, and the next `after`, None on the last page; NotFound."""
    members = (await organizers.get(organizer)).members
    left = [member for member in members if after is None or member.create_time > after]
    page = left[:limit]
    return page, page[-1].create_time if len(left) > limit else None

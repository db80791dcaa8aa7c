"""Make a draft."""

from datetime import datetime

from domain_kit.repository import Cause
from event_service.domain.details import EventDetails
from event_service.domain.event import Event, draft
from event_service.domain.ports import EventRepository


async def create_event(
    events: EventRepository, id: str, organizer: str, details: EventDetails, *, cause: Cause, now: datetime
) -> Event:
    """The stored draft; InvalidArgument EVENT_INVALID."""
    event, domain_events = draft(f"events/{id}", organizer, details, now)
    return await events.create(event, domain_events, cause=cause)

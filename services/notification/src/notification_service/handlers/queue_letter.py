"""Queue one message for one cause."""

from datetime import datetime

from domain_kit.repository import Cause
from notification_service.domain.letter import Letter
from notification_service.domain.notification import Notification, queued
from notification_service.domain.people import Person
from notification_service.domain.ports import Notifications


async def queue_letter(
    notifications: Notifications,
    person: Person,
    letter: Letter,
    *,
    event_id: str,
    resource: str,
    cause: Cause,
    now: datetime,
) -> Notification:
    """The notification that domain event `event_id` causes; the first one when the cause comes again."""
    origin = (cause.correlation_id, cause.traceparent)
    notification, domain_events = queued(person.name, person.email, event_id, resource, letter, now, origin)
    return await notifications.create(notification, domain_events, cause=cause)

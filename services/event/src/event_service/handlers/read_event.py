"""Read an event as far as the reader may."""

from collections.abc import Callable

from domain_kit.refusals import NotFound
from event_service.domain.event import Event, State
from event_service.domain.ports import EventRepository

PUBLIC = (State.PUBLISHED, State.CANCELLED)


async def read_event(events: EventRepository, name: str, is_insider: Callable[[str], bool]) -> Event:
    """The event; NotFound for one that is not public unless `is_insider(organizer)`.

    A cancelled event stays visible only if the public had seen it.
    """
    event = await events.get(name)
    seen = event.state in PUBLIC and event.publish_time is not None
    if not seen and not is_insider(event.organizer):
        raise NotFound.named(name)
    return event

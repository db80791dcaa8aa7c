"""When an event takes place that does so several times."""

from dataclasses import dataclass
from datetime import datetime

from event_service.domain.problems import Problems, window_problems


@dataclass(frozen=True, slots=True)
class EventDate:
    """One occurrence, in UTC. `id` is unique in the event; `revision` counts its changes."""

    id: str
    start_time: datetime | None
    end_time: datetime | None
    display_name: str = ""
    cancelled: bool = False
    revision: int = 1


def event_date_problems(date: EventDate) -> Problems:
    """What is wrong with a date."""
    if date.start_time is None:
        yield "start_time", "is required."
    if date.end_time is None:
        yield "end_time", "is required."
    yield from window_problems(date.start_time, date.end_time, "")

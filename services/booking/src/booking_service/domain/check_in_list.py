"""A list of whom to admit: a door, a day, a lounge. Its rules are data."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from booking_service.domain.memory import Memory
from booking_service.domain.offer import Offer
from domain_kit.refusals import FieldViolation, InvalidArgument
from domain_kit.trails import BEGINNING, Trail


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """From `start` until before `end`; None: without that limit."""

    start: datetime | None = None
    end: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Whether the moment lies in it."""
        return (self.start is None or self.start <= at) and (self.end is None or at < self.end)


@dataclass(frozen=True, slots=True)
class ListRules:
    """Whom a list admits. Nothing named: all ticket types, dates, gates; no window: until event or date ends.

    admissions: how many people a ticket admits. reentry: whoever was checked out may enter again.
    """

    display_name: str
    ticket_types: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    windows: tuple[TimeWindow, ...] = ()
    gates: tuple[str, ...] = ()
    reentry: bool = False
    admissions: int = 1


# What holds where no list is named: every ticket of the event, once.
NO_LIST = ListRules("")


@dataclass(frozen=True, slots=True)
class CheckInList:
    """An aggregate. name: `events/{event}/checkInLists/{check_in_list}`. removed: it admits nobody, nor is it shown."""

    name: str
    rules: ListRules
    create_time: datetime
    update_time: datetime
    removed: bool = False
    version: int = 0
    trail: Trail = BEGINNING
    memory: ClassVar[Memory] = Memory.NONE

    @property
    def event(self) -> str:
        """The event's resource name."""
        return self.name.partition("/checkInLists/")[0]


def check_rules(rules: ListRules, offer: Offer) -> None:
    """InvalidArgument FIELD_INVALID, TICKET_TYPE_UNKNOWN, DATE_UNKNOWN, WINDOW_INVALID with the fields."""
    if not rules.display_name:
        raise _wrong("FIELD_INVALID", "display_name", "must not be empty.")
    dates = {each.name for each in offer.dates}
    for number, kind in enumerate(rules.ticket_types):
        if offer.find_ticket_type(kind) is None:
            raise _wrong("TICKET_TYPE_UNKNOWN", f"ticket_types[{number}]", "is not sold by this event.")
    for number, date in enumerate(rules.dates):
        if date not in dates:
            raise _wrong("DATE_UNKNOWN", f"dates[{number}]", "is no date of this event.")
    for number, window in enumerate(rules.windows):
        if window.start is not None and window.end is not None and window.start >= window.end:
            raise _wrong("WINDOW_INVALID", f"windows[{number}].end_time", "must be after start_time.")


def _wrong(reason: str, path: str, description: str) -> InvalidArgument:
    field = f"check_in_list.{path}"
    return InvalidArgument(reason, f"{field}: {description}", violations=[FieldViolation(field, description)])

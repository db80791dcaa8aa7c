"""A calendar entry (RFC 5545) that says when and where, and later that it moved or was called off (RFC 5546)."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from icalendar import Calendar, Event, vCalAddress

from ticket_documents.content import Occasion


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to attend. sequence: grows with each change of the same entry (RFC 5545, 3.8.7.4)."""

    occasion: Occasion
    uid: str
    sequence: int = 0
    called_off: bool = False


def uid_of(booking: str, date: str = "") -> str:
    """UID of the entry of a booking, the same in a mail and from the API: its ULID, unique anywhere (RFC 7986, 5.3).

    date: resource name, where the event is a series.
    """
    return "-".join(name.rpartition("/")[2] for name in (booking, date) if name)


def method_of(entries: Sequence[Entry]) -> str:
    """What the reader's calendar is to do: CANCEL when nothing is left to attend, else PUBLISH."""
    return "CANCEL" if all(each.called_off for each in entries) else "PUBLISH"


def calendar_of(entries: Sequence[Entry], *, stamp: datetime, organizer_uri: str = "") -> bytes:
    """An iCalendar object. Times are in UTC, which every reader shows in its own zone.

    organizer_uri: who publishes; RFC 5546 asks for one.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//Usher//tickets//EN")
    calendar.add("version", "2.0")
    calendar.add("method", method_of(entries))
    for each in entries:
        calendar.add_component(_component(each, stamp, organizer_uri))
    return bytes(calendar.to_ical())


def _component(entry: Entry, stamp: datetime, organizer_uri: str) -> Event:
    occasion, component = entry.occasion, Event()
    component.add("uid", entry.uid)
    component.add("dtstamp", stamp)
    component.add("sequence", entry.sequence)
    component.add("dtstart", occasion.start_time)
    component.add("dtend", occasion.end_time)
    component.add("summary", _plain(occasion.title))
    component.add("status", "CANCELLED" if entry.called_off else "CONFIRMED")
    if occasion.place:
        component.add("location", _plain(occasion.place))
    if occasion.location is not None:
        component.add("geo", occasion.location)
    if occasion.homepage_uri:
        component.add("url", occasion.homepage_uri)
    if organizer_uri:
        component.add("organizer", vCalAddress(organizer_uri))
    return component


def _plain(text: str) -> str:
    """Without the control characters that RFC 5545, 3.1 has no way to write."""
    return "".join(each for each in text if unicodedata.category(each) not in {"Cc", "Cs"} or each == "\n")

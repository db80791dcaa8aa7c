"""A calendar entry (RFC 5545) that says when and where, and later that it moved or was called off (RFC 5546)."""

from datetime import datetime
from enum import Enum

from icalendar import Calendar, Event, vCalAddress

from ticket_documents.content import Occasion


class Method(Enum):
    """What the reader's calendar is to do."""

    PUBLISH = "PUBLISH"
    CANCEL = "CANCEL"


def uid_of(booking: str) -> str:
    """UID of the entry of a booking, the same in a mail and from the API: its ULID, unique anywhere (RFC 7986, 5.3)."""
    return booking.rpartition("/")[2]


def calendar_entry(
    occasion: Occasion,
    *,
    uid: str,
    stamp: datetime,
    method: Method = Method.PUBLISH,
    sequence: int = 0,
    organizer_uri: str = "",
) -> bytes:
    """An iCalendar object with one entry. Times are in UTC, which every reader shows in its own zone.

    sequence: grows with each change of the same entry. organizer_uri: who publishes; RFC 5546 asks for one.
    """
    entry = Event()
    entry.add("uid", uid)
    entry.add("dtstamp", stamp)
    entry.add("sequence", sequence)
    entry.add("dtstart", occasion.start_time)
    entry.add("dtend", occasion.end_time)
    entry.add("summary", _plain(occasion.title))
    entry.add("status", "CANCELLED" if method is Method.CANCEL else "CONFIRMED")
    if occasion.place:
        entry.add("location", _plain(occasion.place))
    if occasion.location is not None:
        entry.add("geo", occasion.location)
    if occasion.homepage_uri:
        entry.add("url", occasion.homepage_uri)
    if organizer_uri:
        entry.add("organizer", vCalAddress(organizer_uri))
    calendar = Calendar()
    calendar.add("prodid", "-//Usher//tickets//EN")
    calendar.add("version", "2.0")
    calendar.add("method", method.value)
    calendar.add_component(entry)
    return bytes(calendar.to_ical())


def _plain(text: str) -> str:
    """Without the control characters that RFC 5545, 3.1 has no way to write."""
    return "".join(each for each in text if each.isprintable() or each == "\n")

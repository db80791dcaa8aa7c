"""What goes with a mail: QR codes of tickets and a calendar entry."""

import io
from datetime import datetime

import segno
from icalendar import Calendar, Event

from notification_service.domain.letter import Occasion


def qr_png(code: str) -> bytes:
    """A QR code as PNG, with the quiet zone ISO/IEC 18004 asks for."""
    image = io.BytesIO()
    segno.make(code, error="m").save(image, kind="png", scale=6, border=4)
    return image.getvalue()


def calendar_entry(occasion: Occasion, uid: str, stamp: datetime) -> bytes:
    """An iCalendar object (RFC 5545) with one entry; `uid` stays the same when it is sent again."""
    entry = Event()
    entry.add("uid", uid)
    entry.add("dtstamp", stamp)
    entry.add("dtstart", occasion.start_time)
    entry.add("dtend", occasion.end_time)
    entry.add("summary", occasion.title)
    if occasion.place:
        entry.add("location", occasion.place)
    if occasion.homepage_uri:
        entry.add("url", occasion.homepage_uri)
    calendar = Calendar()
    calendar.add("prodid", "-//Usher//notification//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(entry)
    return bytes(calendar.to_ical())

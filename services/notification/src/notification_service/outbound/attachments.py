"""What goes with a mail: QR codes of tickets and a calendar entry."""

import re
from datetime import UTC, datetime
from functools import lru_cache

from notification_service.domain.letter import Occasion
from ticket_documents import content, qr_codes
from ticket_documents.calendar_entry import Entry, calendar_of, uid_of

# What differs between the entries of an event, as it stands in the one they are made from.
_ANY_UID, _ANY_STAMP = "0" * 26, datetime(2000, 1, 1, tzinfo=UTC)
_ULID = re.compile("[0-9a-z]{26}")


def qr_png(code: str) -> bytes:
    """A QR code as PNG, small enough for a mail."""
    return qr_codes.png(code, scale=6)


def calendar_entry(occasion: Occasion, booking: str, stamp: datetime) -> bytes:
    """An iCalendar object with one entry; what the booking service gives for the same booking takes its place."""
    uid = uid_of(booking)
    if not _ULID.fullmatch(uid):
        return _entry(occasion, uid, stamp)
    made = _entry_of_any_booking(occasion)
    made = made.replace(_line("UID", _ANY_UID), _line("UID", uid), 1)
    return made.replace(_line("DTSTAMP", _instant(_ANY_STAMP)), _line("DTSTAMP", _instant(stamp)), 1)


@lru_cache(maxsize=64)
def _entry_of_any_booking(occasion: Occasion) -> bytes:
    return _entry(occasion, _ANY_UID, _ANY_STAMP)


def _entry(occasion: Occasion, uid: str, stamp: datetime) -> bytes:
    told = content.Occasion(
        event=occasion.event,
        title=occasion.title,
        start_time=occasion.start_time,
        end_time=occasion.end_time,
        time_zone=occasion.time_zone,
        venue=occasion.place,
        homepage_uri=occasion.homepage_uri,
    )
    return calendar_of([Entry(told, uid)], stamp=stamp)


def _line(name: str, value: str) -> bytes:
    """A whole line, which no text of an occasion can be: its line breaks are written as two characters."""
    return f"\r\n{name}:{value}\r\n".encode()


def _instant(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")

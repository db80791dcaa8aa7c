"""What goes with a mail: QR codes of tickets and a calendar entry."""

from datetime import datetime

from notification_service.domain.letter import Occasion
from ticket_documents import content, qr_codes
from ticket_documents.calendar_entry import Entry, calendar_of, uid_of


def qr_png(code: str) -> bytes:
    """A QR code as PNG, small enough for a mail."""
    return qr_codes.png(code, scale=6)


def calendar_entry(occasion: Occasion, booking: str, stamp: datetime) -> bytes:
    """An iCalendar object with one entry; what the booking service gives for the same booking takes its place."""
    told = content.Occasion(
        event=occasion.event,
        title=occasion.title,
        start_time=occasion.start_time,
        end_time=occasion.end_time,
        time_zone=occasion.time_zone,
        venue=occasion.place,
        homepage_uri=occasion.homepage_uri,
    )
    return calendar_of([Entry(told, uid_of(booking))], stamp=stamp)

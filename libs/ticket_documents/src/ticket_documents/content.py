"""What a ticket document tells, before it is drawn, packed or signed."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Occasion:
    """The event that is attended.

    event: resource name of the event, or of its date in a series. Instants carry a zone; `time_zone` is the IANA name
    of the place's. address: one line.
    location: WGS 84 latitude and longitude.
    """

    event: str
    title: str
    start_time: datetime
    end_time: datetime
    time_zone: str
    venue: str = ""
    address: str = ""
    location: tuple[float, float] | None = None
    homepage_uri: str = ""

    @property
    def place(self) -> str:
        """Venue and address in one line, empty without both."""
        return ", ".join(part for part in (self.venue, self.address) if part)


@dataclass(frozen=True, slots=True)
class Admission:
    """One ticket. name: resource name. code: what its QR code says. display_name: of its type."""

    name: str
    code: str
    display_name: str
    attendee: str = ""
    seat: str = ""

    @property
    def id(self) -> str:
        """Last part of the name."""
        return self.name.rpartition("/")[2]

    @property
    def booking_number(self) -> str:
        """Id of its booking in capitals, as it is read aloud; empty for a name without booking."""
        parts = self.name.split("/")
        return parts[3].upper() if len(parts) > 3 else ""

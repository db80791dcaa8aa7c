"""Local days, computed with the organizer's zone and never by an engine, so 23- and 25-hour days come out right."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain_kit.refusals import Unavailable


@dataclass(frozen=True, slots=True)
class OrganizerZone:
    """The IANA zone in which an organizer's days are counted, as of its domain event number `version`."""

    organizer: str
    version: int
    name: str

    def local(self, instant: datetime) -> datetime:
        """The instant on the organizer's clock. Unavailable TIME_ZONE_UNKNOWN where this machine's table is too old."""
        try:
            return instant.astimezone(ZoneInfo(self.name))
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise Unavailable("TIME_ZONE_UNKNOWN", f"Time zone {self.name!r} is not known here.") from None

    def day(self, instant: datetime) -> date:
        """The organizer's day of an instant."""
        return self.local(instant).date()

"""Dates and times for readers, always in the zone of the place they speak of."""

from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import dates

from localization.locales import locale_of


def format_date(instant: datetime, zone: str, locale: str) -> str:
    """The day with its weekday: "Friday, March 6, 2026". `zone` is an IANA name; `instant` must carry its own zone."""
    return _day(_local(instant, zone).date(), locale)


def format_time(instant: datetime, zone: str, locale: str) -> str:
    """The time of day without seconds: "6:30 PM"."""
    return dates.format_time(_local(instant, zone), format="short", locale=locale_of(locale))


def format_moment(instant: datetime, zone: str, locale: str) -> str:
    """Day, time and how the zone is called at that instant: "Friday, March 6, 2026, 6:30 PM (CET)"."""
    return f"{_joined(instant, zone, locale, format_time(instant, zone, locale))} ({_zone(instant, zone, locale)})"


def format_period(start: datetime, end: datetime, zone: str, locale: str) -> str:
    """From … to …, the day once when both lie on it."""
    if _local(start, zone).date() != _local(end, zone).date():
        return f"{format_moment(start, zone, locale)} – {format_moment(end, zone, locale)}"
    times = f"{format_time(start, zone, locale)} – {format_time(end, zone, locale)}"
    return f"{_joined(start, zone, locale, times)} ({_zone(end, zone, locale)})"


@lru_cache(maxsize=128)  # most is told of a few days
def _day(day: date, locale: str) -> str:
    return str(dates.format_date(day, format="full", locale=locale_of(locale)))


def _local(instant: datetime, zone: str) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("An instant without a zone cannot be placed in one.")
    return instant.astimezone(ZoneInfo(zone))


def _joined(instant: datetime, zone: str, locale: str, time: str) -> str:
    pattern = str(dates.get_datetime_format("medium", locale=locale_of(locale)))
    return pattern.replace("'", "").format(time, format_date(instant, zone, locale))


def _zone(instant: datetime, zone: str, locale: str) -> str:
    local, data = _local(instant, zone), locale_of(locale)
    name = dates.get_timezone_name(local, width="short", locale=data)
    # Where a locale has no short name for a zone, an offset that says what it counts from.
    return dates.get_timezone_gmt(local, width="long", locale=data) if name[0] in "+-" else name

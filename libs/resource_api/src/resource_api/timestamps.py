"""Instants as google.protobuf.Timestamp and back."""

from datetime import UTC, datetime, timedelta
from typing import overload

from google.protobuf.timestamp_pb2 import Timestamp

from domain_kit.refusals import InvalidArgument

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# A day inside what datetime can hold, so that an instant can be told in every time zone.
_FIRST = datetime.min.replace(tzinfo=UTC) + timedelta(days=1)
_LAST = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)


@overload
def time_to_wire(instant: datetime) -> Timestamp: ...
@overload
def time_to_wire(instant: None) -> None: ...
def time_to_wire(instant: datetime | None) -> Timestamp | None:
    """The message, None for None. ValueError for a datetime without zone: local times are not instants."""
    if instant is None:
        return None
    if instant.tzinfo is None:
        raise ValueError("an instant needs a zone")
    since = instant - _EPOCH  # Timestamp.FromDatetime takes four times as long, and an answer has many of them
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1000)


def time_from_wire(message: Timestamp, *, field: str = "") -> datetime | None:
    """The instant in UTC, cut to milliseconds as BSON keeps them; None when the field is not set.

    An unset submessage and 1970-01-01T00:00:00Z read the same, so no fact of ours may use that instant. InvalidArgument
    TIME_OUT_OF_RANGE outside years 1 to 9999, and within a day of their ends, where some zones have no local time.
    """
    if not message.seconds and not message.nanos:
        return None
    try:
        instant = message.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise _out_of_range(field) from None
    if not _FIRST <= instant <= _LAST:
        raise _out_of_range(field)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def _out_of_range(field: str) -> InvalidArgument:
    return InvalidArgument.of(field or "time", "must lie in years 1 to 9999.", reason="TIME_OUT_OF_RANGE")

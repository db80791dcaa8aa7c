"""What place and turn tokens say and how they are packed; the keys are told by whoever has them.

Base64url without padding of: kind (1 byte: 1 place, 2 turn), key number (4), content, HMAC-SHA256 (32; RFC 2104). The
HMAC covers event and user too, which the token need not repeat: both are known wherever it is shown.
"""

import base64
import binascii
import hmac
import struct
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from booking_service.domain.waiting_room import Pace, Place, Turn
from domain_kit.refusals import InvalidArgument

_HEAD = struct.Struct(">BI")
_PLACE = struct.Struct(">BIqqqqqII")  # number, joined, since, before, passed, per minute, tuned
_TURN = struct.Struct(">BIqq")  # number, expires
_MAC = 32
_KIND_PLACE, _KIND_TURN = 1, 2
_EPOCH, _MILLISECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)


def pack_place(place: Place, number: int, key: bytes) -> str:
    """The token of a place under key `number`."""
    pace = place.pace
    body = _PLACE.pack(
        _KIND_PLACE, number, place.number, _to_ms(place.joined), _to_ms(pace.since), pace.before, pace.passed,
        pace.per_minute, place.tuned,
    )  # fmt: skip
    return _encode(body + _mac(body, place.event, place.user, key))


def pack_turn(turn: Turn, number: int, key: bytes) -> str:
    """The token of a turn under key `number`."""
    body = _TURN.pack(_KIND_TURN, number, turn.number, _to_ms(turn.expires))
    return _encode(body + _mac(body, turn.event, turn.user, key))


def unpack_place(token: str, event: str, user: str, keys: Mapping[int, bytes]) -> Place:
    """The place of this user in this event. InvalidArgument PLACE_TOKEN_INVALID."""
    body = _open(token, _KIND_PLACE, _PLACE.size, event, user, keys)
    if body is None:
        raise InvalidArgument.of("place_token", "is not your place in this event.", reason="PLACE_TOKEN_INVALID")
    _, _, number, joined, since, before, passed, per_minute, tuned = _PLACE.unpack(body)
    return Place(event, user, number, _from_ms(joined), Pace(_from_ms(since), before, passed, per_minute), tuned)


def unpack_turn(token: str, event: str, user: str, keys: Mapping[int, bytes]) -> Turn:
    """The turn of this user in this event, expired or not. InvalidArgument TURN_TOKEN_INVALID."""
    body = _open(token, _KIND_TURN, _TURN.size, event, user, keys)
    if body is None:
        raise InvalidArgument.of("turn_token", "is not your turn in this event.", reason="TURN_TOKEN_INVALID")
    _, _, number, expires = _TURN.unpack(body)
    return Turn(event, user, number, _from_ms(expires))


def key_number_of(token: str) -> int | None:
    """Under which key it claims to be; None for what is no token."""
    raw = _decode(token)
    if raw is None or len(raw) < _HEAD.size:
        return None
    number: int = _HEAD.unpack_from(raw)[1]
    return number


def _open(token: str, kind: int, size: int, event: str, user: str, keys: Mapping[int, bytes]) -> bytes | None:
    raw = _decode(token)
    if raw is None or len(raw) != size + _MAC or raw[0] != kind:
        return None
    body, key = raw[:size], keys.get(_HEAD.unpack_from(raw)[1])
    if key is None or not hmac.compare_digest(raw[size:], _mac(body, event, user, key)):
        return None
    return body


def _mac(body: bytes, event: str, user: str, key: bytes) -> bytes:
    return hmac.digest(key, b"\0".join([body, event.encode(), user.encode()]), "sha256")


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(token: str) -> bytes | None:
    """None for any other way to write the same bytes, too."""
    try:
        raw = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None
    return raw if _encode(raw) == token else None


def _to_ms(instant: datetime) -> int:
    return (instant - _EPOCH) // _MILLISECOND


def _from_ms(milliseconds: int) -> datetime:
    return _EPOCH + milliseconds * _MILLISECOND

"""What a ticket code says and how it is packed; who signed it is told by whoever holds the keys.

Version 1, base64url without padding of 117 bytes: version (1), key number (4), event, booking and ticket ids as ULIDs
of 16 bytes each, Ed25519 signature (64, RFC 8032) over all before it. 117 is a multiple of 3: every character counts.
"""

import base64
import binascii
from dataclasses import dataclass

from domain_kit.refusals import InvalidArgument

VERSION = 1
_BODY, _SIGNATURE = 1 + 4 + 3 * 16, 64
_LENGTH = (_BODY + _SIGNATURE) // 3 * 4
_CROCKFORD, _PYTHON = "0123456789abcdefghjkmnpqrstvwxyz", "0123456789abcdefghijklmnopqrstuv"
_TO_PYTHON, _TO_CROCKFORD = str.maketrans(_CROCKFORD, _PYTHON), str.maketrans(_PYTHON, _CROCKFORD)


@dataclass(frozen=True, slots=True)
class TicketCode:
    """What a code claims, by id: which key signed it, and which ticket of which booking of which event it is."""

    key: int
    event: str
    booking: str
    ticket: str

    @property
    def event_name(self) -> str:
        """`events/{event}`."""
        return f"events/{self.event}"

    @property
    def booking_name(self) -> str:
        """`events/{event}/bookings/{booking}`."""
        return f"{self.event_name}/bookings/{self.booking}"

    @property
    def ticket_name(self) -> str:
        """`events/{event}/bookings/{booking}/tickets/{ticket}`."""
        return f"{self.booking_name}/tickets/{self.ticket}"

    def body(self) -> bytes:
        """The bytes that are signed. ValueError when an id is no ULID."""
        ids = b"".join(_pack_id(each) for each in (self.event, self.booking, self.ticket))
        return bytes([VERSION]) + self.key.to_bytes(4, "big") + ids


def pack(body: bytes, signature: bytes) -> str:
    """The code as a QR image says it."""
    return base64.urlsafe_b64encode(body + signature).decode()


def unpack(code: str) -> tuple[TicketCode, bytes, bytes]:
    """What it claims, the signed bytes, the signature. InvalidArgument TICKET_CODE_INVALID for what is no code."""
    try:
        if len(code) != _LENGTH:
            raise ValueError("length")
        raw = base64.b64decode(code.encode("ascii"), altchars=b"-_", validate=True)
        if len(raw) != _BODY + _SIGNATURE or raw[0] != VERSION or pack(raw, b"") != code:
            raise ValueError("form")
    except (ValueError, binascii.Error):
        raise invalid_code() from None
    body, signature = raw[:_BODY], raw[_BODY:]
    event, booking, ticket = (_unpack_id(body[start : start + 16]) for start in (5, 21, 37))
    return TicketCode(int.from_bytes(body[1:5], "big"), event, booking, ticket), body, signature


def invalid_code() -> InvalidArgument:
    """The one refusal for forged, foreign and unreadable codes."""
    return InvalidArgument.of("code", "is not the code of a ticket of this event.", reason="TICKET_CODE_INVALID")


def _pack_id(ulid: str) -> bytes:
    if len(ulid) != 26 or not set(ulid) <= set(_CROCKFORD):
        raise ValueError(f"{ulid!r} is not a ULID")
    try:
        return int(ulid.translate(_TO_PYTHON), 32).to_bytes(16, "big")
    except OverflowError:
        raise ValueError(f"{ulid!r} is not a ULID") from None


def _unpack_id(packed: bytes) -> str:
    number, digits = int.from_bytes(packed, "big"), ""
    for _ in range(26):
        number, digit = divmod(number, 32)
        digits = _PYTHON[digit] + digits
    return digits.translate(_TO_CROCKFORD)

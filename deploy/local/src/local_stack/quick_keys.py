"""Keys of the embedded database, made as its own code makes them but with a few calls instead of byte by byte.

WiredTiger's Python binding reads the format of a table anew for each key and value, character by character, which was
a sixth of the database's CPU; SecantusDB turns the bytes of what sorts downwards one at a time.
"""

import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

INVERTED = bytes(255 - byte for byte in range(256))
"""Each byte's complement, for `bytes.translate`."""
_ONE, _TWO, _MOST = 1 << 6, 1 << 13 | 1 << 6, 1 << 63  # below these WiredTiger packs a number into 1, 2, up to 9 bytes
_ONE_BYTE, _TWO_BYTES, _MULTI = 0x80, 0xC0, 0xE0  # its marks; the last has the number of bytes in its lower half


def packs_quickly(packs: Callable[..., bytes]) -> Callable[..., bytes]:
    """`wiredtiger.packing.pack`, for the formats of SecantusDB's large tables and values of the usual kind; for others
    it is asked itself.
    """

    def quick(layout: str, *values: Any) -> bytes:
        known = _KNOWN.get((layout, *map(type, values)))
        if known is None or (layout[-1] == "q" and not 0 <= values[-1] < _MOST):
            return packs(layout, *values)
        return known(*values)

    return quick


def unpacks_quickly(unpacks: Callable[..., Any]) -> Callable[..., Any]:
    """`wiredtiger.packing.unpack`, for the formats of what those tables hold."""

    def quick(layout: str, packed: Any) -> Any:
        if type(packed) is bytes:
            if layout == "u":
                return [packed]
            if layout == "q" and (number := _number_of(packed)) is not None:
                return [number]
        return unpacks(layout, packed)

    return quick


@lru_cache(512)
def _text(value: str) -> bytes:
    """To its first NUL, which ends it. Names of databases, collections and indexes, the same ones again and again."""
    return value.partition("\0")[0].encode() + b"\0"


def _number(value: int) -> bytes:
    if value < _ONE:
        return bytes((_ONE_BYTE | value,))
    if value < _TWO:
        return (_TWO_BYTES << 8 | value - _ONE).to_bytes(2)
    above = value - _TWO
    size = (above.bit_length() + 7) >> 3 or 1
    return bytes((_MULTI | size,)) + above.to_bytes(size)


def _number_of(packed: bytes) -> int | None:
    """What `_number` makes such bytes of; None where they are of another kind."""
    size = len(packed) - 1
    if size > 1 and packed[0] == _MULTI | size:
        return int.from_bytes(packed[1:]) + _TWO
    if size == 1 and _TWO_BYTES <= packed[0] < _MULTI:
        return (packed[0] - _TWO_BYTES << 8 | packed[1]) + _ONE
    return packed[0] - _ONE_BYTE if size == 0 and _ONE_BYTE <= packed[0] < _TWO_BYTES else None


_KNOWN: Mapping[tuple[str | type, ...], Callable[..., bytes]] = {
    ("u", bytes): lambda blob: blob,
    ("q", int): _number,
    ("SS", str, str): lambda one, other: _text(one) + _text(other),
    ("SSS", str, str, str): lambda one, other, third: _text(one) + _text(other) + _text(third),
    ("SSu", str, str, bytes): lambda one, other, blob: _text(one) + _text(other) + blob,
    ("SSq", str, str, int): lambda one, other, number: _text(one) + _text(other) + _number(number),
    ("SSSu", str, str, str, bytes): lambda one, other, third, blob: _text(one) + _text(other) + _text(third) + blob,
}


def make_keys_quickly(cursor: type[Any], sortkey: Any) -> None:
    """Teach WiredTiger's cursors and SecantusDB's keys to; AttributeError where they have not what this relies on."""
    turns = sortkey.invert_bytes
    if turns(b"\x00\x0f") != b"\xff\xf0":
        raise AttributeError("SecantusDB turns bytes in another way")
    sortkey.invert_bytes = lambda key: key.translate(INVERTED)
    binding = sys.modules[cursor.__module__]  # the package `wiredtiger` holds copies of its names
    binding.pack = packs_quickly(binding.pack)  # type: ignore[attr-defined]  # it has no types
    binding.unpack = unpacks_quickly(binding.unpack)  # type: ignore[attr-defined]  # as above

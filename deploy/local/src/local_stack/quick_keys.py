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
_SMALL = 1 << 13 | 1 << 6  # what WiredTiger packs into fewer bytes, by other rules
_MULTI = 0xE0  # its mark of a positive number with as many bytes as the lower half says


def packs_quickly(packs: Callable[..., bytes]) -> Callable[..., bytes]:
    """`wiredtiger.packing.pack`, for the formats of SecantusDB's large tables; for others it is asked itself."""

    def quick(layout: str, *values: Any) -> bytes:
        known = _KNOWN.get(layout)
        return packs(layout, *values) if known is None or not _fits(layout, values) else known(*values)

    return quick


def _fits(layout: str, values: tuple[Any, ...]) -> bool:
    """Whether the values are of the usual kind; what the binding makes of others is left to it."""
    if len(values) != len(layout) or any(type(each) is not str for each in values[:-1]):
        return False
    last, kind = values[-1], layout[-1]
    if kind == "u":
        return type(last) is bytes
    return kind != "q" or (type(last) is int and _SMALL < last < 1 << 63)


@lru_cache(512)
def _text(value: str) -> bytes:
    """To its first NUL, which ends it. Names of databases, collections and indexes, the same ones again and again."""
    return value.partition("\0")[0].encode() + b"\0"


def _number(value: int) -> bytes:
    above = value - _SMALL
    size = (above.bit_length() + 7) >> 3
    return bytes((_MULTI | size,)) + above.to_bytes(size)


_KNOWN: Mapping[str, Callable[..., bytes]] = {
    "u": lambda blob: blob,
    "q": _number,
    "SSu": lambda one, other, blob: _text(one) + _text(other) + blob,
    "SSq": lambda one, other, number: _text(one) + _text(other) + _number(number),
    "SSSu": lambda one, other, third, blob: _text(one) + _text(other) + _text(third) + blob,
}


def make_keys_quickly(cursor: type[Any], sortkey: Any) -> None:
    """Teach WiredTiger's cursors and SecantusDB's keys to; AttributeError where they have not what this relies on."""
    turns = sortkey.invert_bytes
    if turns(b"\x00\x0f") != b"\xff\xf0":
        raise AttributeError("SecantusDB turns bytes in another way")
    sortkey.invert_bytes = lambda key: key.translate(INVERTED)
    binding = sys.modules[cursor.__module__]  # the package `wiredtiger` holds copies of its names
    binding.pack = packs_quickly(binding.pack)  # type: ignore[attr-defined]  # it has no types

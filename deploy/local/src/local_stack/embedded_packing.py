"""Keys and values between Python and WiredTiger, and copies of documents, quicker; what comes of it is the same.

WiredTiger's own module goes through a format character by character with each key that is looked up, and Python's
`deepcopy` keeps account of what it has met, which a document that came over the wire or from disk has no need of.
"""

import copy
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from types import NoneType, SimpleNamespace
from typing import Any

import wiredtiger.swig_wiredtiger as binding
from secantus import update
from wiredtiger.intpacking import pack_int, unpack_int

# Strings that end with a zero byte, and then bytes, a number or nothing. Whatever else is left to WiredTiger's module.
STRINGS = {each: each.count("S") for each in ("S", "SS", "SSS", "SSu", "SSSu", "SSq", "SSSq", "Su", "u", "q")}
_IMMUTABLE = frozenset({str, int, float, bool, NoneType, bytes, datetime})

Packing = Callable[..., Any]


@lru_cache(maxsize=4096)
def _prefix(*texts: str) -> bytes | None:
    """None where a text cannot be told from two."""
    return None if any("\0" in text for text in texts) else b"".join(text.encode() + b"\0" for text in texts)


def quick_pack(pack: Packing) -> Packing:
    """The same as `pack`, wiredtiger.packing.pack."""

    def packed(fmt: str, *values: Any) -> Any:
        count = STRINGS.get(fmt)
        if count is None or len(values) != len(fmt) or any(type(text) is not str for text in values[:count]):
            return pack(fmt, *values)
        prefix = _prefix(*values[:count])
        if prefix is None:
            return pack(fmt, *values)
        if fmt[-1] == "S":
            return prefix
        last = values[-1]
        if fmt[-1] == "q":
            return prefix + pack_int(last)
        return prefix + last if type(last) is bytes else pack(fmt, *values)

    return packed


def quick_unpack(unpack: Packing) -> Packing:
    """The same as `unpack`, wiredtiger.packing.unpack."""

    def unpacked(fmt: str, stored: Any) -> Any:
        count = STRINGS.get(fmt)
        if count is None or type(stored) is not bytes:
            return unpack(fmt, stored)
        *texts, rest = stored.split(b"\0", count)
        if len(texts) != count:
            return unpack(fmt, stored)
        told: list[Any] = [text.decode() for text in texts]
        if fmt[-1] == "q":
            told.append(unpack_int(rest)[0])
        elif fmt[-1] == "u":
            told.append(rest)
        return told

    return unpacked


def copied(value: Any) -> Any:
    """As copy.deepcopy, of what is a tree."""
    kind = type(value)
    if kind is dict:
        return {key: copied(each) for key, each in value.items()}
    if kind is list:
        return [copied(each) for each in value]
    return value if kind in _IMMUTABLE else copy.deepcopy(value)


def pack_and_copy_quickly() -> None:
    """Teach this process to; AttributeError where the parts that this relies on are missing."""
    binding.pack, binding.unpack = quick_pack(binding.pack), quick_unpack(binding.unpack)
    if update.copy is not copy:
        raise AttributeError("secantus.update copies documents in another way by now")
    update.copy = SimpleNamespace(deepcopy=copied)

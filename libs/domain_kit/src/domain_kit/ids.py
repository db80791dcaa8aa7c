"""New resource ids: ULIDs in lower case, sortable by creation time."""

import os
import time

RANDOM_BITS = 80
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32
_PAIRS = [high + low for high in _LETTERS for low in _LETTERS]
_PLACES = range(120, -1, -10)  # of pairs of letters


def new_id() -> str:
    """26 characters of Crockford base 32 in lower case (the ULID specification; AIP-122 wants lower case)."""
    return ulid_text(time.time_ns() // 1_000_000 << RANDOM_BITS | random_part())


def random_part() -> int:
    """The lower 80 bits of a new one."""
    return int.from_bytes(os.urandom(RANDOM_BITS // 8), "big")


def ulid_text(value: int) -> str:
    """A ULID of 128 bits as text. Every domain event, row and request has one, so no library stands between."""
    return "".join([_PAIRS[value >> place & 1023] for place in _PLACES])

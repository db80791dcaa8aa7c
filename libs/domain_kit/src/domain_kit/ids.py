"""New resource ids: ULIDs in lower case, sortable by creation time."""

import os
import threading
import time

_RANDOM_BITS = 80
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32
_PAIRS = [high + low for high in _LETTERS for low in _LETTERS]
_PLACES = range(120, -1, -10)  # of pairs of letters


class Ulids:
    """A source of ULIDs that only ever grow (the ULID specification, section monotonicity), also when the clock steps
    back; for all threads of a process.
    """

    def __init__(self) -> None:
        self._last, self._one = 0, threading.Lock()

    def next(self, milliseconds: int) -> str:
        """26 characters, greater than any given out before; the first 48 bits are that time since 1970, or later."""
        with self._one:
            if milliseconds > self._last >> _RANDOM_BITS:
                self._last = milliseconds << _RANDOM_BITS | int.from_bytes(os.urandom(_RANDOM_BITS // 8), "big")
            else:
                self._last += 1
            value = self._last
        return ulid_text(value)


_resources = Ulids()


def new_id() -> str:
    """26 characters of Crockford base 32 in lower case (the ULID specification; AIP-122 wants lower case)."""
    return _resources.next(time.time_ns() // 1_000_000)


def ulid_text(value: int) -> str:
    """A ULID of 128 bits as text. Every domain event, row and request has one, so no library stands between."""
    return "".join([_PAIRS[value >> place & 1023] for place in _PLACES])

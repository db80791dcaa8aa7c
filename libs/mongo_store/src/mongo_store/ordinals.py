"""ULIDs that only ever grow within a process, also when the clock steps back."""

import os
from datetime import datetime

from ulid import ULID

_RANDOM_BITS = 80


class Ordinals:
    """A source of increasing ULIDs (the ULID specification, section monotonicity), in lower case."""

    def __init__(self) -> None:
        self._last = 0

    def next(self, now: datetime) -> str:
        """26 characters, greater than any given out before; its first 48 bits are `now` in milliseconds, or later."""
        fresh = int(now.timestamp() * 1000) << _RANDOM_BITS | int.from_bytes(os.urandom(_RANDOM_BITS // 8), "big")
        same_millisecond = fresh >> _RANDOM_BITS <= self._last >> _RANDOM_BITS
        self._last = self._last + 1 if same_millisecond else fresh
        return str(ULID(self._last.to_bytes(16, "big"))).lower()

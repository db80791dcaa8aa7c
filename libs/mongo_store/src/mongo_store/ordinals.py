"""ULIDs that only ever grow within a process, also when the clock steps back."""

from datetime import datetime

from domain_kit.ids import RANDOM_BITS, random_part, ulid_text


class Ordinals:
    """A source of increasing ULIDs (the ULID specification, section monotonicity), in lower case."""

    def __init__(self) -> None:
        self._last = 0

    def next(self, now: datetime) -> str:
        """26 characters, greater than any given out before; its first 48 bits are `now` in milliseconds, or later."""
        fresh = int(now.timestamp() * 1000) << RANDOM_BITS | random_part()
        same_millisecond = fresh >> RANDOM_BITS <= self._last >> RANDOM_BITS
        self._last = self._last + 1 if same_millisecond else fresh
        return ulid_text(self._last)

"""ULIDs that only ever grow within a process, by a clock that is told."""

from datetime import datetime

from domain_kit.ids import Ulids


class Ordinals:
    """A source of them."""

    def __init__(self) -> None:
        self._ulids = Ulids()

    def next(self, now: datetime) -> str:
        """As Ulids.next."""
        return self._ulids.next(int(now.timestamp() * 1000))

"""How many came and went on each list of an event: what a gate's screen shows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from booking_service.domain.memory import Memory
from booking_service.domain.scans import ListCount, Scan

MOST_LATEST = 20


@dataclass(frozen=True, slots=True)
class Passage:
    """Somebody came or went."""

    ticket: str
    scan: Scan


@dataclass(frozen=True, slots=True)
class ListTally:
    """A tally of one list. list: its name, "" for check-ins without a list. latest: newest first. removed: with it.

    One record a list: all scans of one commit change it once.
    """

    name: str
    event: str
    list: str
    admitted: int = 0
    inside: int = 0
    exits: int = 0
    duplicates: int = 0
    latest: tuple[Passage, ...] = ()
    removed: bool = False
    version: int = 0
    memory: ClassVar[Memory] = Memory.OR_ABSENT

    def counting(
        self, before: ListCount, after: ListCount, passed: Sequence[Passage], gone: Sequence[Passage]
    ) -> "ListTally":
        """With what changed for one ticket: passages that count now, and those that do not any more."""
        kept = [each for each in self.latest if each not in gone]
        latest = sorted((*passed, *kept), key=lambda each: each.scan.order, reverse=True)
        return replace(
            self,
            admitted=self.admitted + after.admitted - before.admitted,
            inside=self.inside + after.inside - before.inside,
            exits=self.exits + after.exits - before.exits,
            duplicates=self.duplicates + after.duplicates - before.duplicates,
            latest=tuple(latest[:MOST_LATEST]),
        )


def tally_key(event: str, list_name: str) -> tuple[type[ListTally], str]:
    """Where the tally of a list is found."""
    return ListTally, f"{list_name or f'{event}/checkInLists/-'}/tally"


def new_tally(event: str, list_name: str) -> ListTally:
    """Nobody came yet."""
    return ListTally(tally_key(event, list_name)[1], event, list_name)

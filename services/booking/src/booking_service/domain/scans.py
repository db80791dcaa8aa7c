"""What a ticket went through at the gates, and which of its scans count: decided over the set of all of them.

Gates without a network report late, in any order and in parts. So nothing is decided by order of arrival: the scans of
a ticket on a list are put in order by time, device and sequence, and counted from the beginning whenever one is added.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import ClassVar

from booking_service.domain.check_in_list import ListRules
from booking_service.domain.memory import Memory
from domain_kit.refusals import FailedPrecondition

# Far more than anybody passes a gate; keeps one ticket's record small.
MOST_SCANS = 500


class Direction(Enum):
    """Which way somebody went."""

    ENTRY = "ENTRY"
    EXIT = "EXIT"


class Verdict(Enum):
    """What a recorded scan is."""

    ADMITTED = "ADMITTED"
    LEFT = "LEFT"
    DUPLICATE = "DUPLICATE"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class Scan:
    """Somebody passed a gate. time: by the scanner's clock. list: its name, "" for none.

    device, sequence: which scan it is; of one over the network `sequence` counts those of its ticket.
    """

    time: datetime
    device: str
    sequence: int
    direction: Direction = Direction.ENTRY
    gate: str = ""
    list: str = ""
    offline: bool = False

    def at(self, time: datetime) -> "Scan":
        """The same at another time."""
        return replace(self, time=time)

    @property
    def id(self) -> tuple[str, bool, int]:
        """What no two scans of one ticket share."""
        return self.device, self.offline, self.sequence

    @property
    def order(self) -> tuple[datetime, str, bool, int, str, str, str]:
        """INVARIANT: a total order over scans, whoever tells of them when."""
        return self.time, self.device, self.offline, self.sequence, self.direction.value, self.gate, self.list


@dataclass(frozen=True, slots=True)
class ListCount:
    """What the scans on one list ("": on none) came to when it was last looked at.

    admitted: people. entries: those and re-entries. last_entry, last_exit: of those that count.
    """

    list: str
    admitted: int = 0
    entries: int = 0
    exits: int = 0
    duplicates: int = 0
    last_entry: datetime | None = None
    last_exit: datetime | None = None

    @property
    def inside(self) -> int:
        """How many entered here and did not leave here."""
        return max(0, self.entries - self.exits)


@dataclass(frozen=True, slots=True)
class TicketScans:
    """A tally: all scans of one ticket, in order. name: `{ticket}/scans`.

    undone: scans that were taken back. reported: pairs of duplicates that were told. counts: by list. duplicated_on:
    the lists on which it let in too many.
    """

    name: str
    scans: tuple[Scan, ...] = ()
    undone: tuple[Scan, ...] = ()
    reported: tuple[tuple[Scan, ...], ...] = ()
    counts: tuple[ListCount, ...] = ()
    duplicated_on: tuple[str, ...] = ()
    version: int = 0
    memory: ClassVar[Memory] = Memory.NONE

    @property
    def ticket(self) -> str:
        """The ticket's resource name."""
        return self.name.removesuffix("/scans")

    @property
    def last_entry(self) -> datetime | None:
        """The last admission on any list; None: nobody was admitted."""
        return max((each.last_entry for each in self.counts if each.last_entry is not None), default=None)

    @property
    def last_exit(self) -> datetime | None:
        """The last exit on any list."""
        return max((each.last_exit for each in self.counts if each.last_exit is not None), default=None)

    def count_on(self, list_name: str) -> ListCount:
        """What was counted on a list."""
        return next((each for each in self.counts if each.list == list_name), ListCount(list_name))

    def counted(self, judgement: "Judgement", list_name: str) -> "TicketScans":
        """With a list counted anew, and with its pairs of duplicates told."""
        others = [each for each in self.counts if each.list != list_name]
        counts = sorted((*others, judgement.count(list_name)), key=lambda each: each.list)
        pairs = [pair_key(each) for each in judgement.pairs]
        return replace(
            self,
            counts=tuple(counts),
            duplicated_on=tuple(each.list for each in counts if each.duplicates),
            reported=(*self.reported, *(each for each in pairs if each not in self.reported)),
        )

    def on(self, list_name: str) -> list[Scan]:
        """What counts on a list: its scans, and admissions without a list, which count on every one."""
        return [each for each in self.scans if each.list in ("", list_name) and each not in self.undone]

    def with_scans(self, more: Iterable[Scan]) -> "TicketScans":
        """The union. FailedPrecondition TOO_MANY_SCANS."""
        union = sorted({*self.scans, *more}, key=lambda each: each.order)
        if len(union) > MOST_SCANS:
            raise too_many_scans(self.ticket)
        return replace(self, scans=tuple(union)) if len(union) > len(self.scans) else self

    def next_online(self, device: str) -> int:
        """A sequence that no scan over the network has yet."""
        return 1 + max((each.sequence for each in self.scans if not each.offline and each.device == device), default=0)


def scans_key(ticket: str) -> tuple[type[TicketScans], str]:
    """Where the scans of a ticket are found."""
    return TicketScans, f"{ticket}/scans"


@dataclass(frozen=True, slots=True)
class Presence:
    """Where the people of one ticket are. used: how many were admitted. outside: how many of those left since.

    entry, exit: the last that counted.
    """

    used: int = 0
    outside: int = 0
    entry: Scan | None = None
    exit: Scan | None = None

    def after(self, scan: Scan, rules: ListRules) -> "Presence":
        """INVARIANT: no more people are inside than the ticket admits.

        FailedPrecondition TICKET_CHECKED_IN, REENTRY_NOT_ALLOWED (metadata `check_in_time`, `gate`, `device_id`),
        NOT_CHECKED_IN.
        """
        if scan.direction is Direction.EXIT:
            if self.used == self.outside:
                raise FailedPrecondition("NOT_CHECKED_IN", "Nobody is inside with this ticket.")
            return replace(self, outside=self.outside + 1, exit=scan)
        if self.outside and rules.reentry:
            return replace(self, outside=self.outside - 1, entry=scan)
        if self.used < rules.admissions:
            return replace(self, used=self.used + 1, entry=scan)
        raise self._full()

    def _full(self) -> FailedPrecondition:
        entry = self.entry
        metadata = {} if entry is None else {
            "check_in_time": entry.time.isoformat().replace("+00:00", "Z"), "gate": entry.gate,
            "device_id": entry.device,
        }  # fmt: skip
        if self.outside:
            return FailedPrecondition("REENTRY_NOT_ALLOWED", "Whoever left cannot enter again.", metadata=metadata)
        return FailedPrecondition("TICKET_CHECKED_IN", "This ticket has admitted somebody already.", metadata=metadata)


@dataclass(frozen=True, slots=True)
class Judged:
    """A scan and what it is.

    first: of a duplicate, the one that counts. reason: of what does not count. again: of an admission, a re-entry.
    """

    scan: Scan
    verdict: Verdict
    reason: str = ""
    first: Scan | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the scans of a ticket on one list come to, in order; where its people are after the last."""

    judged: tuple[Judged, ...]
    presence: Presence

    def of(self, scan: Scan) -> Judged | None:
        """None for a scan it does not hold."""
        return next((each for each in self.judged if each.scan == scan), None)

    def entries(self, list_name: str) -> list[Scan]:
        """Those of that list itself that count."""
        return [each.scan for each in self.judged if each.verdict is Verdict.ADMITTED and each.scan.list == list_name]

    def exits(self, list_name: str) -> list[Scan]:
        """Those of that list itself that count."""
        return [each.scan for each in self.judged if each.verdict is Verdict.LEFT and each.scan.list == list_name]

    def passages(self, list_name: str) -> list[Scan]:
        """Entries and exits."""
        return [*self.entries(list_name), *self.exits(list_name)]

    def count(self, list_name: str) -> ListCount:
        """What the scans on that list itself come to."""
        entries, exits = self.entries(list_name), self.exits(list_name)
        again = sum(each.again and each.scan.list == list_name for each in self.judged)
        return ListCount(
            list_name,
            admitted=len(entries) - again,
            entries=len(entries),
            exits=len(exits),
            duplicates=len(self.pairs),
            last_entry=entries[-1].time if entries else None,
            last_exit=exits[-1].time if exits else None,
        )

    @property
    def pairs(self) -> list[tuple[Scan, Scan]]:
        """Each duplicate after the scan that counts in its place."""
        return [(each.first, each.scan) for each in self.judged if each.first is not None]


def judge(scans: Iterable[Scan], rules: ListRules) -> Judgement:
    """INVARIANT: the same for the same set, in whatever order and parts it came, however often.

    Of two scans that claim one number of one device the first in order counts.
    """
    presence, judged, seen = Presence(), list[Judged](), set[tuple[str, bool, int]]()
    for scan in sorted(set(scans), key=lambda each: each.order):
        if scan.id in seen:
            judged.append(Judged(scan, Verdict.REFUSED, "SEQUENCE_REUSED"))
            continue
        seen.add(scan.id)
        before = presence
        try:
            presence = presence.after(scan, rules)
        except FailedPrecondition as refusal:
            many = refusal.reason == "TICKET_CHECKED_IN"
            verdict = Verdict.DUPLICATE if many else Verdict.REFUSED
            judged.append(Judged(scan, verdict, refusal.reason, presence.entry if many else None))
            continue
        entered = scan.direction is Direction.ENTRY
        verdict = Verdict.ADMITTED if entered else Verdict.LEFT
        judged.append(Judged(scan, verdict, again=entered and presence.used == before.used))
    return Judgement(tuple(judged), presence)


def just_after(time: datetime, scans: Iterable[Scan]) -> datetime:
    """The time of a scan over the network: its own, but after all that is known by now, as a clock may be ahead."""
    latest = max((each.time for each in scans), default=None)
    return time if latest is None or latest < time else latest + timedelta(milliseconds=1)


def pair_key(pair: Sequence[Scan]) -> tuple[Scan, ...]:
    """Two scans, whichever of them counts."""
    return tuple(sorted(pair, key=lambda each: each.order))


def too_many_scans(ticket: str) -> FailedPrecondition:
    """The refusal."""
    text = f"At most {MOST_SCANS} scans are kept of one ticket."
    return FailedPrecondition("TOO_MANY_SCANS", text, metadata={"ticket": ticket, "most": str(MOST_SCANS)})

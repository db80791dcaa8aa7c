"""What follows when the scans of a ticket change: for its booking, for the counts, and what is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from booking_service.domain import domain_events as facts
from booking_service.domain.booking import Booking
from booking_service.domain.check_in_list import NO_LIST, CheckInList, ListRules
from booking_service.domain.commands.command import Found
from booking_service.domain.list_tally import ListTally, Passage, new_tally, tally_key
from booking_service.domain.occupancy import resale_keys
from booking_service.domain.outcome import Step
from booking_service.domain.records import Key, Record, View
from booking_service.domain.scans import Direction, Judgement, Scan, TicketScans, judge, pair_key, scans_key
from booking_service.domain.states import TicketState
from domain_kit.refusals import NotFound


@dataclass(frozen=True, slots=True)
class Recorded:
    """booking: after it. steps: what is told of it. tallies: what else changes."""

    booking: Booking
    steps: Sequence[Step]
    tallies: Sequence[Record]


def scanning_keys(event: str, booking: str, list_name: str, tickets: Sequence[str], found: Found) -> list[Key]:
    """The records that scans of a booking's tickets on a list look at; resale offers end with an admission."""
    known = found.get((Booking, booking))
    offers = resale_keys(known) if isinstance(known, Booking) else []
    lists: list[Key] = [tally_key(event, name) for name in dict.fromkeys((list_name, ""))]
    if list_name:
        lists.append((CheckInList, list_name))
    return [(Booking, booking), *offers, *lists, *(scans_key(ticket) for ticket in tickets)]


def known_list(found: Found | View, list_name: str) -> ListRules:
    """The rules of a list that was not removed; those of "" admit every ticket once. NotFound."""
    if not list_name:
        return NO_LIST
    record = found.find(CheckInList, list_name) if isinstance(found, View) else found.get((CheckInList, list_name))
    if not isinstance(record, CheckInList) or record.removed:
        raise NotFound.named(list_name)
    return record.rules


def known_scans(view: View, ticket: str) -> TicketScans:
    """What a ticket went through; nothing so far."""
    kind, name = scans_key(ticket)
    return view.find(kind, name) or TicketScans(name)


@dataclass(frozen=True, slots=True)
class Scanned:
    """The scans of one ticket before and after. reason: why one of them was taken back."""

    before: TicketScans
    after: TicketScans
    reason: str = ""

    @property
    def undone(self) -> list[Scan]:
        """What was taken back."""
        return [each for each in self.after.undone if each not in self.before.undone]


def record_scans(view: View, booking: Booking, scanned: Scanned, list_name: str, now: datetime) -> Recorded:
    """Counts the scans of one ticket on a list anew, and says what follows."""
    before, rules, ticket = scanned.before, known_list(view, list_name), scanned.before.ticket
    counted, passed, gone = scanned.after, list[Scan](), list[Scan]()
    told: list[facts.Happening] = []
    # An admission without a list counts on every one; taken back, it is to be counted anew where it belongs.
    elsewhere = any(each.list != list_name for each in scanned.undone)
    for name, by in ((list_name, rules), *((("", NO_LIST),) if elsewhere else ())):
        former, present = judge(before.on(name), by), judge(scanned.after.on(name), by)
        counted = counted.counted(present, name)
        passed += [each for each in present.passages(name) if each not in former.passages(name)]
        gone += [each for each in former.passages(name) if each not in present.passages(name)]
        if name == list_name:
            told += _told(booking, scanned, former, present, list_name)
    after = booking
    if (counted.last_entry, counted.last_exit) != (before.last_entry, before.last_exit):
        after = booking.scanned(ticket, counted.last_entry, counted.last_exit, now)
    tallies = [
        _tally(view, booking.event, each.list).counting(
            before.count_on(each.list),
            each,
            [Passage(ticket, scan) for scan in passed if scan.list == each.list],
            [Passage(ticket, scan) for scan in gone if scan.list == each.list],
        )
        for each in counted.counts
        if each != before.count_on(each.list) or any(scan.list == each.list for scan in passed)
    ]
    return Recorded(after, [Step(happened, after) for happened in told], [counted, *tallies])


def _told(
    booking: Booking, scanned: Scanned, former: Judgement, present: Judgement, list_name: str
) -> Sequence[facts.Happening]:
    """Entries and exits that did not count before, as far as there are more than before; new pairs of duplicates.

    One that only takes the place of another is told by the pair of the two.
    """
    ticket = scanned.before.ticket
    again = booking.ticket(ticket).state is TicketState.CHECKED_IN
    told: list[facts.Happening] = []
    moves = _more(former.entries(list_name), present.entries(list_name))
    moves += _more(former.exits(list_name), present.exits(list_name))
    for scan in sorted(moves, key=lambda each: each.order):
        if scan.direction is Direction.ENTRY:
            told.append(facts.TicketCheckedIn(ticket, scan, again))
            again = True
        else:
            told.append(facts.TicketCheckedOut(ticket, scan))
    told += [facts.CheckInUndone(ticket, scan, scanned.reason) for scan in scanned.undone]
    reported = scanned.before.reported
    return told + [
        facts.DuplicateScanReported(ticket, *pair) for pair in present.pairs if pair_key(pair) not in reported
    ]


def _more(former: Sequence[Scan], present: Sequence[Scan]) -> list[Scan]:
    """The latest of those that count now and did not before, as many as there are more."""
    new = [scan for scan in present if scan not in former]
    return new[len(new) - max(0, len(present) - len(former)) :]


def _tally(view: View, event: str, list_name: str) -> ListTally:
    kind, name = tally_key(event, list_name)
    return view.find(kind, name) or new_tally(event, list_name)

"""What follows when the scans of a ticket change: for its booking, for the counts, and what is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from booking_service.domain import domain_events as facts
from booking_service.domain.booking import Booking
from booking_service.domain.check_in_list import NO_LIST, CheckInList, ListRules
from booking_service.domain.commands.command import Found
from booking_service.domain.list_tally import ListTally, Passage, new_tally, tally_key
from booking_service.domain.outcome import Step
from booking_service.domain.records import Key, Record, View
from booking_service.domain.scans import Judgement, Scan, TicketScans, Verdict, judge, pair_key, scans_key
from booking_service.domain.states import TicketState
from domain_kit.refusals import NotFound


@dataclass(frozen=True, slots=True)
class Recorded:
    """booking: after it. steps: what is told of it. tallies: what else changes."""

    booking: Booking
    steps: Sequence[Step]
    tallies: Sequence[Record]


def scanning_keys(event: str, booking: str, list_name: str, tickets: Sequence[str]) -> list[Key]:
    """The records that scans of a booking's tickets on a list look at."""
    lists: list[Key] = [tally_key(event, name) for name in dict.fromkeys((list_name, ""))]
    if list_name:
        lists.append((CheckInList, list_name))
    return [(Booking, booking), *lists, *(scans_key(ticket) for ticket in tickets)]


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


def record_scans(view: View, booking: Booking, before: TicketScans, after: TicketScans, now: datetime,
                 rules: ListRules, list_name: str, reason: str = "") -> Recorded:  # fmt: skip
    """Counts the scans of one ticket on a list anew; reason: why one was taken back.

    Told are entries and exits that did not count before, as far as there are more than before (one that only takes the
    place of another is told by the pair), each new pair of duplicates, and what was taken back.
    """
    ticket, event = before.ticket, booking.event
    former, present = judge(before.on(list_name), rules), judge(after.on(list_name), rules)
    counted = after.counted(present, list_name)
    undone = [each for each in after.undone if each not in before.undone]
    if any(each.list != list_name for each in undone):
        counted = counted.counted(judge(after.on(""), NO_LIST), "")
    changed = booking
    if (counted.last_entry, counted.last_exit) != (before.last_entry, before.last_exit):
        changed = booking.scanned(ticket, counted.last_entry, counted.last_exit, now)
    again = booking.ticket(ticket).state is TicketState.CHECKED_IN
    told: list[facts.Happening] = []
    passages: list[Passage] = []
    for verdict in (Verdict.ADMITTED, Verdict.LEFT):
        for scan in _more(former, present, verdict, list_name):
            passages.append(Passage(ticket, scan))
            told.append(
                facts.TicketCheckedIn(ticket, scan, again)
                if verdict is Verdict.ADMITTED
                else facts.TicketCheckedOut(ticket, scan)
            )
            again = True
    told.sort(key=_time_of)
    told += [facts.CheckInUndone(ticket, scan, reason) for scan in undone]
    told += [
        facts.DuplicateScanReported(ticket, *pair) for pair in present.pairs if pair_key(pair) not in before.reported
    ]
    tallies = [
        _tally(view, event, each.list).counting(
            before.count_on(each.list),
            each,
            [passage for passage in passages if passage.scan.list == each.list],
            next((Passage(ticket, scan) for scan in undone if scan.list == each.list), None),
        )
        for each in counted.counts
        if each != before.count_on(each.list)
    ]
    return Recorded(changed, [Step(happened, changed) for happened in told], [counted, *tallies])


def _more(former: Judgement, present: Judgement, verdict: Verdict, list_name: str) -> list[Scan]:
    """The latest of those that count now and did not before, as many as there are more."""
    counted = [each.scan for each in former.judged if each.verdict is verdict and each.scan.list == list_name]
    now = [each.scan for each in present.judged if each.verdict is verdict and each.scan.list == list_name]
    new = [scan for scan in now if scan not in counted]
    return new[len(new) - max(0, len(now) - len(counted)) :]


def _tally(view: View, event: str, list_name: str) -> ListTally:
    kind, name = tally_key(event, list_name)
    return view.find(kind, name) or new_tally(event, list_name)


def _time_of(happened: facts.Happening) -> datetime:
    if not isinstance(happened, facts.TicketCheckedIn | facts.TicketCheckedOut):
        raise TypeError("only passages have a time")
    return happened.scan.time

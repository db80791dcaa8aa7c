"""Whether a ticket passes a gate: the rules of a list, the ticket, and what it went through so far."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from booking_service.domain.booking import Ticket, void_ticket
from booking_service.domain.check_in_list import ListRules
from booking_service.domain.offer import Offer
from booking_service.domain.refunding import date_is_off, end_of
from booking_service.domain.scans import Direction, Presence, Scan
from booking_service.domain.states import TicketState
from domain_kit.refusals import FailedPrecondition, InvalidArgument

# A scanner's clock may be ahead by so much.
CLOCK_ALLOWANCE = timedelta(minutes=5)
# So long before its date begins a ticket of a series is admitted without a list: doors open, people build and rehearse.
DOORS_AT_MOST = timedelta(hours=12)


def admit(rules: ListRules, offer: Offer, ticket: Ticket, presence: Presence, scan: Scan) -> Presence:
    """Where the people of the ticket are after the scan. Pure; refusals as `check_scan` and `Presence.after`."""
    check_scan(rules, offer, ticket, scan)
    return presence.after(scan, rules)


def check_scan(rules: ListRules, offer: Offer, ticket: Ticket, scan: Scan) -> None:
    """The rules that need not know of other scans. Leaving is not bound to anything but a known gate.

    FailedPrecondition GATE_UNKNOWN, TICKET_VOID, EVENT_CANCELLED, TICKET_NOT_ON_LIST, DATE_WRONG, LIST_NOT_OPEN
    (metadata `start_time`), LIST_CLOSED (metadata `end_time`).
    """
    if rules.gates and scan.gate not in rules.gates:
        raise _refused("GATE_UNKNOWN", "The list has no such gate.", {"gate": scan.gate})
    if scan.direction is Direction.EXIT:
        return
    if ticket.state is TicketState.VOID:
        raise void_ticket(ticket)
    require_not_off(offer, ticket)
    if rules.ticket_types and ticket.ticket_type not in rules.ticket_types:
        raise _refused("TICKET_NOT_ON_LIST", "Tickets of this type are not on the list.", {"ticket": ticket.name})
    if rules.dates and ticket.date not in rules.dates:
        raise _refused("DATE_WRONG", "The ticket is for another date.", {"ticket": ticket.name, "date": ticket.date})
    _check_time(rules, end_of(offer, ticket.date), scan.time)


def require_not_off(offer: Offer, ticket: Ticket) -> None:
    """FailedPrecondition EVENT_CANCELLED: nobody is let in, for who was gets nothing back."""
    if date_is_off(offer, ticket.date):
        raise _refused("EVENT_CANCELLED", "The event was cancelled.", {"event": offer.event, "date": ticket.date})


def require_its_date(offer: Offer, ticket: Ticket, time: datetime) -> None:
    """FailedPrecondition DATE_WRONG for a ticket of a series on another day; a list with windows admits at other times.

    An event without dates has one door, which opens when whoever stands at it says so.
    """
    date = next((each for each in offer.dates if each.name == ticket.date), None)
    if date is not None and not date.start_time - DOORS_AT_MOST <= time < date.end_time:
        raise _refused(
            "DATE_WRONG", "The ticket is for another date.",
            {"ticket": ticket.name, "date": ticket.date, "start_time": _rfc3339(date.start_time)},
        )  # fmt: skip


def check_clock(time: datetime, now: datetime, field: str) -> None:
    """InvalidArgument CLOCK_AHEAD."""
    if time > now + CLOCK_ALLOWANCE:
        raise InvalidArgument.of(field, "lies in the future: set the scanner's clock.", reason="CLOCK_AHEAD")


def _check_time(rules: ListRules, end: datetime, time: datetime) -> None:
    if not rules.windows:
        if time >= end:
            raise _refused("LIST_CLOSED", "The event is over.", {"end_time": _rfc3339(end)})
        return
    if any(window.holds(time) for window in rules.windows):
        return
    later = [window.start for window in rules.windows if window.start is not None and window.start > time]
    if later:
        raise _refused("LIST_NOT_OPEN", "It is too early.", {"start_time": _rfc3339(min(later))})
    ends = [window.end for window in rules.windows if window.end is not None]
    raise _refused("LIST_CLOSED", "It is too late.", {"end_time": _rfc3339(max(ends))})


def _refused(reason: str, text: str, metadata: Mapping[str, str]) -> FailedPrecondition:
    return FailedPrecondition(reason, text, metadata=metadata)


def _rfc3339(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")

"""Who did what to a booking, when and why: kept with it, for its buyer and its organizer to read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from booking_service.domain import domain_events as facts
from booking_service.domain.states import BookingState

MOST_SCANS = 20  # the newest; a ticket's scans have a record of their own
MOST_PASSING = 100  # the newest; all of it is in the event store


@dataclass(frozen=True, slots=True)
class Change:
    """One change. actor: resource name ("users/…", "services/booking"). action: the domain event's name."""

    time: datetime
    actor: str
    action: str
    state: BookingState
    reason: str = ""


_DETAILS = facts.BookingDetailsChanged.__name__
_CHANGED = facts.BookingChanged.__name__
_SCANS = frozenset(
    each.__name__
    for each in (facts.TicketCheckedIn, facts.TicketCheckedOut, facts.CheckInUndone, facts.DuplicateScanReported)
)
_PASSING = frozenset(
    each.__name__
    for each in (
        facts.BookingDetailsChanged, facts.BookingChangeHeld, facts.BookingChangeExpired, facts.TicketsOffered,
        facts.PaymentUnclaimed,
    )
)  # fmt: skip
_MOST: Mapping[str, int] = {"scan": MOST_SCANS, "passing": MOST_PASSING}


def extended(history: Sequence[Change], change: Change) -> tuple[Change, ...]:
    """With one more. One actor's changes of details in a row are one entry, of the last of them.

    INVARIANT: it is bounded, and nobody makes who booked, approved, paid for, changed or passed on tickets fall off it.
    What can happen without end pushes out only its own kind; the rest ends by itself, with the booking's states and
    with the tickets that it may ever have.
    """
    if history and change.action == _DETAILS and (history[-1].action, history[-1].actor) == (_DETAILS, change.actor):
        return (*history[:-1], change)
    longer = (*history, change)
    kind = _kind_of(change)
    beyond = 0 if kind == "" or len(longer) <= _MOST[kind] else sum(_kind_of(each) == kind for each in longer)
    if beyond <= _MOST.get(kind, 0):
        return longer
    beyond -= _MOST[kind]
    kept = []
    for each in longer:
        if beyond and _kind_of(each) == kind:
            beyond -= 1
        else:
            kept.append(each)
    return tuple(kept)


def _kind_of(change: Change) -> str:
    """Empty for what is kept for good. What is booked but not confirmed changes as often as its buyer likes."""
    if change.action in _SCANS:
        return "scan"
    return "passing" if change.action in _PASSING or (change.action == _CHANGED and change.state.pending) else ""

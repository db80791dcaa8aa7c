"""What becomes of a waiting list entry when its booking changes: decided once, for all commands."""

from dataclasses import replace
from datetime import datetime

from booking_service.domain import domain_events as facts
from booking_service.domain.booking import Booking
from booking_service.domain.commands.command import Command
from booking_service.domain.outcome import Outcome, Step
from booking_service.domain.records import View
from booking_service.domain.states import BookingState
from booking_service.domain.waiting_entry import EntryState, WaitingEntry

# An entry's offer ends with its booking; whatever else happens to a booking leaves the entry as it is.
REASONS = {BookingState.EXPIRED: "OFFER_EXPIRED", BookingState.CANCELLED: "OFFER_CANCELLED"}


def decided(command: Command, view: View, now: datetime) -> Outcome:
    """What the command decides, and what follows for the entries its bookings were offered to.

    INVARIANT: an entry has an offer exactly as long as its booking is held.
    """
    outcome = command.decide(view, now)
    entries = {step.record.name for step in outcome.steps if isinstance(step.record, WaitingEntry)}
    last = {
        step.record.entry: (step.happened, step.record)
        for step in outcome.steps if isinstance(step.record, Booking) and step.record.entry
    }  # fmt: skip
    following = [
        step
        for name, (happened, booking) in last.items() if name not in entries
        for step in _following(view, happened, booking, now)
    ]  # fmt: skip
    return replace(outcome, steps=[*outcome.steps, *following]) if following else outcome


def _following(view: View, happened: facts.Happening, booking: Booking, now: datetime) -> list[Step]:
    confirmed = isinstance(happened, facts.BookingConfirmed)
    if not confirmed and booking.state not in REASONS:
        return []
    entry = view.get(WaitingEntry, booking.entry)
    if entry.state is not EntryState.OFFERED or entry.booking != booking.name:
        return []
    if confirmed:
        return [Step(facts.WaitingListFulfilled(), entry.fulfilled(now))]
    reason = REASONS[booking.state]
    return [Step(facts.WaitingListLapsed(reason), entry.lapsed(reason, now))]

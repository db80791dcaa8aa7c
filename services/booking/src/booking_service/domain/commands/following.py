"""What becomes of waiting list entries and resale offers when bookings change: decided once, for all commands."""

from dataclasses import replace
from datetime import datetime

from booking_service.domain import domain_events as facts
from booking_service.domain.booking import Booking, Ticket
from booking_service.domain.commands.command import Command
from booking_service.domain.outcome import Outcome, Step
from booking_service.domain.records import Record, View
from booking_service.domain.resale import Resale, bought, lapse, live_offers, reopen
from booking_service.domain.resale_offer import ResaleOffer
from booking_service.domain.states import LIFE, BookingAction, BookingState, TicketState
from booking_service.domain.waiting_entry import EntryState, WaitingEntry

# An entry's offer ends with its booking; whatever else happens to a booking leaves the entry as it is.
REASONS = {BookingState.EXPIRED: "OFFER_EXPIRED", BookingState.CANCELLED: "OFFER_CANCELLED"}
# So does a reservation of tickets that somebody sells.
_OVER = (BookingState.EXPIRED, BookingState.CANCELLED)


def decided(command: Command, view: View, now: datetime) -> Outcome:
    """What the command decides, and what follows for the entries its bookings were offered to, and for resale offers.

    INVARIANT: an entry has an offer exactly as long as its booking is held. A ticket that is for sale is valid, and one
    that is reserved is so by a booking that is held.
    """
    outcome = command.decide(view, now)
    if not any(_concerns_others(step.record) for step in outcome.steps):
        return outcome
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
    outcome = replace(outcome, steps=[*outcome.steps, *following]) if following else outcome
    return _with_resale(outcome, view, now)


def _concerns_others(record: Record) -> bool:
    """A booking on which an entry or a resale offer may depend."""
    return isinstance(record, Booking) and bool(record.entry or record.tickets or bought(record))


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


def _with_resale(outcome: Outcome, view: View, now: datetime) -> Outcome:
    """Offers of tickets that are not valid any more lapse; those that an ended hold reserved are open again."""
    bookings = {step.record.name: step.record for step in outcome.steps if isinstance(step.record, Booking)}
    concerned = [each for each in bookings.values() if bought(each) or any(one.resale_offer for one in each.tickets)]
    if not concerned:
        return outcome
    told = [step.record for step in outcome.steps if isinstance(step.record, ResaleOffer)]
    resale = Resale(view.after(outcome.stock, told))
    for after in concerned:
        resale = reopen(resale, after, now) if after.state in _OVER else resale
        if any(one.resale_offer for one in after.tickets):
            for offer in live_offers(resale.view, view.get(Booking, after.name)):
                reason = _lapse_reason(after, after.ticket(offer.ticket))
                resale = lapse(resale, [offer], reason, now) if reason else resale
    return replace(outcome, stock=resale.stock, steps=[*outcome.steps, *resale.steps]) if resale.steps else outcome


def _lapse_reason(booking: Booking, ticket: Ticket) -> str:
    """Why the ticket cannot be sold on any more; "" while it can."""
    if ticket.state is TicketState.CHECKED_IN:
        return "TICKET_CHECKED_IN"
    if not LIFE.allows(booking.state, BookingAction.OFFER):
        return f"BOOKING_{booking.state.name}"
    return "TICKET_VOID" if ticket.state is TicketState.VOID else ""

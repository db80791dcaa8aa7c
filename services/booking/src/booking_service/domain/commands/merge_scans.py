"""Scans of gates without a network come in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from booking_service.domain.booking import Booking
from booking_service.domain.check_in_rules import check_scan
from booking_service.domain.commands.command import Found, OnBooking
from booking_service.domain.commands.scanning import (
    Scanned,
    known_list,
    known_scans,
    record_scans,
    scanning_keys,
)
from booking_service.domain.offer import Offer
from booking_service.domain.outcome import Outcome, Step
from booking_service.domain.records import Key, Record, View
from booking_service.domain.scans import Scan, TicketScans
from booking_service.domain.states import LIFE, BookingAction
from booking_service.domain.stock import Stock
from domain_kit.refusals import FailedPrecondition, NotFound


@dataclass(frozen=True, slots=True)
class LoggedScan:
    """A scan that a gate let pass, of which ticket by which code."""

    ticket: str
    code: str
    scan: Scan


@dataclass(frozen=True, slots=True)
class MergeScans(OnBooking):
    """Add scans on one list to what is known of the tickets of one booking.

    INVARIANT: what counts in the end depends on the set of scans alone, not on order, parts or repeats. What the rules
    refuse is left out; its caller finds out by `refusal_of` on the booking that is answered.
    """

    event: str
    booking: str
    check_in_list: str
    logged: tuple[LoggedScan, ...]
    etag: str = ""
    recorded: ClassVar[bool] = False

    def needs(self, stock: Stock, found: Found) -> Sequence[Key]:  # noqa: ARG002
        """The booking, the list and its counts, the scans of its tickets."""
        tickets = sorted({each.ticket for each in self.logged})
        return scanning_keys(self.event, self.booking, self.check_in_list, tickets, found)

    def decide(self, view: View, now: datetime) -> Outcome:
        """NotFound for the list and the booking."""
        known_list(view, self.check_in_list)
        booking, offer = view.get(Booking, self.booking), view.stock.known_offer()
        scans: dict[str, list[Scan]] = {}
        for each in self.logged:
            known = each.scan in known_scans(view, each.ticket).scans
            if known or refusal_of(each, booking, offer, view, self.check_in_list) is None:
                scans.setdefault(each.ticket, []).append(each.scan)
        steps, tallies = list[Step](), dict[tuple[type, str], Record]()
        after = booking
        for ticket, more in scans.items():
            before = known_scans(view, ticket)
            merged = _union(before, more)
            if merged is before:
                continue
            done = record_scans(view, after, Scanned(before, merged), self.check_in_list, now)
            after = done.booking
            steps += done.steps
            tallies |= {(type(each), each.name): each for each in done.tallies}
            view = view.after(view.stock, done.tallies)
        return Outcome(view.stock, after, steps, list(tallies.values()))


def refusal_of(
    logged: LoggedScan, booking: Booking, offer: Offer, found: Found | View, list_name: str
) -> FailedPrecondition | NotFound | None:
    """Why a scan is not taken, by the rules as they are; None where nothing but want of room could keep it out."""
    try:
        ticket = booking.ticket(logged.ticket)
        if ticket.code != logged.code:
            return NotFound.named(logged.ticket)
        check_scan(known_list(found, list_name), offer, ticket, logged.scan)
        LIFE.after(booking.state, BookingAction.CHECK_IN)
    except (FailedPrecondition, NotFound) as refusal:
        return refusal
    return None


def _union(before: TicketScans, more: Sequence[Scan]) -> TicketScans:
    """What there is room for, the earliest first."""
    merged = before
    for scan in sorted(more, key=lambda each: each.order):
        try:
            merged = merged.with_scans([scan])
        except FailedPrecondition:
            break
    return merged

"""Somebody comes to the gate, or leaves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from booking_service.domain.booking import Booking, already_checked_in, void_ticket
from booking_service.domain.check_in_rules import admit, check_clock, require_its_date, require_not_off
from booking_service.domain.commands.command import Found, OnBooking
from booking_service.domain.commands.scanning import (
    Scanned,
    known_list,
    known_scans,
    record_scans,
    scanning_keys,
)
from booking_service.domain.outcome import Outcome
from booking_service.domain.records import Key, View
from booking_service.domain.resale import refuse_reserved
from booking_service.domain.scans import Direction, Scan, judge, just_after
from booking_service.domain.states import TicketState
from booking_service.domain.stock import Stock
from domain_kit.refusals import NotFound


@dataclass(frozen=True, slots=True)
class CheckIn(OnBooking):
    """Admit the bearer of a ticket, or let them out. check_in_list "": the whole event, once. time None: now."""

    event: str
    booking: str
    ticket: str
    code: str
    check_in_list: str = ""
    direction: Direction = Direction.ENTRY
    gate: str = ""
    time: datetime | None = None
    device: str = ""
    etag: str = ""
    recorded: ClassVar[bool] = True

    def needs(self, stock: Stock, found: Found) -> Sequence[Key]:  # noqa: ARG002
        """The booking, the list and its counts, the ticket's scans."""
        return scanning_keys(self.event, self.booking, self.check_in_list, [self.ticket], found)

    def decide(self, view: View, now: datetime) -> Outcome:
        """FailedPrecondition as `admit`, without a list TICKET_CHECKED_IN, TICKET_VOID, EVENT_CANCELLED,
        DATE_WRONG; TOO_MANY_SCANS, RESALE_RESERVED; InvalidArgument CLOCK_AHEAD.

        NotFound for the list, and for the ticket, also for a code that was replaced.
        """
        rules, booking = known_list(view, self.check_in_list), view.get(Booking, self.booking)
        ticket = booking.ticket(self.ticket)
        if ticket.code != self.code:
            raise NotFound.named(self.ticket)
        refuse_reserved(view, booking, now, [ticket])
        check_clock(self.time or now, now, "scan_time")
        before = known_scans(view, self.ticket)
        scan = Scan(
            _in_milliseconds(self.time or now), self.device, before.next_online(self.device), self.direction,
            self.gate, self.check_in_list,
        )  # fmt: skip
        presence = judge(before.on(self.check_in_list), rules).presence
        if self.check_in_list:
            admit(rules, view.stock.known_offer(), ticket, presence, scan)
        elif ticket.state is TicketState.CHECKED_IN:
            raise already_checked_in(ticket)
        elif ticket.state is TicketState.VOID:
            raise void_ticket(ticket)
        else:
            require_not_off(view.stock.known_offer(), ticket)
            require_its_date(view.stock.known_offer(), ticket, scan.time)
        scan = scan.at(just_after(scan.time, before.on(self.check_in_list)))
        scanned = Scanned(before, before.with_scans([scan]))
        done = record_scans(view, booking, scanned, self.check_in_list, now)
        return Outcome(view.stock, done.booking, done.steps, done.tallies)


def _in_milliseconds(time: datetime) -> datetime:
    """As the store keeps it."""
    return time.replace(microsecond=time.microsecond // 1000 * 1000)

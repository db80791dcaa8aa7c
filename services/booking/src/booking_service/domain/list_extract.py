"""What a scanner needs to know of a ticket to decide without a network."""

import hashlib
from dataclasses import dataclass

from booking_service.domain.booking import Ticket
from booking_service.domain.check_in_list import ListRules
from booking_service.domain.scans import Presence
from booking_service.domain.states import TicketState

_HASH_BYTES = 16


@dataclass(frozen=True, slots=True)
class ListedTicket:
    """One ticket of a list. code: a hash that tells its code from one that was replaced. attendee: "" if not told."""

    name: str
    ticket_type: str
    date: str
    seat: str
    valid: bool
    code: bytes
    used: int
    outside: int
    attendee: str


def is_listed(ticket: Ticket, rules: ListRules) -> bool:
    """Whether the list knows its type and date."""
    return (not rules.ticket_types or ticket.ticket_type in rules.ticket_types) and (
        not rules.dates or ticket.date in rules.dates
    )


def listed(ticket: Ticket, presence: Presence, *, with_name: bool) -> ListedTicket:
    """What of the ticket stands on the list."""
    return ListedTicket(
        name=ticket.name,
        ticket_type=ticket.ticket_type,
        date=ticket.date,
        seat=ticket.seat,
        valid=ticket.state is not TicketState.VOID,
        code=hashlib.sha256(ticket.code.encode()).digest()[:_HASH_BYTES],
        used=presence.used,
        outside=presence.outside,
        attendee=ticket.attendee.display_name if with_name else "",
    )

"""What of a booking may become a document: tickets to print, an entry for a calendar, a pass for a wallet."""

from dataclasses import dataclass
from enum import Enum

from booking_service.domain.booking import Booking, Ticket
from booking_service.domain.offer import Offer, OfferState
from booking_service.domain.passing_on import passed_on, refuse_passed_on
from booking_service.domain.states import BookingState, TicketState
from domain_kit.refusals import FailedPrecondition

# 3 kB a ticket at most; an answer may have 4 MiB.
MOST_PRINTED = 1000


class Wallet(Enum):
    """Whose wallet a pass is for."""

    APPLE = "APPLE"
    GOOGLE = "GOOGLE"


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """What a calendar is told of a booking, and of one date of it where there are dates.

    sequence: grows with every change of booking and event (RFC 5545, 3.8.7.4).
    """

    booking: str
    date: str
    sequence: int
    called_off: bool


def tickets_to_print(booking: Booking, *, by_buyer: bool = False) -> tuple[Ticket, ...]:
    """Those that are not void, at least one. by_buyer: who does not get those that were passed on.

    FailedPrecondition BOOKING_NOT_CONFIRMED, BOOKING_EXPIRED, BOOKING_CANCELLED, TICKET_VOID, TICKET_TRANSFERRED,
    TOO_MANY_TICKETS (metadata `most`).
    """
    _had_tickets(booking)
    if booking.state is BookingState.CANCELLED:
        raise _refused(booking, "BOOKING_CANCELLED", "This booking was cancelled; its tickets admit nobody.")
    tickets = tuple(each for each in booking.tickets if each.state is not TicketState.VOID)
    if not tickets:
        raise _refused(booking, "TICKET_VOID", "No ticket of this booking admits anybody any more.")
    if by_buyer:
        others = passed_on(booking)
        given = {each.name for each in others}
        tickets = tuple(each for each in tickets if each.name not in given)
        refuse_passed_on(() if tickets else others)
    if len(tickets) > MOST_PRINTED:
        text = f"At most {MOST_PRINTED} tickets go into one document; ask for their QR codes one by one."
        raise FailedPrecondition("TOO_MANY_TICKETS", text, metadata={"most": str(MOST_PRINTED)})
    return tickets


def calendar_entries_of(booking: Booking, offer: Offer, *, by_buyer: bool = False) -> tuple[CalendarEntry, ...]:
    """One, or one a date that is booked. by_buyer: who does not come with what was passed on.

    FailedPrecondition BOOKING_NOT_CONFIRMED, BOOKING_EXPIRED, TICKET_TRANSFERRED.
    """
    _had_tickets(booking)
    gone = booking.state is BookingState.CANCELLED or offer.state in {OfferState.CANCELLED, OfferState.DELETED}
    held = {each.name for each in offer.dates if not each.cancelled}
    # Both versions only ever grow, so their sum grows with either.
    sequence = booking.version + offer.version
    dates = dict.fromkeys(line.date for line in booking.lines)
    if by_buyer and (others := passed_on(booking)):
        given = {each.name for each in others}
        valid = (each for each in booking.tickets if each.state is not TicketState.VOID)
        own = {each.date for each in valid if each.name not in given}
        dates = {date: None for date in dates if date in own}
        refuse_passed_on(() if dates else others)
    return tuple(CalendarEntry(booking.name, date, sequence, gone or bool(date and date not in held)) for date in dates)


def _had_tickets(booking: Booking) -> None:
    if booking.state.pending:
        raise _refused(booking, "BOOKING_NOT_CONFIRMED", "Tickets are issued when the booking is confirmed.")
    if booking.state is BookingState.EXPIRED:
        raise _refused(booking, "BOOKING_EXPIRED", "This booking has expired; no tickets were issued.")


def _refused(booking: Booking, reason: str, text: str) -> FailedPrecondition:
    return FailedPrecondition(reason, text, metadata={"booking": booking.name})

"""A ticket is passed on to somebody else."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from booking_service.domain import domain_events as facts
from booking_service.domain.answers import attendee_problems, bytes_of, check_length, refuse_wrong, types_of
from booking_service.domain.booking import GONE, Booking, Ticket, already_checked_in, void_ticket
from booking_service.domain.changing import MOST_TICKETS
from booking_service.domain.commands.change import change_pending
from booking_service.domain.commands.command import OnBooking, change_dropped
from booking_service.domain.commands.details import AttendeeAt, with_attendee
from booking_service.domain.commands.settle import require_published
from booking_service.domain.issuing import TicketIssuer
from booking_service.domain.outcome import Outcome, Step, changed
from booking_service.domain.passing_on import refuse_if_passed_on
from booking_service.domain.questions import Attendee
from booking_service.domain.records import Record, View
from booking_service.domain.refunding import date_is_off, start_of
from booking_service.domain.resale import refuse_reserved
from booking_service.domain.states import LIFE, BookingAction, TicketState
from booking_service.domain.stock import Stock
from domain_kit.refusals import FailedPrecondition, FieldViolation


@dataclass(frozen=True, slots=True)
class TransferTicket(OnBooking):
    """Void a ticket and issue another in its place. by_terms: as its buyer may, else as an organizer does."""

    event: str
    booking: str
    ticket: str
    attendee: Attendee
    by_terms: bool
    issuer: TicketIssuer
    etag: str = ""
    recorded: ClassVar[bool] = True

    def decide(self, view: View, now: datetime) -> Outcome:
        """Refusals as the rpc TransferTicket says.

        INVARIANT: one ticket comes for one that leaves, in one commit: never are there two codes for a place.
        """
        booking = view.get(Booking, self.booking)
        ticket = booking.ticket(self.ticket)
        self._check(view, booking, ticket, now)
        before: list[Step] = []
        stock: Stock = view.stock
        tallies: list[Record] = []
        if booking.pending is not None and ticket.name in booking.pending.remove:
            if not booking.change_is_over(now):
                raise change_pending(booking)
            step, stock, tallies = change_dropped(view, booking, now)  # nobody has written that down yet
            before, booking = [step], replace(booking, pending=None, price_change=None, hold_expire_time=None)
        name, code = self.issuer.issue(booking.name)
        new = replace(ticket, name=name, code=code, check_in_time=None, check_out_time=None, resale_offer="")
        void = replace(ticket, state=TicketState.VOID, unit=GONE)
        after = replace(
            booking,
            state=LIFE.after(booking.state, BookingAction.TRANSFER),
            tickets=(*(void if each is ticket else each for each in booking.tickets), new),
            transferred=(*booking.transferred, name),
            update_time=now,
        )
        after = with_attendee(after, AttendeeAt(self.attendee, name))
        check_length(bytes_of(after.answers, [each.attendee for each in after.tickets]))
        return changed(stock, *before, Step(facts.TicketTransferred(ticket.name, name), after), tallies=tallies)

    def _check(self, view: View, booking: Booking, ticket: Ticket, now: datetime) -> None:
        offer = view.stock.known_offer()
        if self.by_terms and not offer.terms.transfer_allowed:
            raise FailedPrecondition(
                "TRANSFER_NOT_ALLOWED", "Tickets of this event cannot be passed on.", metadata={"event": offer.event}
            )
        if ticket.state is TicketState.VOID:
            raise void_ticket(ticket)
        if ticket.state is TicketState.CHECKED_IN:
            raise already_checked_in(ticket)
        if self.by_terms:
            refuse_if_passed_on(booking, ticket.name)
        refuse_reserved(view, booking, now, [ticket])
        require_published(offer)
        if date_is_off(offer, ticket.date):
            raise FailedPrecondition("DATE_CANCELLED", "This date was cancelled.", metadata={"date": ticket.date})
        start = start_of(offer, ticket.date)
        if start <= now:
            raise FailedPrecondition(
                "EVENT_OVER", "Once it has begun no ticket is passed on.",
                metadata={"start_time": start.isoformat().replace("+00:00", "Z")},
            )  # fmt: skip
        LIFE.after(booking.state, BookingAction.TRANSFER)
        if len(booking.tickets) >= MOST_TICKETS:
            raise FailedPrecondition("TOO_MANY_CHANGES", f"A booking never has more than {MOST_TICKETS} tickets.")
        types = types_of(booking.lines[ticket.unit.line])
        refuse_wrong([*_missing(self.attendee), *attendee_problems(offer, types, self.attendee, "attendee")])


def _missing(attendee: Attendee) -> list[FieldViolation]:
    told = {"display_name": attendee.display_name, "email": attendee.email}
    return [FieldViolation(f"attendee.{name}", "is required.") for name, text in told.items() if not text.strip()]

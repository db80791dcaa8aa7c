"""The organizer agrees to a booking, or does not."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from booking_service.domain import domain_events as facts
from booking_service.domain.answers import missing_answers
from booking_service.domain.booking import Booking
from booking_service.domain.commands.command import OnBooking, refuse_late
from booking_service.domain.commands.settle import require_published
from booking_service.domain.deadlines import refuse_over, until_it_begins
from booking_service.domain.issuing import TicketIssuer, issue_tickets
from booking_service.domain.occupancy import vacated
from booking_service.domain.outcome import Outcome, Step, changed, unchanged
from booking_service.domain.records import View
from booking_service.domain.states import LIFE, BookingAction, BookingState


@dataclass(frozen=True, slots=True)
class Approve(OnBooking):
    """Agree: it is held to be paid, for as long as the event says, or confirmed where it costs nothing and no answer is
    missing.
    """

    event: str
    booking: str
    issuer: TicketIssuer
    etag: str = ""
    recorded: ClassVar[bool] = True

    def decide(self, view: View, now: datetime) -> Outcome:
        """NotFound; FailedPrecondition BOOKING_EXPIRED, BOOKING_CANCELLED, …, EVENT_CANCELLED, EVENT_NOT_ON_SALE,
        EVENT_OVER.
        """
        booking, offer = view.get(Booking, self.booking), view.stock.known_offer()
        if was_told(booking, facts.BookingApproved) and booking.state is not BookingState.EXPIRED:
            return unchanged(view.stock, booking)
        refuse_late(booking, BookingAction.APPROVE, now)
        require_published(offer)
        refuse_over(offer, booking.lines, now)
        approved = replace(
            booking,
            state=LIFE.after(booking.state, BookingAction.APPROVE),
            hold_expire_time=until_it_begins(offer, booking.lines, now + offer.terms.pay_within, now),
            update_time=now,
        )
        step = Step(facts.BookingApproved(), approved)
        if approved.total or missing_answers(offer, approved):
            return changed(view.stock, step)
        confirmed = approved.confirmed(issue_tickets(approved, self.issuer), "", now)
        return changed(view.stock, step, Step(facts.BookingConfirmed(), confirmed))


@dataclass(frozen=True, slots=True)
class Reject(OnBooking):
    """Do not agree: its places are free again."""

    event: str
    booking: str
    reason: str
    etag: str = ""
    recorded: ClassVar[bool] = True

    def decide(self, view: View, now: datetime) -> Outcome:
        """NotFound; FailedPrecondition BOOKING_EXPIRED, BOOKING_HELD, …"""
        booking = view.get(Booking, self.booking)
        if was_told(booking, facts.BookingRejected):
            return unchanged(view.stock, booking)
        refuse_late(booking, BookingAction.REJECT, now)
        after = replace(
            booking,
            state=LIFE.after(booking.state, BookingAction.REJECT),
            cancel_time=now,
            cancel_reason=self.reason,
            hold_expire_time=None,
            update_time=now,
        )
        stock, tallies = vacated(view, booking)
        return changed(stock, Step(facts.BookingRejected(self.reason), after), tallies=tallies)


def was_told(booking: Booking, fact: type[facts.Happening]) -> bool:
    """Whether that happened to it, as its history says."""
    return any(each.action == fact.__name__ for each in booking.history)

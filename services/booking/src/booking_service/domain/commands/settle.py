"""A booking is paid, or costs nothing: tickets are issued."""

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from booking_service.domain import domain_events as facts
from booking_service.domain.answers import require_answers
from booking_service.domain.booking import Booking, Line, PendingChange, already_checked_in, own_places
from booking_service.domain.changing import applied
from booking_service.domain.commands.command import Found, OnBooking, change_dropped, refuse_late
from booking_service.domain.deadlines import refuse_over
from booking_service.domain.issuing import TicketIssuer, issue_at, issue_tickets
from booking_service.domain.lines import taken_out
from booking_service.domain.occupancy import (
    exchanged,
    is_to_be_counted,
    keys_of,
    merged,
    occupied,
    tickets_of_buyer,
    uncounted_keys,
    vacated,
)
from booking_service.domain.offer import Offer, OfferState
from booking_service.domain.outcome import Outcome, Step, changed, unchanged
from booking_service.domain.pool_moves import drawing, noted, offered
from booking_service.domain.pricing.changes import UnitAt
from booking_service.domain.records import Key, Record, View
from booking_service.domain.resale import Resale, reopen, reserve, sell, seller_keys
from booking_service.domain.resale_offer import ResaleOffer
from booking_service.domain.resale_picking import seated_beside
from booking_service.domain.seat_choice import seated_again, section_keys
from booking_service.domain.sorts import sort_key
from booking_service.domain.states import BookingAction, BookingState, TicketState
from booking_service.domain.stock import Stock
from booking_service.domain.tariffs import with_more
from booking_service.domain.waiting_entry import WaitingEntry
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, Refusal


@dataclass(frozen=True, slots=True)
class Confirm(OnBooking):
    """Issue the tickets of a booking that costs nothing."""

    event: str
    booking: str
    issuer: TicketIssuer
    etag: str = ""
    recorded: ClassVar[bool] = True

    def needs(self, stock: Stock, found: Found) -> Sequence[Key]:
        """The booking, what it occupies, and whose tickets it buys."""
        booking, keys = found.get((Booking, self.booking)), OnBooking.needs(self, stock, found)
        return [*keys, *seller_keys(booking, found)] if isinstance(booking, Booking) else keys

    def decide(self, view: View, now: datetime) -> Outcome:
        """NotFound; FailedPrecondition PAYMENT_REQUIRED, BOOKING_EXPIRED, BOOKING_CANCELLED, EVENT_NOT_ON_SALE,
        ANSWERS_REQUIRED, RESALE_LAPSED.
        """
        booking = view.get(Booking, self.booking)
        if booking.state is BookingState.CONFIRMED:
            return unchanged(view.stock, booking)
        refuse_late(booking, BookingAction.CONFIRM, now)
        if booking.total:
            raise FailedPrecondition(
                "PAYMENT_REQUIRED",
                f"{booking.total} is owed; the booking is confirmed by its payment.",
                metadata={"total": str(booking.total)},
            )
        require_published(view.stock.known_offer())
        require_answers(view.stock.known_offer(), booking)
        resale, own = sell(Resale(view), booking, self.issuer, now)
        after = own.confirmed(issue_tickets(own, self.issuer), "", now)
        return changed(resale.stock, *resale.steps, Step(facts.BookingConfirmed(), after), tallies=resale.tallies)


@dataclass(frozen=True, slots=True)
class ClaimPayment(OnBooking):
    """Confirm a booking with money that came for it, or say why it cannot take the money."""

    event: str
    booking: str
    payment: str
    amount: Money
    issuer: TicketIssuer
    etag: str = ""
    recorded: ClassVar[bool] = False

    def needs(self, stock: Stock, found: Found) -> Sequence[Key]:
        """The booking, what it occupies, whose tickets it buys, and the seats it may be given in place of its own."""
        booking = found.get((Booking, self.booking))
        keys = OnBooking.needs(self, stock, found)
        if stock.offer is None or not isinstance(booking, Booking):
            return keys
        keys = [*keys, *uncounted_keys(stock, booking)]
        return [*keys, *seller_keys(booking, found), *section_keys(stock.offer, booking.lines)]

    def decide(self, view: View, now: datetime) -> Outcome:
        """Never refuses money for a known booking: what cannot be taken becomes PaymentUnclaimed. NotFound.

        INVARIANT: money never meets a missing answer; who wants to pay is asked for answers before.
        """
        booking, stock = view.get(Booking, self.booking), view.stock
        if self.payment in booking.payments or self.payment in booking.unclaimed:
            return unchanged(stock, booking)
        if booking.pending is not None:
            return self._claim_change(view, booking, booking.pending, now)
        if booking.state not in (BookingState.HELD, BookingState.EXPIRED):
            return changed(stock, self._turned_away(booking, f"BOOKING_{booking.state.name}", now))
        if self.amount != booking.total:
            return changed(stock, self._turned_away(booking, "AMOUNT_MISMATCH", now))
        if booking.state is BookingState.HELD and not booking.hold_is_over(now):
            try:
                _require_ahead(stock.known_offer(), booking.lines, now)
                resale, own = sell(Resale(view), booking, self.issuer, now)
            except Refusal as refusal:
                return changed(stock, self._turned_away(booking, refusal.reason, now))
            claimed = self._claimed(own, now, held_again=False)
            return changed(resale.stock, *resale.steps, claimed, tallies=resale.tallies)
        return self._claim_late(view, booking, now)

    def _claim_change(self, view: View, booking: Booking, change: PendingChange, now: datetime) -> Outcome:
        """The change counts, also after its time, as long as its places were not given away."""
        if self.amount != booking.due:
            return changed(view.stock, self._turned_away(booking, "AMOUNT_MISMATCH", now))
        dropped, stock, tallies = change_dropped(view, booking, now)
        booking = replace(booking, lines=drawing(booking.lines, stock.inventory.drawn))
        added = offered(change.added, stock)
        units = frozenset(each.unit for each in booking.tickets if each.name in change.remove)
        prices = drawing(change.lines or booking.lines, stock.inventory.drawn)
        # Who comes with a ticket may have changed since.
        lines = (replace(new, attendees=old.attendees) for new, old in zip(prices, booking.lines, strict=True))
        bounds = change.bounds or booking.not_refundable
        priced = replace(booking, lines=tuple(lines), not_refundable=bounds)
        gone = taken_out(priced.lines, units)
        try:
            _require_ahead(stock.known_offer(), change.added, now)
            refuse_admitted(booking, units)
            after_drop = view.after(stock, tallies)
            stock, more = exchanged(after_drop, booking, gone, added, tickets_of_buyer(view, booking))
            stock = stock.holding(noted(stock.inventory, {sort_key(line.sort): line.pools for line in added}, stock))
        except Refusal as refusal:
            away = self._turned_away(
                replace(booking, pending=None, price_change=None, hold_expire_time=None), refusal.reason, now
            )
            return changed(stock, dropped, away, tallies=tallies)
        after, places = applied(priced, units, added, now, change.not_refundable)
        paid = booking.paid + change.due
        after = replace(
            after, paid=paid, retained=paid - after.total.minor_units,
            discounts=with_more(booking.discounts, change.discounts),
            extra_payments=(*booking.extra_payments, self.payment),
        )  # fmt: skip
        after, fact = issue_at(after, priced, places, self.issuer)
        return changed(stock, Step(fact, after), tallies=merged(tallies, more))

    def _claim_late(self, view: View, booking: Booking, now: datetime) -> Outcome:
        steps: list[Step] = []
        stock, tallies = view.stock, list[Record]()
        if booking.state is BookingState.HELD:  # nobody has written down yet that its time ran out
            stock, tallies = vacated(view, booking)
            reopened = reopen(Resale(view.after(stock, tallies)), booking, now)
            view, stock, booking = reopened.view, reopened.stock, booking.expired(now)
            steps += [*reopened.steps, Step(facts.BookingExpired(), booking)]
        try:
            again = seated_beside(view, _with_present_pools(stock, booking, now), seated_again)
            again = replace(again, counted=again.counted or is_to_be_counted(stock.known_offer(), again))
            after, taken = occupied(view, again)
            held = reserve(Resale(view.after(after, taken)), again, now)
            resale, own = sell(held, again, self.issuer, now)
        except Refusal as refusal:
            # Written as it is, what this was decided on makes the commit fail where others have changed it meanwhile.
            uncounted = uncounted_keys(view.stock, booking)
            keys = dict.fromkeys([*keys_of(booking), *uncounted, *section_keys(stock.known_offer(), booking.lines)])
            # Entries of the waiting list and resale offers are no tallies: they follow with steps of their own.
            kinds = (WaitingEntry, ResaleOffer)
            seen = [record for key in keys if key[0] not in kinds and (record := view.find(*key)) is not None]
            return changed(stock, *steps, self._turned_away(booking, refusal.reason, now), tallies=seen)
        claimed = self._claimed(own, now, held_again=True)
        return changed(
            resale.stock, *steps, *resale.steps, claimed, tallies=merged([*tallies, *taken], resale.tallies)
        )  # fmt: skip

    def _claimed(self, booking: Booking, now: datetime, *, held_again: bool) -> Step:
        after = booking.confirmed(issue_tickets(booking, self.issuer), self.payment, now)
        return Step(facts.BookingConfirmed(held_again), after)

    def _turned_away(self, booking: Booking, reason: str, now: datetime) -> Step:
        after = replace(booking, unclaimed=(*booking.unclaimed, self.payment), update_time=now)
        return Step(facts.PaymentUnclaimed(self.payment, reason), after)


def refuse_admitted(booking: Booking, units: Container[UnitAt]) -> None:
    """FailedPrecondition TICKET_CHECKED_IN when one of these has admitted somebody."""
    for each in booking.tickets:
        if each.unit in units and each.state is TicketState.CHECKED_IN:
            raise already_checked_in(each)


def require_published(offer: Offer) -> None:
    """FailedPrecondition EVENT_CANCELLED, EVENT_NOT_ON_SALE."""
    if offer.state is not OfferState.PUBLISHED:
        raise FailedPrecondition(
            f"EVENT_{offer.state.name}" if offer.state is OfferState.CANCELLED else "EVENT_NOT_ON_SALE",
            "The event is not on sale.",
            metadata={"state": offer.state.name},
        )


def _require_ahead(offer: Offer, lines: Sequence[Line], now: datetime) -> None:
    """That money may come for these. Refusals as `require_published` and `refuse_over`."""
    require_published(offer)
    refuse_over(offer, lines, now)


def _with_present_pools(stock: Stock, booking: Booking, now: datetime) -> Booking:
    """The same lines and price, places from wherever their types draw now. The sale may have ended meanwhile."""
    offer = stock.known_offer()
    _require_ahead(offer, booking.lines, now)
    for line in own_places(booking.lines):
        for name in (line.ticket_type, *(content.ticket_type for content in line.contents)):
            offer.ticket_type(name)  # NotFound when it is not sold any more
    lines = tuple(
        line if line.resale_offer else replace(line, pools=offer.draws(line.sort)) for line in booking.lines
    )  # fmt: skip
    return replace(booking, lines=lines)

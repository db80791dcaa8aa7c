"""Tickets of a booking leave, others come."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar

from booking_service.domain import domain_events as facts
from booking_service.domain.answers import check_attendees, require_answers_for
from booking_service.domain.booking import Booking
from booking_service.domain.changing import (
    Reduction,
    Repriced,
    applied,
    benefits_of,
    check_limits,
    check_terms,
    given_back,
    keys_of_benefits,
    leaving,
    refuse_hidden,
    repriced,
    tickets_of,
)
from booking_service.domain.commands.command import Found, OnBooking, change_dropped, refuse_late
from booking_service.domain.deadlines import refuse_over, until_it_ends
from booking_service.domain.issuing import TicketIssuer, issue_at
from booking_service.domain.occupancy import (
    counted,
    exchanged,
    held_for_change,
    is_to_be_counted,
    merged,
    occupied,
    part_of,
    uncounted_keys,
    vacated,
)
from booking_service.domain.offer import Offer
from booking_service.domain.outcome import Outcome, Step, changed, unchanged
from booking_service.domain.passing_on import not_the_buyers
from booking_service.domain.pool_moves import drawing
from booking_service.domain.records import Key, Record, View
from booking_service.domain.resale import Resale, lapse, live_offers, refuse_buying, refuse_reserved
from booking_service.domain.seat_choice import seated, section_keys
from booking_service.domain.selling import Wanted
from booking_service.domain.states import BookingAction
from booking_service.domain.stock import Stock
from booking_service.domain.tariffs import given_discounts, with_more
from booking_service.domain.waiting_room import check_unasked
from domain_kit.refusals import FailedPrecondition


class NoIssuer:
    """For changes that are only tried: tickets without name and code."""

    def issue(self, booking: str) -> tuple[str, str]:  # noqa: ARG002
        """Nothing."""
        return "", ""


@dataclass(frozen=True, slots=True)
class Change(OnBooking):
    """Take tickets out of a booking and add others. by_terms: as its buyer may, else as an organizer does.

    hold_for: the platform's time to pay what is added. unasked: as of `Hold`.
    """

    event: str
    booking: str
    remove: tuple[str, ...]
    reduce: tuple[Reduction, ...]
    add: tuple[Wanted, ...]
    by_terms: bool
    issuer: TicketIssuer
    hold_for: timedelta
    reason: str = ""
    etag: str = ""
    unasked: bool = False
    recorded: ClassVar[bool] = True

    def needs(self, stock: Stock, found: Found) -> Sequence[Key]:
        """The booking, what it occupies, what its vouchers do, and what that which is added will occupy."""
        keys, booking = super(Change, self).needs(stock, found), found.get((Booking, self.booking))
        if stock.offer is None or not isinstance(booking, Booking):
            return keys
        return [
            *keys, *uncounted_keys(stock, booking), *keys_of_benefits(booking), *section_keys(stock.offer, self.add)
        ]  # fmt: skip

    def decide(self, view: View, now: datetime) -> Outcome:
        """Refusals as the rpc ChangeBooking says; RoomOpened."""
        booking, offer = view.get(Booking, self.booking), view.stock.known_offer()
        check_unasked(offer, unasked=self.unasked)
        refuse_late(booking, BookingAction.CHANGE, now)
        before: list[Step] = []
        tallies: list[Record] = []
        if booking.change_is_over(now):  # nobody has written that down yet
            step, stock, tallies = change_dropped(view, booking, now)
            before, booking, view = (
                [step],
                replace(booking, pending=None, hold_expire_time=None),
                view.after(stock, tallies),
            )
        if booking.pending is not None:
            raise change_pending(booking)
        if is_to_be_counted(offer, booking):
            booking, person = counted(view, booking)
            tallies = merged(tallies, [person])
            view = view.after(view.stock, [person])
        refuse_buying(booking)
        refuse_reserved(view, booking, now)
        offered = live_offers(view, booking)
        booking = replace(booking, lines=drawing(booking.lines, view.stock.inventory.drawn))
        kept = not_the_buyers(booking, offer) if self.by_terms else ()
        units = leaving(booking, self.remove, self.reduce, kept)
        if self.by_terms:
            refuse_hidden(booking, units, self.add, offer)
        change = repriced(
            booking, units, self.add, offer, view.stock.inventory, now,
            by_terms=self.by_terms and not booking.state.pending, benefits=benefits_of(view, booking),
        )  # fmt: skip
        change = _seated(view, booking, change)
        check_limits(booking, change, offer)
        check_attendees(offer, change.added, "add_lines")
        for line in change.added:
            refuse_over(offer, [line], now)
        if self.by_terms:
            check_terms(booking, change, self.add, offer, now)
            if not booking.state.pending:  # else confirming asks for them
                require_answers_for(offer, booking, change.added)
        if change.due and not booking.state.pending:
            step, stock, more = self._held(view, booking, change, now)
        else:
            step, stock, more = self._made(view, booking, change, now)
        # Offers were made of the booking as it was: what goes with what, and which tickets are left.
        ended = lapse(Resale(view.after(stock, more)), offered, "BOOKING_CHANGED", now)
        return changed(ended.stock, *before, *ended.steps, step, tallies=merged(tallies, more))

    def _made(self, view: View, booking: Booking, change: Repriced, now: datetime) -> tuple[Step, Stock, list[Record]]:
        stock, tallies = exchanged(view, booking, change.gone, change.added)
        priced = replace(booking, lines=change.lines, not_refundable=change.bounds)
        offer = view.stock.known_offer()
        after, places = applied(priced, change.units, change.added, now, change.not_refundable)
        after = replace(after, price_change=change.told(now))
        if booking.state.pending:  # nothing was paid yet: it just costs something else now
            if change.added:
                discounts = given_discounts(offer, after.lines, now)
                after = replace(
                    after, discounts=discounts, hold_expire_time=self._held_until(offer, after, change, now)
                )
            return Step(facts.BookingChanged(reason=self.reason), after), stock, tallies
        after = replace(after, discounts=with_more(booking.discounts, given_discounts(offer, change.added, now)))
        if change.difference < 0:
            after = given_back(after, booking.total, change.refund)
        after, fact = issue_at(after, priced, places, self.issuer)
        due_back = replace(booking.total, minor_units=change.refund) if change.refund else None
        return Step(replace(fact, refund_due=due_back, reason=self.reason), after), stock, tallies

    def _held_until(self, offer: Offer, booking: Booking, change: Repriced, now: datetime) -> datetime | None:
        """Who adds tickets to what is held for longer than usual pays as soon as for a hold that is made now."""
        until = booking.hold_expire_time
        longer = tickets_of(change.added) > tickets_of(change.gone)
        if until is None or not longer or not self.by_terms:
            return until
        return min(until, now + (offer.terms.hold_for or self.hold_for))

    def _held(self, view: View, booking: Booking, change: Repriced, now: datetime) -> tuple[Step, Stock, list[Record]]:
        exchanged(view, booking, change.gone, change.added)  # all limits hold for what it will be
        offer = view.stock.known_offer()
        until = until_it_ends(offer, change.added, now + (offer.terms.hold_for or self.hold_for))
        after = replace(
            booking, pending=replace(change.pending(booking), discounts=given_discounts(offer, change.added, now)),
            price_change=change.told(now), hold_expire_time=until,
            update_time=now,
        )  # fmt: skip
        held = held_for_change(after)
        whole = not change.gone  # else it has the places of what leaves for the rest
        stock, tallies = (view.stock, []) if held is None or not held.lines else occupied(view, held, whole=whole)
        return Step(facts.BookingChangeHeld(self.reason), after), stock, tallies


@dataclass(frozen=True, slots=True)
class TryChange(OnBooking):
    """The same, only to know what it would come to."""

    change: Change
    recorded: ClassVar[bool] = False

    @property
    def event(self) -> str:
        """The event's resource name."""
        return self.change.event

    @property
    def booking(self) -> str:  # type: ignore[override]
        """The booking's name."""
        return self.change.booking

    @property
    def etag(self) -> str:
        """The expected etag."""
        return self.change.etag

    def needs(self, stock: Stock, found: Found) -> Sequence[Key]:
        """As the change."""
        return self.change.needs(stock, found)

    def decide(self, view: View, now: datetime) -> Outcome:
        """The booking as it would be; nothing is written. Refusals as the change."""
        return unchanged(view.stock, self.change.decide(view, now).answer)


def _seated(view: View, booking: Booking, change: Repriced) -> Repriced:
    """With seats for what is added, those of the leaving tickets among them. Refusals as `seated`."""
    if not change.added:
        return change
    freed = view.after(*vacated(view, part_of(booking, change.gone)))
    return replace(change, added=seated(freed, part_of(booking, change.added)).lines)


def change_pending(booking: Booking) -> FailedPrecondition:
    """The refusal while a change waits; metadata tell for how much and until when."""
    until = "" if booking.hold_expire_time is None else booking.hold_expire_time.isoformat().replace("+00:00", "Z")
    return FailedPrecondition(
        "CHANGE_PENDING",
        f"{booking.due} is still to be paid for an earlier change.",
        metadata={"amount_due": str(booking.due), "hold_expire_time": until},
    )

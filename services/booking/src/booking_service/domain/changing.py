"""What a change of a booking's tickets comes to: which leave, what comes, what it costs or gives back."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from booking_service.domain.booking import (
    Booking,
    Line,
    PendingChange,
    PriceChange,
    Ticket,
    already_checked_in,
    total_of,
    void_ticket,
)
from booking_service.domain.inventory import Inventory
from booking_service.domain.lines import Rearranged, beyond, moved, rearranged, taken_out
from booking_service.domain.offer import Offer, OfferState
from booking_service.domain.package import check_package, check_parts
from booking_service.domain.passing_on import refuse_passed_on
from booking_service.domain.pricing.changes import UnitAt, reprice
from booking_service.domain.pricing.inputs import Item
from booking_service.domain.refunding import bound_to, carried_over, date_is_off, exchange_by_terms, start_of
from booking_service.domain.selling import Wanted, check_window, line_of, visible_type
from booking_service.domain.states import LIFE, BookingAction, TicketState
from booking_service.domain.tariffs import tariff_of
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition

MOST_TICKETS = 2000  # that a booking ever had, void ones included: it is one document, and stands in every domain event


@dataclass(frozen=True, slots=True)
class Reduction:
    """So many tickets of one type and date that leave."""

    ticket_type: str
    date: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Repriced:
    """What a change comes to. gone, added: as lines. refund, due: minor units; one of them is 0.

    not_refundable: minor units of what is added that will not go back.
    """

    units: frozenset[UnitAt]
    gone: tuple[Line, ...]
    added: tuple[Line, ...]
    difference: int
    refund: int
    due: int
    not_refundable: int = 0

    def pending(self, booking: Booking) -> PendingChange:
        """The change as it waits to be paid."""
        leaving = tuple(each.name for each in booking.tickets if each.unit in self.units)
        return PendingChange(leaving, self.added, beyond(self.added, self.gone), self.due, self.not_refundable)

    def told(self, now: datetime) -> PriceChange:
        """The same, to be kept with the booking."""
        return PriceChange(now, self.difference, self.refund, self.due)


def leaving(
    booking: Booking, names: Collection[str], reductions: Sequence[Reduction], kept: Collection[Ticket] = ()
) -> frozenset[UnitAt]:
    """Which tickets leave: the named ones, and the last ones of each type and date. kept: what its buyer passed on.

    NotFound; FailedPrecondition TICKET_CHECKED_IN, TICKET_VOID, TICKET_TRANSFERRED, TOO_FEW_TO_REMOVE.
    """
    units: set[UnitAt] = set()
    for name in names:
        ticket = booking.ticket(name)
        if ticket.state is TicketState.VOID:
            raise void_ticket(ticket)
        units.add(ticket.unit)
    admitted = {each.unit: each for each in booking.tickets if each.state is TicketState.CHECKED_IN}
    for ticket in (admitted[unit] for unit in units if unit in admitted):
        raise already_checked_in(ticket)
    refuse_passed_on([each for each in kept if each.unit in units])
    staying = admitted.keys() | {each.unit for each in kept}
    for each in reductions:
        free = [
            UnitAt(number, unit)
            for number, line in enumerate(booking.lines)
            if (line.ticket_type, line.date) == (each.ticket_type, each.date)
            for unit in range(line.quantity)
            if UnitAt(number, unit) not in units and UnitAt(number, unit) not in staying
        ]
        if len(free) < each.quantity:
            raise FailedPrecondition(
                "TOO_FEW_TO_REMOVE",
                f"The booking has {len(free)} such tickets that can leave.",
                metadata={"ticket_type": each.ticket_type, "present": str(len(free))},
            )
        units.update(free[len(free) - each.quantity :])
    return frozenset(units)


def repriced(
    booking: Booking,
    units: frozenset[UnitAt],
    wanted: Sequence[Wanted],
    offer: Offer,
    inventory: Inventory,
    now: datetime,
    *,
    by_terms: bool,
) -> Repriced:
    """What it comes to when these tickets leave and those are bought. by_terms: what goes back is what the terms say.

    FailedPrecondition EVENT_NOT_ON_SALE, DATE_REQUIRED, DATE_CANCELLED, CURRENCIES_MIXED, PRICE_NOT_CONVERTIBLE;
    NotFound.
    """
    kinds = [offer.ticket_type(each.ticket_type) for each in wanted]
    if wanted and offer.state is not OfferState.PUBLISHED:
        raise FailedPrecondition(
            "EVENT_NOT_ON_SALE", "The event is not on sale.", metadata={"event": offer.event, "state": offer.state.name}
        )
    items = [Item(each.ticket_type, each.quantity, each.date) for each in wanted]
    for each in wanted:
        offer.date(each.date)
    price = reprice(
        booking.breakdown(), units, items, tariff_of(offer, kinds, inventory, now), now,
        booking.exchange_rate,
    )  # fmt: skip
    added = tuple(
        line_of(offer, kind, each, line.runs) for kind, each, line in zip(kinds, wanted, price.added.lines, strict=True)
    )
    gone = taken_out(booking.lines, units)
    refund, lost = price.given_back.minor_units, bound_to(booking, units, added)
    if units and by_terms:
        refund, lost = exchange_by_terms(booking, units, gone, added, offer, now)
    return Repriced(units, gone, added, price.difference.minor_units, refund, price.owed.minor_units, lost)


def check_terms(booking: Booking, change: Repriced, wanted: Sequence[Wanted], offer: Offer, now: datetime) -> None:
    """What a buyer may change: by the terms, before it begins, within sale windows, and nothing that needs approval.

    NotFound for a hidden type; FailedPrecondition CHANGE_NOT_ALLOWED, SALE_NOT_OPEN, SALE_ENDED, APPROVAL_REQUIRED, and
    as `check_package`.
    """
    if not booking.state.pending:
        begun = [
            line for line in change.gone if start_of(offer, line.date) <= now and not date_is_off(offer, line.date)
        ]  # fmt: skip
        if not offer.terms.change_allowed or begun:
            why = "What has begun cannot be changed." if begun else "This event's bookings cannot be changed."
            raise FailedPrecondition("CHANGE_NOT_ALLOWED", why, metadata={"event": offer.event})
    booked = {(line.ticket_type, line.date) for line in booking.lines}
    for each in wanted:
        kind = visible_type(offer, each, lambda kind, date: (kind, date) in booked)
        check_window(offer, kind, now, offer.date(each.date))
        if kind.approval_required:
            raise FailedPrecondition(
                "APPROVAL_REQUIRED",
                f"{kind.display_name} needs the organizer's approval; make another booking for it.",
                metadata={"ticket_type": kind.name},
            )
    _check_package(booking, change, offer)


def check_limits(booking: Booking, change: Repriced, offer: Offer) -> None:
    """What holds for whoever changes it.

    FailedPrecondition NOTHING_CHANGES, NOTHING_LEFT, TOO_MANY_CHANGES, BUNDLE_INCOMPLETE.
    """
    if _content(change.gone) == _content(change.added):
        raise FailedPrecondition("NOTHING_CHANGES", "Say which tickets shall leave or come.")
    lines = rearranged(booking.lines, change.units, change.added).lines
    if not lines:
        raise FailedPrecondition("NOTHING_LEFT", "No ticket would be left; cancel the booking instead.")
    if len(booking.tickets) + sum(line.quantity * _tickets_of(line) for line in change.added) > MOST_TICKETS:
        raise FailedPrecondition("TOO_MANY_CHANGES", f"A booking never has more than {MOST_TICKETS} tickets.")
    for each in change.added:
        check_parts(offer, offer.ticket_type(each.ticket_type))


def _check_package(booking: Booking, change: Repriced, offer: Offer) -> None:
    """What is left and comes goes together; where tickets only leave, having more than the limit is no reason."""
    entries = [
        (kind, line.quantity, line.date)
        for line in rearranged(booking.lines, change.units, change.added).lines
        if (kind := offer.find_ticket_type(line.ticket_type)) is not None
    ]
    try:
        check_package(offer, entries)
    except FailedPrecondition as refusal:
        if change.added or refusal.reason != "TOO_MANY_IN_BOOKING":
            raise


def applied(
    booking: Booking, units: frozenset[UnitAt], added: Sequence[Line], now: datetime, not_refundable: int = 0
) -> tuple[Booking, Rearranged]:
    """The booking with its new lines and price, the left tickets void; the new ones are still to be issued.

    not_refundable: minor units of what is added that will not go back.
    """
    change = rearranged(booking.lines, units, added)
    after = replace(
        booking,
        state=LIFE.after(booking.state, BookingAction.CHANGE),
        lines=change.lines,
        total=total_of(change.lines),
        tickets=moved(booking, change),
        not_refundable=carried_over(booking, change, not_refundable),
        pending=None,
        hold_expire_time=booking.hold_expire_time if booking.state.pending else None,
        update_time=now,
    )
    return after, change


def given_back(booking: Booking, before: Money, refund: int) -> Booking:
    """With a refund for tickets that left: what else was paid for them is retained."""
    surplus = before.minor_units - booking.total.minor_units
    return replace(
        booking,
        paid=booking.paid - refund,
        refunded=booking.refunded + refund,
        retained=booking.retained + surplus - refund,
    )


def _content(lines: Sequence[Line]) -> Counter[tuple[str, str, tuple[str, ...]]]:
    content = Counter[tuple[str, str, tuple[str, ...]]]()
    for line in lines:
        content[line.ticket_type, line.date, tuple(sorted(line.seats))] += line.quantity
    return content


def _tickets_of(line: Line) -> int:
    return sum(content.count for content in line.contents) or 1

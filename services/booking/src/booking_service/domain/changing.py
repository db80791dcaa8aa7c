"""What a change of a booking's tickets comes to: which leave, what comes, what it costs or gives back."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from booking_service.domain.booking import (
    Booking,
    Line,
    NotRefundable,
    PendingChange,
    PriceChange,
    Ticket,
    already_checked_in,
    plain,
    total_of,
    void_ticket,
)
from booking_service.domain.inventory import Inventory
from booking_service.domain.lines import Rearranged, beyond, moved, rearranged, taken_out
from booking_service.domain.offer import Offer, OfferedType, OfferState
from booking_service.domain.package import check_package, check_parts
from booking_service.domain.passing_on import refuse_passed_on
from booking_service.domain.pricing.breakdown import PriceBreakdown
from booking_service.domain.pricing.changes import UnitAt, reprice
from booking_service.domain.pricing.inputs import Item, VoucherBenefit, VoucherKind
from booking_service.domain.pricing.regrouping import Regrouping, discounts_of
from booking_service.domain.records import Key, View
from booking_service.domain.refunding import (
    bound_by_rest,
    bound_to,
    carried_over,
    date_is_off,
    exchange_by_terms,
    start_of,
)
from booking_service.domain.selling import Wanted, check_window, line_of, visible_type
from booking_service.domain.states import LIFE, BookingAction, TicketState
from booking_service.domain.tariffs import kept_discounts, tariff_of
from booking_service.domain.voucher import voucher_key
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
    """What a change comes to. refund, due: minor units; one of them is 0.

    lines: those of the booking, kept tickets at what they cost from then on and leaving ones at what they are worth.
    gone: of these what leaves. added: what comes. not_refundable: minor units of what is added that will not go back.
    """

    units: frozenset[UnitAt]
    lines: tuple[Line, ...]
    gone: tuple[Line, ...]
    added: tuple[Line, ...]
    difference: int
    refund: int
    due: int
    not_refundable: int = 0
    bounds: tuple[NotRefundable, ...] = ()

    def pending(self, booking: Booking) -> PendingChange:
        """The change as it waits to be paid."""
        leaving = tuple(each.name for each in booking.tickets if each.unit in self.units)
        lines = () if self.lines == booking.lines else self.lines
        bounds = () if self.bounds == booking.not_refundable else self.bounds
        return PendingChange(
            leaving, self.added, beyond(self.added, self.gone), self.due, self.not_refundable, lines, bounds=bounds
        )

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
    benefits: Mapping[int, VoucherBenefit],
) -> Repriced:
    """What it comes to when these tickets leave and those are bought. by_terms: what goes back is what the terms say.
    benefits: as `benefits_of`.

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
        booking.breakdown(), units, items, tariff_of(offer, kinds, inventory, now), now, booking.exchange_rate,
        by=_regrouping(booking, units, wanted, offer, benefits), paid=not booking.state.pending,
    )  # fmt: skip
    lines = _at_prices(booking.lines, price.lines)
    gone = taken_out(lines, units)
    added = tuple(
        _in_place_of(line_of(offer, kind, each, line.runs), kind, gone)
        for kind, each, line in zip(kinds, wanted, price.added.lines, strict=True)
    )
    worth, bounds = replace(booking, lines=lines), booking.not_refundable
    if price.forfeited:
        refund, lost = 0, 0
    elif units and by_terms:
        if lines is not booking.lines:
            bounds = bound_by_rest(booking, lines, units, offer, now)
        refund, lost = exchange_by_terms(worth, units, gone, added, offer, now)
    else:
        refund, lost = price.given_back.minor_units, bound_to(worth, units, added)
    return Repriced(
        units, lines, gone, added, price.difference.minor_units, refund, price.owed.minor_units, lost, bounds
    )


def keys_of_benefits(booking: Booking) -> list[Key]:
    """The records that `benefits_of` looks at."""
    return [voucher_key(booking.event, voucher) for voucher in booking.redeemed()]


def benefits_of(view: View, booking: Booking) -> dict[int, VoucherBenefit]:
    """Number of a line → what the voucher does that its tickets redeem and that changes prices."""
    found: dict[int, VoucherBenefit] = {}
    for number, line in enumerate(booking.lines):
        for each in line.vouchers:
            voucher = view.find(*voucher_key(booking.event, each))
            if voucher is not None and voucher.kind is not VoucherKind.NONE:
                found[number] = voucher.benefit()
    return found


def _regrouping(
    booking: Booking,
    units: Collection[UnitAt],
    wanted: Sequence[Wanted],
    offer: Offer,
    benefits: Mapping[int, VoucherBenefit],
) -> Regrouping | None:
    """By which discounts the kept tickets are priced anew: those they were bought with, whatever became of these since.

    Who adds tickets to an order that is not paid makes it anew, by the discounts of today. None where no discount falls
    otherwise than before, and where all that leaves is called off: that breaks no group of its buyer's.
    """
    discounts = kept_discounts(offer, booking.lines, booking.discounts)
    if booking.state.pending and wanted:
        discounts = offer.discounts
    elif all(date_is_off(offer, booking.lines[line].date) for line, _ in units):
        return None
    if not discounts and not discounts_of([line.priced() for line in booking.lines]):
        return None
    return Regrouping(discounts, offer.terms.service_fee, benefits)


def _at_prices(lines: tuple[Line, ...], prices: PriceBreakdown) -> tuple[Line, ...]:
    """The same lines, their tickets at these prices."""
    if all(line.priced() == priced for line, priced in zip(lines, prices.lines, strict=True)):
        return lines
    return tuple(
        replace(line, runs=() if [run.unit for run in priced.runs] == [plain(line.unit_price)] else priced.runs)
        for line, priced in zip(lines, prices.lines, strict=True)
    )


def _in_place_of(line: Line, kind: OfferedType, gone: Sequence[Line]) -> Line:
    """Of a hidden type, for which a code was given: with the uses of the tickets whose place these take."""
    if not kind.hidden:
        return line
    left = [each for each in gone if (each.ticket_type, each.date) == (line.ticket_type, line.date)]
    same = len({each.vouchers for each in left}) == 1 and line.quantity <= sum(each.quantity for each in left)
    return replace(line, vouchers=left[0].vouchers) if same else line


def refuse_hidden(booking: Booking, units: Collection[UnitAt], wanted: Sequence[Wanted], offer: Offer) -> None:
    """A buyer has as many tickets of a hidden type as a code was given for: more come only in the place of others.

    NotFound, as for a type that does not exist, for who has none of it; FailedPrecondition VOUCHER_REQUIRED.
    """
    known = {line.ticket_type for line in booking.lines}
    free = Counter[tuple[str, str]]()
    for line, _ in units:
        free[booking.lines[line].ticket_type, booking.lines[line].date] += 1
    for each in wanted:
        kind = visible_type(offer, each, lambda name, _: name in known)
        if kind.hidden and each.quantity > free[each.ticket_type, each.date]:
            raise FailedPrecondition(
                "VOUCHER_REQUIRED",
                f"{kind.display_name} is sold to those with a code for it; make another booking for it.",
                metadata={"ticket_type": kind.name},
            )


def check_terms(booking: Booking, change: Repriced, wanted: Sequence[Wanted], offer: Offer, now: datetime) -> None:
    """What a buyer may change: by the terms, before it begins, within sale windows, and nothing that needs approval.

    FailedPrecondition CHANGE_NOT_ALLOWED, SALE_NOT_OPEN, SALE_ENDED, APPROVAL_REQUIRED, and as `check_package`.
    """
    if not booking.state.pending:
        begun = [
            line for line in change.gone if start_of(offer, line.date) <= now and not date_is_off(offer, line.date)
        ]  # fmt: skip
        if not offer.terms.change_allowed or begun:
            why = "What has begun cannot be changed." if begun else "This event's bookings cannot be changed."
            raise FailedPrecondition("CHANGE_NOT_ALLOWED", why, metadata={"event": offer.event})
    for each in wanted:
        kind = offer.ticket_type(each.ticket_type)
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
    if len(booking.tickets) + tickets_of(change.added) > MOST_TICKETS:
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


def tickets_of(lines: Sequence[Line]) -> int:
    """How many tickets are issued for these lines."""
    return sum(line.quantity * (sum(content.count for content in line.contents) or 1) for line in lines)

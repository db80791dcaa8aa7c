"""What goes back to a buyer who gives tickets up, by the terms of the event or as its organizer says."""

from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import replace
from datetime import datetime

from booking_service.domain.booking import Booking, Line, NotRefundable
from booking_service.domain.lines import Rearranged
from booking_service.domain.offer import Offer, OfferState
from booking_service.domain.pricing.breakdown import UnitPrice
from booking_service.domain.pricing.changes import UnitAt
from booking_service.domain.pricing.inputs import EVERYTHING
from booking_service.domain.pricing.refunds import most_generous, refund_of, refund_share
from booking_service.domain.pricing.rounding import portions, share
from booking_service.domain.terms import RefundTerms

MOST_FORMER = 20  # refund terms that an event had; more are a document that every booking's lane would read


def cancellation_refund(booking: Booking, offer: Offer | None, basis_points: int | None, now: datetime) -> int:
    """Minor units that go back for the whole booking. basis_points: of all that was paid; None: by the terms.

    Of an event that is called off everything goes back.
    """
    if offer is None or offer.state in (OfferState.CANCELLED, OfferState.DELETED):
        return booking.paid
    if basis_points is not None:
        return share(booking.paid, basis_points)
    # Until it is confirmed nothing was paid, whatever it costs.
    return min(booking.paid, refund_by_terms(booking, offer, now)) if booking.paid else 0


def refund_by_terms(booking: Booking, offer: Offer, now: datetime, units: Container[UnitAt] | None = None) -> int:
    """Minor units that go back for these tickets, None: for all; everything for a date that is called off.

    Of each ticket by those terms that bring its buyer more, see `refund_terms`; but see `NotRefundable`.
    """
    bound = {each.unit: each.amount for each in booking.not_refundable}
    due = 0
    for number, line in enumerate(booking.lines):
        prices = list(line.priced().units())
        off = date_is_off(offer, line.date)
        backs = [price.total.minor_units for price in prices] if off else _most_back(booking, line, prices, offer, now)
        for unit, (price, back) in enumerate(zip(prices, backs, strict=True)):
            at = UnitAt(number, unit)
            if units is None or at in units:
                due += back if off else min(back, max(0, price.total.minor_units - bound.get(at, 0)))
    return due


def exchange_by_terms(
    booking: Booking, units: Container[UnitAt], gone: Sequence[Line], added: Sequence[Line], offer: Offer, now: datetime
) -> tuple[int, int]:
    """Minor units that go back where a buyer's tickets leave for those, and how many of what is added never will.

    INVARIANT: what goes back and what the added tickets can ever bring, less what is paid for them in addition, is no
    more than giving the tickets up brings now: an exchange for another date is no way around the terms.
    """
    most, left = refund_by_terms(booking, offer, now, units), worth_of(gone) - worth_of(added)
    if not added:
        return most, 0
    refund = min(most, surplus_by_terms(gone, added, booking, offer, now)) if left > 0 else 0
    lost = worth_of(gone) - most
    return refund, max(0, lost - (max(0, left) - refund))  # what is left over and does not go back is lost already


def bound_by_rest(
    booking: Booking, lines: Sequence[Line], units: Container[UnitAt], offer: Offer, now: datetime
) -> tuple[NotRefundable, ...]:
    """What of a booking's tickets never goes back once these leave and break a group. lines: with the new prices.

    INVARIANT: what would not go back for a leaving ticket does not go back for a kept one that costs more for that.
    """
    after = replace(booking, lines=tuple(lines))
    moved = _lost(booking, units, offer, now) - _lost(after, units, offer, now)
    rises = {
        UnitAt(number, at): max(0, price.total.minor_units - former.total.minor_units)
        for number, (line, before) in enumerate(zip(lines, booking.lines, strict=True))
        for at, (price, former) in enumerate(zip(line.priced().units(), before.priced().units(), strict=True))
        if UnitAt(number, at) not in units
    }
    parts = portions(max(0, min(moved, sum(rises.values()))), list(rises.values()))
    bound = Counter({each.unit: each.amount for each in booking.not_refundable})
    bound.update({at: part for at, part in zip(rises, parts, strict=True) if part})
    return tuple(NotRefundable(at, amount) for at, amount in bound.items())


def _lost(booking: Booking, units: Container[UnitAt], offer: Offer, now: datetime) -> int:
    """Minor units that would not go back for these tickets."""
    worth = sum(
        price.total.minor_units
        for number, line in enumerate(booking.lines)
        for at, price in enumerate(line.priced().units()) if UnitAt(number, at) in units
    )  # fmt: skip
    return worth - refund_by_terms(booking, offer, now, units)


def bound_to(booking: Booking, units: Container[UnitAt], added: Sequence[Line]) -> int:
    """Minor units of what is added that never go back where an organizer exchanges tickets: as many as before."""
    return min(worth_of(added), sum(each.amount for each in booking.not_refundable if each.unit in units))


def carried_over(booking: Booking, change: Rearranged, amount: int) -> tuple[NotRefundable, ...]:
    """What of a booking's tickets never goes back after a change; `amount` of the new ones, by what they cost."""
    kept = [
        replace(each, unit=change.places[each.unit]) for each in booking.not_refundable if each.unit in change.places
    ]
    if not amount:
        return tuple(kept)
    prices = [list(line.priced().units()) for line in change.lines]
    parts = portions(amount, [prices[at.line][at.unit].total.minor_units for at in change.new])
    return (*kept, *(NotRefundable(at, part) for at, part in zip(change.new, parts, strict=True) if part))


def surplus_by_terms(
    gone: Sequence[Line], added: Sequence[Line], booking: Booking, offer: Offer, now: datetime
) -> int:  # fmt: skip
    """Minor units that go back where dearer tickets are exchanged for cheaper ones.

    The leaving tickets count at their full worth for the added ones. Of the rest that share goes back that would go
    back for the ticket with the least of it. Fees against fees, where the terms keep them.
    """
    price_left = sum(_price(line) for line in gone) - sum(_price(line) for line in added)
    fee_left = sum(_fee(line) for line in gone) - sum(_fee(line) for line in added)
    by_terms = []
    for terms in refund_terms(offer, booking.create_time):
        least = min(_share_of(line, terms, offer, now) for line in gone)
        if terms.keeps_fees:
            by_terms.append(min(price_left + fee_left, share(max(0, price_left), least)))
        else:
            by_terms.append(share(price_left + fee_left, least))
    return max(by_terms)


def refund_terms(offer: Offer, booked: datetime) -> list[RefundTerms]:
    """The terms that a booking made at that moment has a choice of: those of then, and those of now."""
    then = next((each for each in offer.former_refunds if each.until is None or booked <= each.until), None)
    return [offer.terms.refunds] if then is None else [then, offer.terms.refunds]


def former_refunds(known: Offer, coming: Offer, now: datetime) -> tuple[RefundTerms, ...]:
    """The former terms once another offer is known; those of an event that nobody could book yet are none.

    Of very many the oldest are kept as one that gives no buyer less.
    """
    former, last = known.former_refunds, known.terms.refunds
    if not known.published or coming.terms.refunds == last:
        return former
    former = (*former, replace(last, until=max([now, *(each.until for each in former if each.until is not None)])))
    if len(former) <= MOST_FORMER:
        return former
    first, second, *rest = former
    keeps_fees = first.keeps_fees and second.keeps_fees
    return RefundTerms(most_generous(first.steps, second.steps), keeps_fees, second.until), *rest


def worth_of(lines: Sequence[Line]) -> int:
    """Minor units that were, or are to be, paid for them."""
    return sum(line.total.minor_units for line in lines)


def start_of(offer: Offer, date: str) -> datetime:
    """When the event, or that date of it, begins."""
    return next((each.start_time for each in offer.dates if each.name == date), offer.start_time)


def end_of(offer: Offer, date: str) -> datetime:
    """When the event, or that date of it, ends."""
    return next((each.end_time for each in offer.dates if each.name == date), offer.end_time)


def date_is_off(offer: Offer, date: str) -> bool:
    """That date, or the event, is called off; a date that the event does not have any more is."""
    found = next((each for each in offer.dates if each.name == date), None)
    gone = found is None and bool(date)
    return gone or (found is not None and found.cancelled) or offer.state in (OfferState.CANCELLED, OfferState.DELETED)


def _share_of(line: Line, terms: RefundTerms, offer: Offer, now: datetime) -> int:
    if date_is_off(offer, line.date):
        return EVERYTHING
    return refund_share(terms.steps, start_of(offer, line.date), now)


def _most_back(
    booking: Booking, line: Line, prices: Sequence[UnitPrice], offer: Offer, now: datetime
) -> list[int]:  # fmt: skip
    """What goes back for each ticket, by the terms that bring more of it."""
    start = start_of(offer, line.date)
    by_terms = [
        [unit.total.minor_units for unit in refund_of(prices, terms.steps, terms.keeps_fees, start, now).units]
        for terms in refund_terms(offer, booking.create_time)
    ]
    return by_terms[0] if len(by_terms) == 1 else [max(each) for each in zip(*by_terms, strict=True)]


def _price(line: Line) -> int:
    priced = line.priced()
    return priced.total.minor_units - priced.fee.minor_units


def _fee(line: Line) -> int:
    return line.priced().fee.minor_units

"""What goes back to a buyer who gives tickets up, by the terms of the event or as its organizer says."""

from collections.abc import Sequence
from datetime import datetime

from booking_service.domain.booking import Booking, Line
from booking_service.domain.offer import Offer, OfferState
from booking_service.domain.pricing.inputs import EVERYTHING
from booking_service.domain.pricing.refunds import refund_of, refund_share
from booking_service.domain.pricing.rounding import share


def cancellation_refund(booking: Booking, offer: Offer | None, basis_points: int | None, now: datetime) -> int:
    """Minor units that go back for the whole booking. basis_points: of all that was paid; None: by the terms.

    Of an event that is called off everything goes back.
    """
    if offer is None or offer.state in (OfferState.CANCELLED, OfferState.DELETED):
        return booking.paid
    if basis_points is not None:
        return share(booking.paid, basis_points)
    # Until it is confirmed nothing was paid, whatever it costs.
    return min(booking.paid, refund_by_terms(booking.lines, offer, now))


def refund_by_terms(lines: Sequence[Line], offer: Offer, now: datetime) -> int:
    """Minor units that go back for the tickets of these lines; everything for a date that is called off."""
    due = 0
    for line in lines:
        if date_is_off(offer, line.date):
            due += line.total.minor_units
            continue
        terms, units = offer.terms, list(line.priced().units())
        start = start_of(offer, line.date)
        due += refund_of(units, terms.refund_steps, terms.refund_keeps_fees, start, now).total.minor_units
    return due


def surplus_by_terms(gone: Sequence[Line], added: Sequence[Line], offer: Offer, now: datetime) -> int:
    """Minor units that go back where dearer tickets are exchanged for cheaper ones.

    The leaving tickets count at their full worth for the added ones. Of the rest that share goes back that would go
    back for the ticket with the least of it: so, but for rounding, an exchange in several steps, or one before a
    cancellation, brings no more than giving the tickets up does. Fees against fees, where the terms keep them.
    """
    least = min(_share_of(line, offer, now) for line in gone)
    price_left = sum(_price(line) for line in gone) - sum(_price(line) for line in added)
    fee_left = sum(_fee(line) for line in gone) - sum(_fee(line) for line in added)
    if price_left + fee_left <= 0:
        return 0
    if not offer.terms.refund_keeps_fees:
        return share(price_left + fee_left, least)
    return min(price_left + fee_left, share(max(0, price_left), least))


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


def _share_of(line: Line, offer: Offer, now: datetime) -> int:
    if date_is_off(offer, line.date):
        return EVERYTHING
    return refund_share(offer.terms.refund_steps, start_of(offer, line.date), now)


def _price(line: Line) -> int:
    priced = line.priced()
    return priced.total.minor_units - priced.fee.minor_units


def _fee(line: Line) -> int:
    return line.priced().fee.minor_units

"""Until when places are held at most: nothing is kept, and no money taken, for what is over."""

from collections.abc import Sequence
from datetime import datetime

from booking_service.domain.booking import Line
from booking_service.domain.offer import Offer
from booking_service.domain.refunding import end_of, start_of
from domain_kit.refusals import FailedPrecondition


def until_sale_ends(offer: Offer, lines: Sequence[Line], until: datetime) -> datetime:
    """No later than the sale of what is held. NotFound for a type or date that is not sold."""
    ends = [offer.sale_end_of(offer.ticket_type(line.ticket_type), offer.date(line.date)) for line in lines]
    return min([until, *ends])


def until_it_begins(offer: Offer, lines: Sequence[Line], until: datetime, now: datetime) -> datetime:
    """For what an organizer agrees to, whatever its sale: no later than it begins or, once it has, ends."""
    starts = [start_of(offer, line.date) for line in lines]
    ends = [start if now < start else end_of(offer, line.date) for start, line in zip(starts, lines, strict=True)]
    return min([until, *ends])


def until_it_ends(offer: Offer, lines: Sequence[Line], until: datetime) -> datetime:
    """For whoever books while it is sold, and so may pay a moment after: no later than it ends."""
    if until <= offer.start_time and not offer.dates:  # the way of nearly all holds
        return until
    return min([until, *(end_of(offer, line.date) for line in lines)])


def is_over(offer: Offer, lines: Sequence[Line], now: datetime) -> bool:
    """Whether all that these are for has ended."""
    return all(end_of(offer, line.date) <= now for line in lines) if offer.dates else offer.end_time <= now


def refuse_over(offer: Offer, lines: Sequence[Line], now: datetime) -> None:
    """FailedPrecondition EVENT_OVER."""
    if is_over(offer, lines, now):
        raise FailedPrecondition("EVENT_OVER", "What these tickets are for is over.", metadata={"event": offer.event})

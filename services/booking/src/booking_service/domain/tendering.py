"""Which currency a booking is paid in, at which rate, and its lines in that currency."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from booking_service.domain.booking import Line, plain
from booking_service.domain.offer import Offer, OfferedType
from booking_service.domain.pricing.tender import runs_in
from domain_kit.exchange_rate import ExchangeRate
from domain_kit.money import exponents
from domain_kit.refusals import FailedPrecondition, InvalidArgument

NOT_IN_THAT_CURRENCY = frozenset({"CURRENCY_NOT_OFFERED", "RATE_STALE", "PRICE_NOT_CONVERTIBLE"})


def tendered(
    offer: Offer, lines: Sequence[Line], currency: str, now: datetime
) -> tuple[tuple[Line, ...], ExchangeRate | None]:
    """Priced lines in the currency asked for, and the rate that fixes; None for the event's own, also meant by "".

    InvalidArgument CURRENCY_UNKNOWN; FailedPrecondition CURRENCY_NOT_OFFERED, RATE_STALE, PRICE_NOT_CONVERTIBLE.
    """
    in_own = lines_in(lines, None)
    own = offer.currency or in_own[0].unit_price.currency
    if currency in ("", own):
        return in_own, None
    rate = _rate_for(offer, own, currency, now)
    return lines_in(in_own, rate), rate


def require_offered(offer: Offer, kind: OfferedType, currency: str) -> None:
    """InvalidArgument CURRENCY_UNKNOWN; FailedPrecondition CURRENCY_NOT_OFFERED."""
    own = offer.currency or kind.price.currency
    if currency not in ("", own):
        _offered(offer, own, currency)


def _offered(offer: Offer, own: str, currency: str) -> ExchangeRate:
    if currency not in exponents():
        what = f"{currency!r} is not an ISO 4217 currency."
        raise InvalidArgument.of("currency_code", what, reason="CURRENCY_UNKNOWN")
    rate = next((each for each in offer.rates if each.currency == currency), None)
    if rate is None:
        offered = ",".join(sorted({own, *(each.currency for each in offer.rates)}))
        raise FailedPrecondition(
            "CURRENCY_NOT_OFFERED",
            f"This cannot be paid in {currency}.",
            metadata={"currency_code": currency, "offered": offered},
        )
    return rate


def _rate_for(offer: Offer, own: str, currency: str, now: datetime) -> ExchangeRate:
    rate = _offered(offer, own, currency)
    if offer.max_rate_age is not None and now - rate.rate_time > offer.max_rate_age:
        as_of = rate.rate_time.isoformat().replace("+00:00", "Z")
        raise FailedPrecondition(
            "RATE_STALE",
            f"The rate for {currency} is of {as_of}, which is too long ago; the organizer has to tell a new one.",
            metadata={"currency_code": currency, "rate_time": as_of},
        )
    return rate


def lines_in(lines: Sequence[Line], rate: ExchangeRate | None) -> tuple[Line, ...]:
    """Lines in the currency of the rate, with None in the event's. FailedPrecondition PRICE_NOT_CONVERTIBLE.

    What others sell on is turned into the buyer's currency at the buyer's rate: its price in the event's currency is
    what passes from one to the other, and neither pays for a rate of the other's.
    """
    if rate is None and all(run.unit.base is None for line in lines for run in line.runs):
        return tuple(lines)
    return tuple(_line_in(line, rate) for line in lines)


def _line_in(line: Line, rate: ExchangeRate | None) -> Line:
    runs = runs_in(line.priced().runs, rate)
    price = runs[0].unit.list_price
    return replace(line, unit_price=price, runs=() if len(runs) == 1 and runs[0].unit == plain(price) else runs)

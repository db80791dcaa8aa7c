"""The currency an event is sold in, and those that buyers may pay in beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain_kit.exchange_rate import is_rate
from domain_kit.money import exponents
from event_service.domain.problems import Problems

# A clock of who tells a rate may be a little ahead of ours.
AHEAD = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class OfferedCurrency:
    """One unit of the event's currency is worth `rate` units of it, a decimal number, as of `rate_time`."""

    currency_code: str
    rate: str
    rate_time: datetime | None
    rate_source: str


def currency_problems(own: str, offered: Sequence[OfferedCurrency]) -> Problems:
    """What is wrong with an event's currencies, whatever the time."""
    if own and own not in exponents():
        yield "currency_code", f"{own!r} is no ISO 4217 currency."
    if offered and not own:
        yield "currency_code", "is required where other currencies are offered."
    seen: set[str] = set()
    for index, each in enumerate(offered):
        path = f"offered_currencies[{index}]"
        if each.currency_code not in exponents():
            yield f"{path}.currency_code", f"{each.currency_code!r} is no ISO 4217 currency."
        elif each.currency_code == own:
            yield f"{path}.currency_code", "is the event's own."
        elif each.currency_code in seen:
            yield f"{path}.currency_code", "is offered twice."
        if not is_rate(each.rate):
            yield f"{path}.rate", "must be a decimal number above 0, at most 10000000000."
        if each.rate_time is None:
            yield f"{path}.rate_time", "is required."
        if not each.rate_source.strip():
            yield f"{path}.rate_source", "is required."
        seen.add(each.currency_code)


def rate_time_problems(offered: Sequence[OfferedCurrency], now: datetime) -> Problems:
    """Rates of days to come."""
    for index, each in enumerate(offered):
        if each.rate_time is not None and each.rate_time > now + AHEAD:
            yield f"offered_currencies[{index}].rate_time", "must not be in the future."

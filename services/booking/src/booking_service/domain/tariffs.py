"""What of an offer has a say in the price of an order."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from booking_service.domain.booking import Line
from booking_service.domain.inventory import Inventory
from booking_service.domain.offer import Offer, OfferedType
from booking_service.domain.pricing.inputs import STANDARD, Discount, PricedType, Tariff, TaxRate, VoucherBenefit
from booking_service.domain.pricing.regrouping import discounts_of
from compliance import TaxClass, tax_rates
from domain_kit.refusals import Refusal

_MILLIONTHS = 10  # compliance counts rates per 100,000


def tariff_of(
    offer: Offer,
    kinds: Iterable[OfferedType],
    inventory: Inventory,
    now: datetime,
    voucher: VoucherBenefit | None = None,
) -> Tariff:
    """Prices, phases, discounts, fee and taxes of these types at that moment."""
    types = {
        kind.name: PricedType(kind.name, kind.display_name, kind.price, kind.phases, kind.tax_class or STANDARD)
        for kind in kinds
    }
    return Tariff(
        types=types,
        sold={name: inventory.sold.get(name.rpartition("/")[2], 0) for name in types},
        discounts=offer.discounts,
        voucher=voucher,
        fee=offer.terms.service_fee,
        rates={each.tax_class: taxes_at(_place_of(offer), each.tax_class, now.toordinal()) for each in types.values()},
    )


def given_discounts(offer: Offer, lines: Sequence[Line], now: datetime) -> tuple[Discount, ...]:
    """What is remembered of the discounts given at that moment: nothing, where none of these tickets has one."""
    if not offer.discounts or not discounts_of([line.priced() for line in lines]):
        return ()
    return _for_good(each for each in offer.discounts if each.given(now))


def kept_discounts(offer: Offer, lines: Sequence[Line], remembered: tuple[Discount, ...]) -> tuple[Discount, ...]:
    """Those by which tickets that stay are priced anew: as they were when the booking was made.

    Of one that is not remembered and that its tickets have: as the offer states it.
    """
    names = discounts_of([line.priced() for line in lines]) - {each.name for each in remembered}
    return (*remembered, *_for_good(each for each in offer.discounts if each.name in names)) if names else remembered


def with_more(remembered: tuple[Discount, ...], more: Sequence[Discount]) -> tuple[Discount, ...]:
    """Those of added tickets as well; each as it was when it was first given."""
    known = {each.name for each in remembered}
    return (*remembered, *(each for each in more if each.name not in known))


def _for_good(discounts: Iterable[Discount]) -> tuple[Discount, ...]:
    return tuple(replace(each, start=None, end=None) for each in discounts)


def _place_of(offer: Offer) -> str:
    """A country, or its subdivision where the venue names one by its ISO 3166-2 code."""
    country, region = offer.place.country, offer.place.region
    return f"{country}-{region}" if country and region.isupper() and len(region) <= 3 else country


@lru_cache(maxsize=1024)
def taxes_at(place: str, tax_class: str, day: int) -> tuple[TaxRate, ...]:
    """The taxes that a price at that place includes; none where it is not known which, for nothing is guessed.

    An event is taxed where it takes place (Directive 2006/112/EC, Articles 53, 54). day: proleptic Gregorian ordinal.
    """
    if not place:
        return ()
    try:
        found = tax_rates(place, TaxClass(tax_class), datetime.fromordinal(day).date())
    except (Refusal, ValueError):  # a place or a class that nothing is known of
        return ()
    return tuple(TaxRate(rate.name, rate.per_100_000 * _MILLIONTHS) for rate in found)

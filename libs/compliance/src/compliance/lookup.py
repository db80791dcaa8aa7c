"""The rates a place charges on a day; what the data files do not know is refused, never guessed."""

from datetime import date

from compliance.files import places
from compliance.rates import TaxClass, TaxRate
from domain_kit.refusals import FailedPrecondition, InvalidArgument


def tax_places() -> frozenset[str]:
    """Every place with figures: ISO 3166-1 alpha-2, or ISO 3166-2 where tax differs inside the country ("CA-QC")."""
    return frozenset(places())


def tax_rates(place: str, tax_class: TaxClass, on: date) -> tuple[TaxRate, ...]:
    """Each tax that a supply taxed at `place` on that day carries, in the order an invoice lists them.

    InvalidArgument TAX_PLACE_UNKNOWN, or TAX_PLACE_TOO_WIDE where a subdivision must be named; FailedPrecondition
    TAX_RATE_UNKNOWN where there is no figure for that class or that day. A rate of zero is an answer, with its reason.
    """
    taxes = places().get(place)
    if taxes is None:
        raise _unknown(place)
    found = tuple(period.rate for periods in taxes for period in periods.get(tax_class, ()) if period.holds_on(on))
    if len(found) != len(taxes):
        raise FailedPrecondition(
            "TAX_RATE_UNKNOWN",
            f"No {tax_class} rate is known for {place} on {on.isoformat()}.",
            metadata={"place": place, "tax_class": tax_class.value, "on": on.isoformat()},
        )
    return found


def _unknown(place: str) -> InvalidArgument:
    if any(known.startswith(f"{place}-") for known in tax_places()):
        return InvalidArgument.of("place", f"{place} taxes by subdivision: name one.", reason="TAX_PLACE_TOO_WIDE")
    return InvalidArgument.of("place", f"no tax rules are known for {place!r}.", reason="TAX_PLACE_UNKNOWN")

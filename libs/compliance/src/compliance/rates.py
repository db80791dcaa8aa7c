"""What is known of one tax on one supply at one place."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

ONE = 100_000
"""The whole, in the unit of TaxRate.per_100_000."""


class TaxClass(StrEnum):
    """How a supply is taxed. Which class a ticket belongs to is the seller's statement, not ours."""

    STANDARD = "standard"
    REDUCED = "reduced"
    EXEMPT = "exempt"
    ADMISSION_CULTURAL = "admission-cultural"


@dataclass(frozen=True, slots=True)
class TaxRate:
    """One tax on one supply.

    `per_100_000` is the tax on a net amount of 100,000: 19 % is 19,000. Basis points would not hold Quebec's 9.975 %.
    `prices_include_tax` says whether consumers are shown prices with it. `reason` is set where nothing is charged.
    """

    place: str
    tax_class: TaxClass
    name: str
    local_name: str
    per_100_000: int
    prices_include_tax: bool
    source: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Period:
    """A rate and its days, both ends included; without `until` it lasts until further notice."""

    rate: TaxRate
    since: date
    until: date | None

    def holds_on(self, day: date) -> bool:
        """Whether the rate applies on that day."""
        return self.since <= day and (self.until is None or day <= self.until)

"""What booking says that a payment was for."""

from dataclasses import dataclass

from domain_kit.money import Money


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """Something sold; total: taxes included. What was given back for it has a total below zero."""

    description: str
    quantity: int
    total: Money


@dataclass(frozen=True, slots=True)
class Tax:
    """A tax inside a total. millionths: of the price without taxes."""

    name: str
    millionths: int
    amount: Money


@dataclass(frozen=True, slots=True)
class Receipt:
    """taxes: those in `total`. buyer_name: of a buyer without an account, else empty."""

    payment: str
    total: Money
    lines: tuple[ReceiptLine, ...]
    taxes: tuple[Tax, ...]
    buyer_name: str = ""


@dataclass(frozen=True, slots=True)
class Seller:
    """An organizer as it stands on its invoices. time_zone: IANA name, in which its years begin."""

    organizer: str
    display_name: str
    country_code: str
    time_zone: str

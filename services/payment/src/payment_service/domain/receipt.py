"""What booking says that money was for."""

from dataclasses import dataclass
from datetime import datetime

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
class InBase:
    """What a receipt or an invoice comes to in the event's currency, where the booking is paid in another one.

    rate: units of the booking's currency for one of the event's, a decimal number, fixed when it was held. Tax law
    wants the tax in the seller's currency too (in the EU Directive 2006/112/EC, Articles 91 and 230).
    """

    rate: str
    rate_time: datetime
    source: str
    total: Money
    taxes: tuple[Tax, ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What money came or went back for. source: `payments/{payment}`, or `refunds/{refund}` of what a change gave back.

    taxes: those in `total`. buyer_name: of a buyer without an account, else empty.
    """

    source: str
    total: Money
    lines: tuple[ReceiptLine, ...]
    taxes: tuple[Tax, ...]
    buyer_name: str = ""
    in_base: InBase | None = None


@dataclass(frozen=True, slots=True)
class Seller:
    """An organizer as it stands on its invoices. time_zone: IANA name, in which its years begin."""

    organizer: str
    display_name: str
    country_code: str
    time_zone: str

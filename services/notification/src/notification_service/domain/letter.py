"""What a mail says, before it is written in somebody's language."""

from dataclasses import dataclass
from datetime import datetime

from domain_kit.money import Money


@dataclass(frozen=True, slots=True)
class Admission:
    """One ticket in a mail: what its QR code says and what it is for."""

    code: str
    display_name: str


@dataclass(frozen=True, slots=True)
class Occasion:
    """The event a mail is about, as far as a mail and a calendar entry need it. Instants in UTC."""

    event: str
    title: str
    start_time: datetime
    end_time: datetime
    time_zone: str
    place: str = ""
    homepage_uri: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """Where a booking is paid in another currency than the event's: its price in that, and the rate it was held with.

    rate: such as `1 EUR = 163.25 JPY`.
    """

    total: Money
    rate: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A template and what fills it.

    values: texts by name; amounts as (minor units, currency) pairs in `amounts`. occasion: makes dates in the text
    and, with admissions, a calendar entry. admissions: tickets to attach as QR codes. moments: instants by name, told
    in the occasion's zone. invoice: what its PDF is drawn from, as the payment service told it; empty: none.
    """

    template: str
    language_code: str
    values: tuple[tuple[str, str], ...] = ()
    amounts: tuple[tuple[str, int, str], ...] = ()
    occasion: Occasion | None = None
    admissions: tuple[Admission, ...] = ()
    moments: tuple[tuple[str, datetime], ...] = ()
    invoice: bytes = b""

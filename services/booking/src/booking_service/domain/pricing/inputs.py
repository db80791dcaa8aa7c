"""What a price is worked out from. Amounts are whole minor units, percentages basis points (10000 is everything)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from domain_kit.money import Money
from domain_kit.refusals import NotFound

EVERYTHING = 10_000
STANDARD = "standard"


def _share(basis_points: int) -> None:
    if not 0 <= basis_points <= EVERYTHING:
        raise ValueError(f"{basis_points} basis points are no share of a price")


def _not_negative(*numbers: int) -> None:
    if min(numbers) < 0:
        raise ValueError("neither a price nor a number of places is negative")


@dataclass(frozen=True, slots=True)
class Phase:
    """A price until `end` (None: no end by time) and until `places` of the type were sold (0: no end by number)."""

    display_name: str
    price: Money
    end: datetime | None = None
    places: int = 0

    def __post_init__(self) -> None:
        _not_negative(self.price.minor_units, self.places)


@dataclass(frozen=True, slots=True)
class PricedType:
    """A ticket type by its price. A bundle or an add-on costs what its own type says, whatever it issues or belongs to.

    phases: tried in order, `price` when all have run out. tax_class: "" is the standard class.
    """

    name: str
    display_name: str
    price: Money
    phases: tuple[Phase, ...] = ()
    tax_class: str = STANDARD

    def __post_init__(self) -> None:
        _not_negative(self.price.minor_units)


@dataclass(frozen=True, slots=True)
class Item:
    """So many tickets of one type. `date`: of a series, "" otherwise; it has no influence on the price."""

    ticket_type: str
    quantity: int
    date: str = ""

    def __post_init__(self) -> None:
        if self.quantity < 1:
            raise ValueError(f"{self.ticket_type}: {self.quantity} tickets cannot be priced")


@dataclass(frozen=True, slots=True)
class Discount:
    """For every `condition_quantity` of the condition types, `benefit_quantity` of the benefit types cost less.

    condition_types: empty for all. benefit_types: empty for the condition's. basis_points: how much less.
    start, end: given from start on, until before end; None: no limit.
    """

    name: str
    display_name: str
    condition_types: frozenset[str]
    condition_quantity: int
    benefit_types: frozenset[str]
    benefit_quantity: int
    basis_points: int
    start: datetime | None = None
    end: datetime | None = None

    def __post_init__(self) -> None:
        _share(self.basis_points)
        if self.condition_quantity < 1 or self.benefit_quantity < 1:
            raise ValueError(f"{self.name}: a discount needs a ticket and gives one")

    def given(self, now: datetime) -> bool:
        """It is offered at that moment."""
        return (self.start is None or self.start <= now) and (self.end is None or now < self.end)


class VoucherKind(Enum):
    """What a voucher does to a price."""

    NONE = "NONE"
    PERCENT = "PERCENT"
    FIXED = "FIXED"
    PRICE = "PRICE"


@dataclass(frozen=True, slots=True)
class VoucherBenefit:
    """What a voucher gives each ticket that it covers.

    basis_points: off, with PERCENT. amount: off with FIXED, in place of the price with PRICE. ticket_types, dates:
    empty for all. most: tickets it may still cover; None: any number.
    """

    code: str
    kind: VoucherKind = VoucherKind.NONE
    basis_points: int = 0
    amount: Money | None = None
    ticket_types: frozenset[str] = frozenset()
    most: int | None = None
    dates: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        _share(self.basis_points)
        _not_negative(self.most or 0, 0 if self.amount is None else self.amount.minor_units)
        if (self.amount is None) is (self.kind in {VoucherKind.FIXED, VoucherKind.PRICE}):
            raise ValueError(f"{self.kind.name} and amount {self.amount} do not go together")

    def covers(self, ticket_type: str, date: str = "") -> bool:
        """Tickets of that type may have it, of a series those for that date."""
        return (not self.ticket_types or ticket_type in self.ticket_types) and (not self.dates or date in self.dates)


@dataclass(frozen=True, slots=True)
class ServiceFee:
    """What is added to each ticket that costs something: `fixed` and a share of its price after all reductions."""

    fixed: Money | None = None
    basis_points: int = 0

    def __post_init__(self) -> None:
        _share(self.basis_points)
        _not_negative(0 if self.fixed is None else self.fixed.minor_units)


NO_FEE = ServiceFee()


@dataclass(frozen=True, slots=True)
class TaxRate:
    """A tax and its rate in millionths of the net price: 19 % are 190000; Quebec's 9.975 % fit no basis points."""

    name: str
    millionths: int

    def __post_init__(self) -> None:
        _not_negative(self.millionths)


@dataclass(frozen=True, slots=True)
class Tariff:
    """Everything but the order that has a say in its price.

    types: by name. sold: type → tickets sold in all, before this order. discounts: in the organizer's order.
    rates: tax class → taxes that prices of the class include; None: taxes are not worked out.
    """

    types: Mapping[str, PricedType]
    sold: Mapping[str, int] = field(default_factory=dict)
    discounts: tuple[Discount, ...] = ()
    voucher: VoucherBenefit | None = None
    fee: ServiceFee = NO_FEE
    rates: Mapping[str, tuple[TaxRate, ...]] | None = None

    def type(self, name: str) -> PricedType:
        """NotFound when it is not sold."""
        found = self.types.get(name)
        if found is None:
            raise NotFound.named(name)
        return found


@dataclass(frozen=True, slots=True)
class RefundStep:
    """That share of the price goes back as long as at least `before_start` is left until the start."""

    before_start: timedelta
    basis_points: int

    def __post_init__(self) -> None:
        _share(self.basis_points)

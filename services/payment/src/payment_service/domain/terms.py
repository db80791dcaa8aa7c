"""What the platform and an organizer agreed on about money: fee, holding period, and who shares in payouts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from domain_kit.money import Money

WHOLE = 10_000


@dataclass(frozen=True, slots=True)
class Share:
    """Part of an organizer's payouts that goes to another one."""

    organizer: str
    basis_points: int


@dataclass(frozen=True, slots=True)
class Terms:
    """fee_basis_points: of what is kept of each payment. fee_returned: on refunds, in proportion.

    holding_days: how long money waits before it is paid out. shares: less than the whole together.
    """

    fee_basis_points: int = 0
    fee_returned: bool = True
    holding_days: int = 7
    shares: tuple[Share, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.fee_basis_points <= WHOLE or not 0 <= self.holding_days <= 365:
            raise ValueError("a fee is 0 to 10000 basis points, a holding period 0 to 365 days")
        if (
            any(each.basis_points <= 0 for each in self.shares)
            or sum(each.basis_points for each in self.shares) > WHOLE
        ):
            raise ValueError("shares are above zero and at most the whole together")
        if len({each.organizer for each in self.shares}) < len(self.shares):
            raise ValueError("one share an organizer")

    @property
    def holding(self) -> timedelta:
        """How long money waits."""
        return timedelta(days=self.holding_days)

    def fee_on(self, amount: Money) -> Money:
        """The platform's fee, rounded half up."""
        return Money((amount.minor_units * self.fee_basis_points + WHOLE // 2) // WHOLE, amount.currency)

    def split(self, organizer: str, amount: Money) -> Mapping[str, Money]:
        """Organizer → part of a payout; the organizer itself gets what is left. Parts of nothing are left out.

        Shares are rounded down, so that they never exceed the amount.
        """
        parts = {
            each.organizer: Money(amount.minor_units * each.basis_points // WHOLE, amount.currency)
            for each in self.shares
            if each.organizer != organizer
        }
        parts[organizer] = amount - sum(parts.values(), Money(0, amount.currency))
        return {name: part for name, part in parts.items() if part}


@dataclass(frozen=True, slots=True)
class TermsBook:
    """The terms of all organizers: most have the usual ones."""

    usual: Terms = Terms()
    agreed: Mapping[str, Terms] = field(default_factory=dict)

    def of(self, organizer: str) -> Terms:
        """Of one organizer."""
        return self.agreed.get(organizer, self.usual)

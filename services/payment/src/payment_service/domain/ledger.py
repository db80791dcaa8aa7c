"""Double entry: accounts, postings, and entries that record one fact each and sum to zero in every currency."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from domain_kit.money import Money

PLATFORM = "platform"
MOST_POSTINGS = 500


class AccountKind(Enum):
    """What an account counts. A positive balance is what we have or are owed, a negative one what we owe or earned.

    PAYABLE: what an organizer gets, taxes apart. TAX: taxes in an organizer's sales. REFUNDS: on their way to buyers.
    DISPUTES: taken back by a buyer's bank, undecided. PAYOUTS: sent to an organizer. CLEARING: with a gateway.
    FEES: what a gateway has kept, or (of the platform) what we earn.
    """

    PAYABLE = "payable"
    TAX = "tax"
    REFUNDS = "refunds"
    DISPUTES = "disputes"
    PAYOUTS = "payouts"
    CLEARING = "clearing"
    FEES = "fees"


@dataclass(frozen=True, slots=True)
class Account:
    """`owner`: `organizers/{organizer}`, `gateways/{gateway}` or `platform`."""

    owner: str
    kind: AccountKind

    @property
    def name(self) -> str:
        """Such as `organizers/{organizer}/payable`."""
        return f"{self.owner}/{self.kind.value}"


def account_named(name: str) -> Account:
    """The reverse of `name`; ValueError."""
    owner, _, kind = name.rpartition("/")
    return Account(owner, AccountKind(kind))


@dataclass(frozen=True, slots=True)
class Posting:
    """One side of an entry: positive is a debit, negative a credit."""

    account: Account
    amount: Money


class FactKind(Enum):
    """What an entry records."""

    CAPTURED = "captured"
    PLATFORM_FEE = "platform-fee"
    PLATFORM_FEE_RETURNED = "platform-fee-returned"
    GATEWAY_FEE = "gateway-fee"
    GATEWAY_FEE_CORRECTED = "gateway-fee-corrected"
    TAX = "tax"
    TAX_RETURNED = "tax-returned"
    REFUND_REQUESTED = "refund-requested"
    REFUND_COMPLETED = "refund-completed"
    REFUND_FAILED = "refund-failed"
    DISPUTE_OPENED = "dispute-opened"
    DISPUTE_WON = "dispute-won"
    DISPUTE_LOST = "dispute-lost"
    DISPUTE_FEE = "dispute-fee"
    DISPUTE_REVERSED = "dispute-reversed"
    PAYOUT = "payout"


@dataclass(frozen=True, slots=True)
class Entry:
    """A fact in money. id: made of the fact's own name, so that a repeat is the same entry.

    payment: empty for a payout. reference: what a gateway knows it by. key: under what we asked the gateway for the
    order it is about.
    """

    id: str
    kind: FactKind
    time: datetime
    payment: str
    postings: tuple[Posting, ...]
    reference: str = ""
    key: str = ""

    def __post_init__(self) -> None:
        """INVARIANT: an entry that does not sum to zero in each of its currencies cannot be made."""
        if not self.id or not 2 <= len(self.postings) <= MOST_POSTINGS:
            raise ValueError(f"{self.id}: an entry has an id and 2 to {MOST_POSTINGS} postings")
        if not all(each.amount for each in self.postings):
            raise ValueError(f"{self.id}: a posting of nothing")
        sides = {(each.account, each.amount.currency) for each in self.postings}
        if len(sides) < len(self.postings):
            raise ValueError(f"{self.id}: two postings on one account")
        off = {currency: total for currency, total in sums(self.postings).items() if total}
        if off:
            raise ValueError(f"{self.id}: does not sum to zero: {off}")

    @property
    def owners(self) -> frozenset[str]:
        """Whose accounts it touches."""
        return frozenset(each.account.owner for each in self.postings)


def sums(postings: Iterable[Posting]) -> Mapping[str, int]:
    """Currency → minor units."""
    totals: dict[str, int] = {}
    for each in postings:
        totals[each.amount.currency] = totals.get(each.amount.currency, 0) + each.amount.minor_units
    return totals


Balances = Mapping[tuple[str, str], int]
"""(account name, currency) → minor units."""


def balances_after(before: Balances, entries: Iterable[Entry]) -> dict[tuple[str, str], int]:
    """Every account with a posting in `before` or `entries`."""
    after = dict(before)
    for entry in entries:
        for each in entry.postings:
            key = each.account.name, each.amount.currency
            after[key] = after.get(key, 0) + each.amount.minor_units
    return after

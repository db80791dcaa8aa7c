"""What an organizer is owed, how much of it may go out now, and the batch that sends it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition
from payment_service.domain.bookkeeping import paid_out
from payment_service.domain.ledger import Account, AccountKind, Balances, Entry, FactKind
from payment_service.domain.terms import Terms

OWED = {AccountKind.PAYABLE, AccountKind.TAX, AccountKind.DISPUTES}


@dataclass(frozen=True, slots=True)
class Position:
    """An organizer's money in one currency, each figure in its favour; see usher.payment.v1.Balance.

    held_tax: the part of `held_back` that is tax.
    """

    currency: str
    payable: int
    tax: int
    refunding: int
    disputed: int
    paid_out: int
    held_back: int
    held_tax: int

    @property
    def available(self) -> int:
        """INVARIANT: what is disputed, on its way back or within the holding period is never paid out."""
        return max(0, self.payable + self.tax - self.disputed - self.held_back)

    @property
    def available_tax(self) -> int:
        """The part of it that is tax."""
        return min(self.available, max(0, self.tax - self.held_tax))


@dataclass(frozen=True, slots=True)
class Transfer:
    """Part of a payout; `recipient`: an organizer."""

    recipient: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Payout:
    """A batch, one amount a currency. It never changes."""

    name: str
    organizer: str
    amounts: tuple[Money, ...]
    taxes: tuple[Money, ...]
    transfers: tuple[Transfer, ...]
    create_time: datetime
    requester: str
    version: int = 1


def positions(organizer: str, balances: Balances, recent: Iterable[Entry]) -> list[Position]:
    """By currency. recent: its entries within the holding period; what they took in with a capture waits."""
    held = _held(organizer, recent)

    def balance(kind: AccountKind, currency: str) -> int:
        return balances.get((Account(organizer, kind).name, currency), 0)

    return [
        Position(
            currency,
            payable=-balance(AccountKind.PAYABLE, currency),
            tax=-balance(AccountKind.TAX, currency),
            refunding=-balance(AccountKind.REFUNDS, currency),
            disputed=balance(AccountKind.DISPUTES, currency),
            paid_out=-balance(AccountKind.PAYOUTS, currency),
            held_back=held[currency, False],
            held_tax=held[currency, True],
        )
        for currency in sorted({currency for _, currency in balances})
    ]


def new_payout(
    name: str, organizer: str, owed: Sequence[Position], terms: Terms, requester: str, now: datetime
) -> tuple[Payout, list[Entry]]:
    """All that is available; FailedPrecondition NOTHING_PAYABLE."""
    due = [each for each in owed if each.available]
    if not due:
        raise FailedPrecondition("NOTHING_PAYABLE", "Nothing is due, or all of it is still held back.")
    amounts = [Money(each.available, each.currency) for each in due]
    taxes = [Money(each.available_tax, each.currency) for each in due]
    parts: dict[str, list[Money]] = defaultdict(list)
    for amount in amounts:
        for recipient, part in terms.split(organizer, amount).items():
            parts[recipient].append(part)
    transfers = tuple(Transfer(recipient, part) for recipient, some in sorted(parts.items()) for part in some)
    payout = Payout(
        name, organizer, tuple(amounts), tuple(tax for tax in taxes if tax), transfers, now, requester
    )  # fmt: skip
    rest = [amount - tax for amount, tax in zip(amounts, taxes, strict=True)]
    return payout, paid_out(name, organizer, rest, taxes, parts, now)


def entry_id(payout: str) -> str:
    """Of the entry that a payout makes."""
    return f"{payout}/paidOut"


def _held(organizer: str, recent: Iterable[Entry]) -> dict[tuple[str, bool], int]:
    """(currency, tax only) → what payments that were captured within that time have brought and not lost since."""
    nets: dict[tuple[str, str], int] = defaultdict(int)
    taxes: dict[tuple[str, str], int] = defaultdict(int)
    fresh: set[str] = set()
    for entry in recent:
        if entry.kind is FactKind.CAPTURED:
            fresh.add(entry.payment)
        for each in entry.postings:
            if each.account.owner == organizer and each.account.kind in OWED:
                nets[entry.payment, each.amount.currency] -= each.amount.minor_units
                if each.account.kind is AccountKind.TAX:
                    taxes[entry.payment, each.amount.currency] -= each.amount.minor_units
    held: dict[tuple[str, bool], int] = defaultdict(int)
    for (payment, currency), net in nets.items():
        if payment in fresh and net > 0:
            held[currency, False] += net
            held[currency, True] += min(net, max(0, taxes[payment, currency]))
    return held

"""Which entries a fact makes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain_kit.money import Money
from payment_service.domain.ledger import PLATFORM, Account, AccountKind, Entry, FactKind, Posting
from payment_service.domain.terms import Terms


@dataclass(frozen=True, slots=True)
class Deal:
    """What the books need to know of a payment. reference, key: of the charge at the gateway.

    part: what names of facts about the charge begin with, where the payment has another charge; ends in a slash.
    """

    payment: str
    organizer: str
    gateway: str
    amount: Money
    reference: str
    key: str
    terms: Terms
    part: str = ""

    def account(self, kind: AccountKind) -> Account:
        """The organizer's."""
        return Account(self.organizer, kind)

    @property
    def clearing(self) -> Account:
        """The gateway's."""
        return Account(f"gateways/{self.gateway}", AccountKind.CLEARING)


def captured(deal: Deal, at: datetime, gateway_fee: Money) -> list[Entry]:
    """The buyer's money is with the gateway; the platform has earned its fee, and the gateway keeps one."""
    payable, platform = deal.account(AccountKind.PAYABLE), Account(PLATFORM, AccountKind.FEES)
    kept, told = Account(f"gateways/{deal.gateway}", AccountKind.FEES), {"reference": deal.reference, "key": deal.key}
    part, fee = deal.part, deal.terms.fee_on(deal.amount)
    return [
        *_moved(deal, FactKind.CAPTURED, f"{part}captured", at, deal.clearing, payable, deal.amount, **told),
        *_moved(deal, FactKind.PLATFORM_FEE, f"{part}platformFee", at, payable, platform, fee),
        *_moved(deal, FactKind.GATEWAY_FEE, f"{part}gatewayFee", at, kept, deal.clearing, gateway_fee, **told),
    ]


def refund_requested(deal: Deal, refund: str, amount: Money, at: datetime) -> list[Entry]:
    """From now on it is no longer the organizer's."""
    payable, refunds = deal.account(AccountKind.PAYABLE), deal.account(AccountKind.REFUNDS)
    return _moved(deal, FactKind.REFUND_REQUESTED, f"refunds/{refund}/requested", at, payable, refunds, amount)


def refund_completed(
    deal: Deal, refund: str, amount: Money, at: datetime, *, refunded_before: Money, reference: str
) -> list[Entry]:
    """It has left the gateway. The platform gives back the part of its fee that it would not have had on the rest.

    reference: the refund's own at the gateway. INVARIANT: after all was paid back the platform has nothing of it,
    however many refunds that took.
    """
    refunds = deal.account(AccountKind.REFUNDS)
    made = _moved(
        deal, FactKind.REFUND_COMPLETED, f"refunds/{refund}/completed", at, refunds, deal.clearing, amount,
        reference=reference or deal.reference, key=deal.key,
    )  # fmt: skip
    return made + _fee_returned(deal, refund, amount, at, refunded_before)


def refund_failed(deal: Deal, refund: str, amount: Money, at: datetime) -> list[Entry]:
    """The gateway did not pay it back: it is the organizer's again."""
    payable, refunds = deal.account(AccountKind.PAYABLE), deal.account(AccountKind.REFUNDS)
    return _moved(deal, FactKind.REFUND_FAILED, f"refunds/{refund}/failed", at, refunds, payable, amount)


def dispute_opened(deal: Deal, dispute: str, amount: Money, at: datetime) -> list[Entry]:
    """The buyer's bank has taken it back for now; until that is decided it is not paid out."""
    disputes = deal.account(AccountKind.DISPUTES)
    return _moved(
        deal, FactKind.DISPUTE_OPENED, f"disputes/{dispute}/opened", at, disputes, deal.clearing, amount,
        reference=deal.reference, key=deal.key,
    )  # fmt: skip


def dispute_won(deal: Deal, dispute: str, amount: Money, at: datetime) -> list[Entry]:
    """It is with the gateway again."""
    disputes = deal.account(AccountKind.DISPUTES)
    return _moved(
        deal, FactKind.DISPUTE_WON, f"disputes/{dispute}/won", at, deal.clearing, disputes, amount,
        reference=deal.reference, key=deal.key,
    )  # fmt: skip


def dispute_lost(
    deal: Deal, refund: str, amount: Money, at: datetime, *, refunded_before: Money, fee: Money | None = None
) -> list[Entry]:
    """It is gone, and was the organizer's; `fee` is what the gateway took for it. refund: it stands in for one, and the
    platform's fee goes back with it as with one.
    """
    payable, disputes = deal.account(AccountKind.PAYABLE), deal.account(AccountKind.DISPUTES)
    kept = Account(f"gateways/{deal.gateway}", AccountKind.FEES)
    made = _moved(deal, FactKind.DISPUTE_LOST, f"refunds/{refund}/lost", at, payable, disputes, amount)
    if fee is not None:
        made += _moved(
            deal, FactKind.DISPUTE_FEE, f"refunds/{refund}/gatewayFee", at, kept, deal.clearing, fee,
            reference=deal.reference, key=deal.key,
        )  # fmt: skip
    return made + _fee_returned(deal, refund, amount, at, refunded_before)


def dispute_reversed(deal: Deal, refund: str, amount: Money, at: datetime, *, refunded_before: Money) -> list[Entry]:
    """What was lost is with the gateway again, and the organizer's; the platform has its fee of it again.

    refund: what stood for the loss; refunded_before: without it. What the gateway took for the dispute stays taken.
    """
    payable, platform = deal.account(AccountKind.PAYABLE), Account(PLATFORM, AccountKind.FEES)
    made = _moved(
        deal, FactKind.DISPUTE_REVERSED, f"refunds/{refund}/reversed", at, deal.clearing, payable, amount,
        reference=deal.reference, key=deal.key,
    )  # fmt: skip
    again = _fee_on(deal, amount, refunded_before)
    return made + _moved(
        deal, FactKind.PLATFORM_FEE, f"refunds/{refund}/platformFeeAgain", at, payable, platform, again
    )  # fmt: skip


def fee_corrected(deal: Deal, charge: str, number: int, more: Money, at: datetime) -> list[Entry]:
    """The gateway keeps more (or, below zero, less) of a charge than was booked. charge: the entry of it.

    number: of the correction, from 1; so one that is made twice, from the same books, is the same entry.
    """
    kept, fact = Account(f"gateways/{deal.gateway}", AccountKind.FEES), f"{charge}/fees/{number}"
    return _moved(
        deal, FactKind.GATEWAY_FEE_CORRECTED, fact.removeprefix(f"{deal.payment}/"), at, kept, deal.clearing, more,
        reference=deal.reference, key=deal.key,
    )  # fmt: skip


def tax_invoiced(invoice: str, payment: str, organizer: str, tax: Money, at: datetime) -> list[Entry]:
    """The part of a sale that the organizer owes the state; of a credit note (tax below zero) it comes back."""
    if not tax:
        return []
    kind = FactKind.TAX if tax.minor_units > 0 else FactKind.TAX_RETURNED
    payable, taxes = Account(organizer, AccountKind.PAYABLE), Account(organizer, AccountKind.TAX)
    return [Entry(f"{invoice}/tax", kind, at, payment, (Posting(payable, tax), Posting(taxes, tax * -1)))]


def paid_out(
    payout: str, organizer: str, payable: Sequence[Money], tax: Sequence[Money], parts: Mapping[str, Sequence[Money]],
    at: datetime,
) -> list[Entry]:  # fmt: skip
    """A batch: what it takes of the organizer's accounts, and what each one gets, in each currency."""
    postings = [
        *(Posting(Account(organizer, AccountKind.PAYABLE), each) for each in payable if each),
        *(Posting(Account(organizer, AccountKind.TAX), each) for each in tax if each),
        *(
            Posting(Account(name, AccountKind.PAYOUTS), each * -1)
            for name, amounts in sorted(parts.items())
            for each in amounts
            if each
        ),
    ]
    return [Entry(f"{payout}/paidOut", FactKind.PAYOUT, at, "", tuple(postings))]


def _fee_returned(deal: Deal, refund: str, amount: Money, at: datetime, refunded_before: Money) -> list[Entry]:
    returned = _fee_on(deal, amount, refunded_before)
    return _moved(
        deal, FactKind.PLATFORM_FEE_RETURNED, f"refunds/{refund}/platformFee", at,
        Account(PLATFORM, AccountKind.FEES), deal.account(AccountKind.PAYABLE), returned,
    )  # fmt: skip


def _fee_on(deal: Deal, amount: Money, refunded_before: Money) -> Money:
    """The part of the platform's fee that goes back with an amount."""
    if not deal.terms.fee_returned:
        return Money(0, amount.currency)
    kept = deal.amount - refunded_before
    return deal.terms.fee_on(kept) - deal.terms.fee_on(kept - amount)


def _moved(
    deal: Deal, kind: FactKind, fact: str, at: datetime, debit: Account, credit: Account, amount: Money, *,
    reference: str = "", key: str = "",
) -> list[Entry]:  # fmt: skip
    """One entry of two postings; none for nothing."""
    if not amount:
        return []
    postings = Posting(debit, amount), Posting(credit, amount * -1)
    return [Entry(f"{deal.payment}/{fact}", kind, at, deal.payment, postings, reference, key)]

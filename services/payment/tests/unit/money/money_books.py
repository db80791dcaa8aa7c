"""What the store says after a step, and what the books should say by it."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from money_world import TERMS, Platform

from domain_kit.money import Money
from payment_service.domain.attempt import Standing
from payment_service.domain.chain import entry_of
from payment_service.domain.invoice import Invoice
from payment_service.domain.ledger import AccountKind, Entry
from payment_service.domain.payment import Payment
from payment_service.domain.payout import Payout
from payment_service.domain.refund import RefundState
from payment_service.domain.states import State
from payment_service.outbound.bookkeeping import UNCHAINED
from payment_service.outbound.documents import from_document
from payment_service.outbound.invoice_documents import invoice_of
from payment_service.outbound.invoices import INVOICES
from payment_service.outbound.ledger import BLOCKS
from payment_service.outbound.payouts import PAYOUTS, payout_of
from payment_service.outbound.repositories import COLLECTION

Sums = Counter[tuple[str, str]]
"""(account, currency) → minor units."""


def of_kind(sums: Sums, kind: AccountKind) -> dict[tuple[str, str], int]:
    """Those of one kind that are not zero."""
    return {key: amount for key, amount in sums.items() if amount and key[0].endswith(f"/{kind.value}")}


class Stored:
    """The store as it is; only what has changed is read again."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._known: dict[tuple[str, Any], tuple[object, Any]] = {}
        self.look()

    def look(self) -> None:
        """Read it."""
        self.payments: dict[str, Payment] = {each.name: each for each in self._all(COLLECTION, from_document)}
        self.invoices: list[Invoice] = self._all(INVOICES, invoice_of)
        self.payouts: list[Payout] = self._all(PAYOUTS, payout_of)
        chained = sorted(self._all(BLOCKS, lambda block: (block["_id"], _booked(block["entries"]))))
        waiting = self._all(UNCHAINED, lambda fact: _booked(fact["entries"]))
        self.chained: list[tuple[Entry, bytes]] = [each for _, (entries, _) in chained for each in entries]
        self.waiting: list[tuple[Entry, bytes]] = [each for entries, _ in waiting for each in entries]
        self.sums: Sums = Counter()
        for sums in [*(sums for _, (_, sums) in chained), *(sums for _, sums in waiting)]:
            for key, amount in sums.items():
                self.sums[key] += amount

    def orders_paid(self) -> Iterable[tuple[Payment, int]]:
        """Payments with the numbers of their attempts whose money came."""
        for payment in self.payments.values():
            for each in payment.attempts:
                if each.standing is Standing.PAID:
                    yield payment, each.number

    def _all(self, collection: str, make: Callable[[Any], Any]) -> list[Any]:
        found = []
        for key, document in self._platform.journal.collections.get(collection, {}).items():
            former = self._known.get((collection, key))
            if former is None or former[0] is not document:
                former = self._known[collection, key] = document, make(document)
            found.append(former[1])
        return found


def expected(stored: Stored, fees: Callable[[str, Money, str], int]) -> Sums:
    """What each account should hold, reckoned from payments, invoices and payouts alone.

    fees: (gateway, amount, reference) → what is booked of its fee for a charge.
    """
    sums: Sums = Counter()
    for payment, number in stored.orders_paid():
        attempt, currency, amount = payment.attempt(number), payment.amount.currency, payment.amount.minor_units
        fee = fees(attempt.gateway, payment.amount, attempt.reference)
        sums[f"gateways/{attempt.gateway}/clearing", currency] += amount - fee
        sums[f"gateways/{attempt.gateway}/fees", currency] += fee
        sums[f"{payment.organizer}/payable", currency] -= amount
    for payment in stored.payments.values():
        _what_goes_back(sums, payment)
        terms, currency = TERMS.of(payment.organizer), payment.amount.currency
        kept = payment.amount - payment.refunded if terms.fee_returned else payment.amount
        earned = terms.fee_on(kept).minor_units if payment.paid_by else 0
        sums["platform/fees", currency] -= earned
        sums[f"{payment.organizer}/payable", currency] += earned
    for each in stored.invoices:
        sums[f"{each.seller.organizer}/tax", each.total.currency] -= each.tax.minor_units
        sums[f"{each.seller.organizer}/payable", each.total.currency] += each.tax.minor_units
    for payout in stored.payouts:
        _what_was_paid_out(sums, payout)
    return sums


def _what_goes_back(sums: Sums, payment: Payment) -> None:
    organizer, currency = payment.organizer, payment.amount.currency
    for refund in payment.refunds:
        gateway, amount = f"gateways/{payment.attempt(refund.attempt).gateway}", refund.amount.minor_units
        fee = refund.fee.minor_units if refund.fee else 0  # which stays taken also where the dispute is won after all
        sums[f"{gateway}/clearing", currency] -= fee
        sums[f"{gateway}/fees", currency] += fee
        if refund.state is RefundState.FAILED:
            continue
        sums[f"{organizer}/payable", currency] += amount
        if refund.state is RefundState.PENDING:
            sums[f"{organizer}/refunds", currency] -= amount
            continue
        sums[f"{gateway}/clearing", currency] -= amount
    if payment.state is State.DISPUTED:
        sums[f"gateways/{payment.current.gateway}/clearing", currency] -= payment.left.minor_units
        sums[f"{organizer}/disputes", currency] += payment.left.minor_units


def _what_was_paid_out(sums: Sums, payout: Payout) -> None:
    for each in payout.amounts:
        sums[f"{payout.organizer}/payable", each.currency] += each.minor_units
    for each in payout.taxes:
        sums[f"{payout.organizer}/payable", each.currency] -= each.minor_units
        sums[f"{payout.organizer}/tax", each.currency] += each.minor_units
    for each in payout.transfers:
        sums[f"{each.recipient}/payouts", each.amount.currency] -= each.amount.minor_units


def _booked(bodies: Iterable[bytes]) -> tuple[list[tuple[Entry, bytes]], Sums]:
    entries = [(entry_of(bytes(body)), bytes(body)) for body in bodies]
    sums: Sums = Counter()
    for entry, _ in entries:
        for each in entry.postings:
            sums[each.account.name, each.amount.currency] += each.amount.minor_units
    return entries, sums

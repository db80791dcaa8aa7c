"""What a change of a payment means for the books: its entries, and what is to be invoiced or credited for it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from domain_kit.money import Money
from payment_service.domain import bookkeeping
from payment_service.domain.attempt import Attempt, Standing
from payment_service.domain.bookkeeping import Deal
from payment_service.domain.invoice_due import InvoiceDue
from payment_service.domain.ledger import Entry
from payment_service.domain.payment import Payment
from payment_service.domain.refund import Refund, RefundState
from payment_service.domain.states import State
from payment_service.domain.terms import Terms, TermsBook

ExpectedFee = Callable[[str, Money], Money]
"""(gateway, amount) → what the gateway will keep of a charge."""

WON_AFTER_ALL = "The payer's bank has given it back."
SURPLUS = Terms()
"""Of money that came a second time and only goes back: nobody earns on it."""


@dataclass(frozen=True, slots=True)
class Books:
    """How changes are booked."""

    terms: TermsBook
    expected_fee: ExpectedFee

    def entries(self, before: Payment | None, after: Payment) -> list[Entry]:
        """INVARIANT: each fact of a payment has its entries in the change that it came with, and in no other.

        Money that came a second time is booked like the first, without the platform's fee, until it has gone back.
        """
        made: list[Entry] = []
        for attempt in paid_by_change(before, after):
            deal = self._deal(after, attempt.number)
            at = _since(after) if attempt.number == after.paid_by else after.update_time
            made += bookkeeping.captured(deal, at, self.expected_fee(attempt.gateway, after.amount))
        aside = _more_set_aside(before, after)
        if aside.minor_units > 0:
            deal = self._deal(after, after.paid_by)
            made += bookkeeping.dispute_opened(deal, str(after.version), aside, after.update_time)
        refunded = Money(0, after.amount.currency) if before is None else before.refunded
        for refund, former in refunds_changed(before, after):
            deal = self._deal(after, refund.attempt)
            if former is None and not refund.charged_back:
                made += bookkeeping.refund_requested(deal, refund.id, refund.amount, refund.create_time)
            if _is_back(refund):
                refunded = refunded - refund.amount
                made += bookkeeping.dispute_reversed(
                    deal, refund.id, refund.amount, after.update_time, refunded_before=refunded
                )
            elif refund.state is RefundState.FAILED:
                made += bookkeeping.refund_failed(deal, refund.id, refund.amount, after.update_time)
            if refund.state is RefundState.COMPLETED:
                counts = refund.attempt == after.paid_by
                earlier = refunded if counts else Money(0, after.amount.currency)
                made += _gone(deal, refund, refund.complete_time or after.update_time, earlier)
                refunded = refunded + refund.amount if counts else refunded
        if aside.minor_units < 0:
            deal = self._deal(after, after.paid_by)
            made += bookkeeping.dispute_won(deal, str(after.version), aside * -1, after.update_time)
        return made

    def due(self, before: Payment | None, after: Payment) -> list[InvoiceDue]:
        """An invoice for the money that counts, a credit note for each refund of it that was completed, and one that
        takes that back where a lost dispute was won after all.
        """
        came = any(each.number == after.paid_by for each in paid_by_change(before, after))
        made = [_due(after, _since(after), None)] if came else []
        made += [
            _due(after, after.update_time if _is_back(refund) else refund.complete_time or after.update_time, refund)
            for refund, _ in refunds_changed(before, after)
            if (refund.state is RefundState.COMPLETED or _is_back(refund)) and refund.attempt == after.paid_by
        ]
        return made

    def _deal(self, payment: Payment, number: int) -> Deal:
        attempt, terms = payment.attempt(number), self.terms.of(payment.organizer)
        return Deal(
            payment.name, payment.organizer, attempt.gateway, payment.amount, attempt.reference, attempt.key,
            terms if number == payment.paid_by else SURPLUS,
            part="" if number == payment.paid_by else f"attempts/{number}/",
        )  # fmt: skip


UNPRICED = Books(TermsBook(), lambda _gateway, amount: Money(0, amount.currency))
"""The usual terms, and no fees."""


def paid_by_change(before: Payment | None, after: Payment) -> list[Attempt]:
    """Attempts whose money came with this change."""
    former = (
        {each.number for each in before.attempts if each.standing is Standing.PAID} if before is not None else set()
    )
    return [each for each in after.attempts if each.standing is Standing.PAID and each.number not in former]


def refunds_changed(before: Payment | None, after: Payment) -> list[tuple[Refund, Refund | None]]:
    """Refunds that are new or stand elsewhere than before, with what they were."""
    former = {each.id: each for each in before.refunds} if before is not None else {}
    changed = ((each, former.get(each.id)) for each in after.refunds)
    return [(each, earlier) for each, earlier in changed if earlier is None or earlier.state is not each.state]


def _set_aside(payment: Payment) -> Money:
    """What the books hold for its dispute."""
    return payment.left if payment.state is State.DISPUTED else Money(0, payment.amount.currency)


def _more_set_aside(before: Payment | None, after: Payment) -> Money:
    """What a change moves to what the books hold for disputes, below zero: what comes back of that.

    What is disputed is what was neither paid back nor about to be. A refund that fails meanwhile joins it, so that what
    comes back in the end is what was taken: all of it unless it was lost. One may be opened and lost in one change.
    """
    if before is None:
        return Money(0, after.amount.currency)
    changed = (each for each, _ in refunds_changed(before, after))
    lost = (each.amount.minor_units for each in changed if each.charged_back and each.state is RefundState.COMPLETED)
    return _set_aside(after) + Money(sum(lost), after.amount.currency) - _set_aside(before)


def _is_back(refund: Refund) -> bool:
    """Whether a dispute that was lost has given it back."""
    return refund.charged_back and refund.state is RefundState.FAILED


def _gone(deal: Deal, refund: Refund, at: datetime, earlier: Money) -> list[Entry]:
    if refund.charged_back:
        return bookkeeping.dispute_lost(
            deal, refund.id, refund.amount, at, refunded_before=earlier, fee=refund.fee
        )  # fmt: skip
    return bookkeeping.refund_completed(
        deal, refund.id, refund.amount, at, refunded_before=earlier, reference=refund.gateway_reference
    )


def _since(payment: Payment) -> datetime:
    return payment.succeed_time or payment.update_time


def _due(after: Payment, at: datetime, refund: Refund | None) -> InvoiceDue:
    source, amount, reason = after.name, after.amount, ""
    if refund is not None:
        source, amount, reason = f"{after.name}/refunds/{refund.id}", refund.amount, refund.reason
        if _is_back(refund):
            source, amount, reason = f"{source}/reversed", amount * -1, WON_AFTER_ALL
    return InvoiceDue(source, at, after.name, after.booking, after.organizer, after.payer, amount, reason)

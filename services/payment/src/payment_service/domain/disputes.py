"""A dispute over money that came: opened, won or lost, in whatever order its gateway tells of it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from domain_kit.money import Money
from domain_kit.repository import DomainEvent
from payment_service.domain import domain_events as facts
from payment_service.domain.gateways import Intent
from payment_service.domain.refund import charged_back
from payment_service.domain.states import LIFE, Action, State

if TYPE_CHECKING:
    from payment_service.domain.payment import Payment


def disputed(payment: "Payment", intent: Intent, now: datetime) -> tuple["Payment", Sequence[DomainEvent]]:
    """A dispute is opened or decided, or both at once; one that was lost, or won by a word, is over for good."""
    if intent.dispute in payment.closed_disputes:
        return payment, []
    if intent.dispute and not intent.disputed:
        won = replace(payment, closed_disputes=(*payment.closed_disputes, intent.dispute), update_time=now)
        if payment.state is not State.DISPUTED:
            return won, [facts.PaymentDisputed(), facts.PaymentDisputeClosed()]
        return _decided(won, intent, now)
    if payment.state is State.DISPUTED:
        return _decided(payment, intent, now)
    over = any(each.charged_back for each in payment.refunds) or (intent.lost and not _lost_by(payment, intent))
    if not intent.disputed or over or not LIFE.allows(payment.state, Action.DISPUTE):
        return payment, []
    opened = replace(payment, state=LIFE.after(payment.state, Action.DISPUTE), update_time=now)
    after, made = _decided(opened, intent, now)
    return after, [facts.PaymentDisputed(), *made]


def _decided(payment: "Payment", intent: Intent, now: datetime) -> tuple["Payment", Sequence[DomainEvent]]:
    if intent.disputed and not intent.lost:
        return payment, []
    taken = _lost_by(payment, intent)
    if intent.lost and taken:
        refund = charged_back(payment.paid_by, payment.current.gateway, taken, intent.dispute_fee, now)
        after = replace(payment, refunds=(*payment.refunds, refund), update_time=now)
        state = LIFE.after(payment.state, Action.LOSE if after.refunded == after.amount else Action.LOSE_PART)
        return replace(after, state=state), [facts.PaymentDisputeLost(), facts.RefundCompleted(refund.id)]
    state = LIFE.after(payment.state, Action.KEEP_REST if payment.refunded else Action.KEEP)
    closed = facts.PaymentDisputeLost() if intent.lost else facts.PaymentDisputeClosed()
    return replace(payment, state=state, update_time=now), [closed]


def _lost_by(payment: "Payment", intent: Intent) -> Money:
    """As much as the gateway says, and never more than is left; all of that where it does not say."""
    left, said = payment.left, intent.disputed_amount
    return said if said is not None and said.currency == left.currency and said < left else left

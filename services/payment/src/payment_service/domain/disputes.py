"""A dispute over money that came: opened, lost, won, in whatever order its gateway tells of it, and won after all.

What is told of a dispute with an id is a *word*, which may be late or doubled. Each says how far along it is, and of
those that came the furthest counts: so every order of the same words ends alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING

from domain_kit.money import Money
from domain_kit.repository import DomainEvent
from payment_service.domain import domain_events as facts
from payment_service.domain.gateways import Intent
from payment_service.domain.refund import Refund, RefundState, charged_back
from payment_service.domain.states import LIFE, Action, State

if TYPE_CHECKING:
    from payment_service.domain.payment import Payment

Moved = tuple["Payment", Sequence[DomainEvent]]


class Verdict(Enum):
    """Who has the money. The later in this list, the likelier to be the later of two words that say they are equal."""

    OPEN = 0
    LOST = 1
    WON = 2


# Further along than any word of a gateway.
FOR_GOOD = 2**62


@dataclass(frozen=True, slots=True)
class Dispute:
    """The furthest word of one dispute. stage: how far along, see Intent.dispute_stage."""

    id: str
    stage: int
    verdict: Verdict

    def is_followed_by(self, word: "Dispute") -> bool:
        """Whether a word is further along."""
        return (self.stage, self.verdict.value) < (word.stage, word.verdict.value)


def disputed(payment: "Payment", intent: Intent, now: datetime) -> Moved:
    """What a gateway says of a dispute, where it says anything of one."""
    if intent.disputed is None:
        return payment, []
    verdict = Verdict.WON if not intent.disputed else Verdict.LOST if intent.lost else Verdict.OPEN
    if not intent.dispute:
        return _moved(payment, intent, verdict, now)
    word = Dispute(intent.dispute, intent.dispute_stage, verdict)
    known = next((each for each in payment.disputes if each.id == word.id), None)
    if known is not None and not known.is_followed_by(word):
        return payment, []
    others = tuple(each for each in payment.disputes if each.id != word.id)
    heard = replace(payment, disputes=(*others, word), update_time=now)
    after, made = _moved(heard, intent, verdict, now)
    if not made and known is None and verdict is Verdict.WON:
        return after, [facts.PaymentDisputed(), facts.PaymentDisputeClosed()]
    return after, made or [facts.PaymentDisputeUpdated()]


def _moved(payment: "Payment", intent: Intent, verdict: Verdict, now: datetime) -> Moved:
    """What it means for the money; no domain event where it means nothing."""
    taken = next((each for each in payment.refunds if _is_loss(each, intent.dispute)), None)
    if taken is not None:
        # Of a loss that does not know its dispute nobody knows how far along it was: an opening that comes again.
        again = verdict is Verdict.OPEN and taken.dispute != intent.dispute
        nothing = again or verdict is Verdict.LOST
        return (payment, []) if nothing else _returned(payment, taken, intent, verdict, now)
    if verdict is Verdict.WON:
        over = payment.state is State.DISPUTED and not _others_open(payment, intent.dispute)
        return _kept(payment, facts.PaymentDisputeClosed(), now) if over else (payment, [])
    if payment.state is State.DISPUTED:
        return _lost(payment, intent, now) if verdict is Verdict.LOST else (payment, [])
    nothing = verdict is Verdict.LOST and not _lost_by(payment, intent)
    if nothing or not LIFE.allows(payment.state, Action.DISPUTE):
        return payment, []
    opened = replace(payment, state=LIFE.after(payment.state, Action.DISPUTE), update_time=now)
    after, made = _lost(opened, intent, now) if verdict is Verdict.LOST else (opened, [])
    return after, [facts.PaymentDisputed(), *made]


def _lost(payment: "Payment", intent: Intent, now: datetime) -> Moved:
    taken, others = _lost_by(payment, intent), _others_open(payment, intent.dispute)
    if not taken:
        return (payment, []) if others else _kept(payment, facts.PaymentDisputeLost(), now)
    earlier = [each for each in payment.refunds if each.charged_back]
    known = any(each.fee for each in earlier if each.dispute == intent.dispute)  # one that is lost twice costs once
    fee = None if known else intent.dispute_fee
    refund = charged_back(len(earlier) + 1, payment, taken, intent.dispute, fee, now)
    after = replace(payment, refunds=(*payment.refunds, refund), update_time=now)
    action = Action.LOSE if after.refunded == after.amount else Action.LOSE_PART
    if others and after.left:
        action = Action.REFUND_PART
    state = LIFE.after(payment.state, action)
    return replace(after, state=state), [facts.PaymentDisputeLost(), facts.RefundCompleted(refund.id)]


def _kept(payment: "Payment", fact: DomainEvent, now: datetime) -> Moved:
    state = LIFE.after(payment.state, Action.KEEP_REST if payment.refunded else Action.KEEP)
    return replace(payment, state=state, update_time=now), [fact]


def _returned(payment: "Payment", taken: Refund, intent: Intent, verdict: Verdict, now: datetime) -> Moved:
    """What was lost is there again, or undecided again.

    Where all was gone the booking may have been paid once more since: this money does not stand in that payment's way.
    """
    back = replace(taken, state=RefundState.FAILED)
    refunds = tuple(back if each.id == taken.id else each for each in payment.refunds)
    after = replace(payment, refunds=refunds, update_time=now)
    action = Action.RETURN_PART if after.refunded or _others_open(payment, intent.dispute) else Action.RETURN
    if payment.state is State.DISPUTED:
        action = Action.REFUND_PART
    aside = payment.called_off or not payment.open
    made: list[DomainEvent] = [facts.PaymentDisputeReversed(taken.id)]
    after = replace(after, state=LIFE.after(payment.state, action), called_off=aside)
    if verdict is Verdict.OPEN and after.state is not State.DISPUTED:
        return replace(after, state=LIFE.after(after.state, Action.DISPUTE)), [*made, facts.PaymentDisputed()]
    return after, made


def _is_loss(refund: Refund, dispute: str) -> bool:
    """Whether it is what that dispute has taken and not given back; losses of earlier releases do not know theirs."""
    return refund.charged_back and refund.state is RefundState.COMPLETED and refund.dispute in ("", dispute)


def _others_open(payment: "Payment", dispute: str) -> bool:
    return any(each.verdict is Verdict.OPEN and each.id != dispute for each in payment.disputes)


def _lost_by(payment: "Payment", intent: Intent) -> Money:
    """As much as the gateway says, and never more than is left; all of that where it does not say."""
    left, said = payment.left, intent.disputed_amount
    return said if said is not None and said.currency == left.currency and said < left else left

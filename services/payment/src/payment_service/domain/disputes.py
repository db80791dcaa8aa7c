"""A dispute over money that came: opened, lost, won, in whatever order its gateway tells of it, and won after all.

What is told of a dispute with an id is a *word*, which may be late or doubled. Each says how far along it is, and of
those that came the furthest counts: so every order of the same words ends alike.

A dispute may be lost while a refund of the same money is on its way: what is there is gone at once, and the rest where
that refund fails. Of what is lost never more is booked than the dispute was about, nor than was there.
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
from payment_service.domain.states import CAPTURED, LIFE, Action, State

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
    """The furthest word of one dispute. stage: how far along, see Intent.dispute_stage.

    id: "" of what a gateway says when it is asked; that is kept only while it is lost. amount: what it is about, as the
    gateway says, all of the payment where it does not; of a word that an earlier release has kept: nothing. fee: what a
    lost one costs. What of it was booked is in the payment's refunds.
    """

    id: str
    stage: int
    verdict: Verdict
    amount: Money
    fee: Money | None = None

    def is_followed_by(self, word: "Dispute") -> bool:
        """Whether a word is further along; what is said on asking always is, where it is news."""
        if not self.id:
            return word.verdict is not self.verdict or self.amount < word.amount
        return (self.stage, self.verdict.value) < (word.stage, word.verdict.value)


def disputed(payment: "Payment", intent: Intent, now: datetime) -> Moved:
    """What a gateway says of a dispute, where it says anything of one."""
    if intent.disputed is None:
        return payment, []
    verdict = Verdict.WON if not intent.disputed else Verdict.LOST if intent.lost else Verdict.OPEN
    word = Dispute(intent.dispute, intent.dispute_stage, verdict, _about(payment, intent), intent.dispute_fee)
    known = next((each for each in payment.disputes if each.id == word.id), None)
    if known is not None and not known.is_followed_by(word):
        return payment, []
    heard, kept = payment, (word,) if word.id or verdict is Verdict.LOST else ()
    if known is not None or kept:
        others = tuple(each for each in payment.disputes if each.id != word.id)
        heard = replace(payment, disputes=(*others, *kept), update_time=now)
    after, moved = _moved(heard, intent, verdict, now)
    after, more = rest_lost(after, now)
    made = [*moved, *more]
    if word.id and not made and known is None and verdict is Verdict.WON:
        return after, [facts.PaymentDisputed(), facts.PaymentDisputeClosed()]
    return after, made or ([facts.PaymentDisputeUpdated()] if heard is not payment else [])


def rest_lost(payment: "Payment", now: datetime) -> Moved:
    """What lost disputes have taken beyond what was booked of them, as far as it is there now: a refund that was on its
    way has failed, or what another dispute had taken has come back. What is left then is what an open dispute is about.
    """
    made: list[DomainEvent] = []
    if payment.state not in CAPTURED:
        return payment, made
    for each in sorted(payment.disputes, key=lambda known: known.id):
        booked = sum(taken.amount.minor_units for taken in payment.refunds if _is_loss(taken, each.id))
        rest = min(each.amount.minor_units - booked, payment.left.minor_units)
        if each.verdict is Verdict.LOST and rest > 0:
            payment, fact = _with_loss(payment, each.id, Money(rest, payment.amount.currency), each.fee, now)
            made.append(fact)
    if payment.left and _is_undecided(payment) and LIFE.allows(payment.state, Action.DISPUTE):
        return replace(payment, state=LIFE.after(payment.state, Action.DISPUTE)), [*made, facts.PaymentDisputed()]
    return payment, made


def _moved(payment: "Payment", intent: Intent, verdict: Verdict, now: datetime) -> Moved:
    """What it means for the money; no domain event where it means nothing."""
    taken = [each for each in payment.refunds if _is_loss(each, intent.dispute)]
    if taken:
        # Of a loss that does not know its dispute nobody knows how far along it was: an opening that comes again.
        again = verdict is Verdict.OPEN and all(each.dispute != intent.dispute for each in taken)
        nothing = again or verdict is Verdict.LOST
        return (payment, []) if nothing else _returned(payment, taken, verdict, now)
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
    after, fact = _with_loss(payment, intent.dispute, taken, intent.dispute_fee, now)
    return after, [facts.PaymentDisputeLost(), fact]


def _with_loss(
    payment: "Payment", dispute: str, taken: Money, fee: Money | None, now: datetime
) -> tuple["Payment", DomainEvent]:
    """fee: what the dispute costs; one that is lost twice, or bit by bit, costs it once."""
    earlier = [each for each in payment.refunds if each.charged_back]
    known = any(each.fee for each in earlier if each.dispute == dispute)
    refund = charged_back(len(earlier) + 1, payment, taken, dispute, None if known else fee, now)
    after = replace(payment, refunds=(*payment.refunds, refund), update_time=now)
    all_gone = after.refunded == after.amount
    action = Action.REFUND_ALL if all_gone else Action.REFUND_PART
    if payment.state is State.DISPUTED and not (_others_open(payment, dispute) and after.left):
        action = Action.LOSE if all_gone else Action.LOSE_PART
    return replace(after, state=LIFE.after(payment.state, action)), facts.RefundCompleted(refund.id)


def _kept(payment: "Payment", fact: DomainEvent, now: datetime) -> Moved:
    state = LIFE.after(payment.state, Action.KEEP_REST if payment.refunded else Action.KEEP)
    return replace(payment, state=state, update_time=now), [fact]


def _returned(payment: "Payment", taken: Sequence[Refund], verdict: Verdict, now: datetime) -> Moved:
    """What was lost is there again, or undecided again.

    Where all was gone the booking may have been paid once more since: this money does not stand in that payment's way.
    """
    refunds = tuple(replace(each, state=RefundState.FAILED) if each in taken else each for each in payment.refunds)
    after = replace(payment, refunds=refunds, update_time=now)
    action = Action.RETURN_PART if after.refunded else Action.RETURN
    if payment.state is State.DISPUTED:
        action = Action.REFUND_PART
    aside = payment.called_off or not payment.open
    made: list[DomainEvent] = [facts.PaymentDisputeReversed(each.id) for each in taken]
    after = replace(after, state=LIFE.after(payment.state, action), called_off=aside)
    if verdict is Verdict.OPEN and after.state is not State.DISPUTED:
        return replace(after, state=LIFE.after(after.state, Action.DISPUTE)), [*made, facts.PaymentDisputed()]
    return after, made


def _is_loss(refund: Refund, dispute: str) -> bool:
    """Whether it is what that dispute has taken and not given back; losses of earlier releases do not know theirs."""
    return refund.charged_back and refund.state is RefundState.COMPLETED and refund.dispute in ("", dispute)


def _is_undecided(payment: "Payment") -> bool:
    """Whether a dispute is open; one that has taken money is not, though its gateway may send an earlier word again."""
    known = (each.id for each in payment.disputes if each.verdict is Verdict.OPEN)
    return any(not any(_is_loss(taken, dispute) for taken in payment.refunds) for dispute in known)


def _others_open(payment: "Payment", dispute: str) -> bool:
    return any(each.verdict is Verdict.OPEN and each.id != dispute for each in payment.disputes)


def _lost_by(payment: "Payment", intent: Intent) -> Money:
    """As much as it is about, and never more than is left."""
    return min(_about(payment, intent), payment.left)


def _about(payment: "Payment", intent: Intent) -> Money:
    """As the gateway says, and never more than was paid; all of that where it does not say."""
    said, all_of_it = intent.disputed_amount, payment.amount
    return said if said is not None and said.currency == all_of_it.currency and said < all_of_it else all_of_it

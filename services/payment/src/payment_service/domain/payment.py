"""The payment aggregate: one booking's money, on its way in and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, InvalidArgument, ResourceExhausted
from domain_kit.repository import DomainEvent
from payment_service.domain import domain_events as facts
from payment_service.domain.gateway import Failure, GatewayRefund, Intent, IntentState, Progress
from payment_service.domain.open_work import Work
from payment_service.domain.refund import MOST_PER_PAYMENT, Refund, RefundState
from payment_service.domain.states import CAPTURED, LIFE, UNDECIDED, Action, State

# How long after an attempt the gateway may still know nothing of it; then it never will.
LOST_AFTER = timedelta(seconds=60)
LOST = Failure("attempt_lost", "The attempt did not reach the payment gateway; nothing was charged.")

Outcome = tuple["Payment", Sequence[DomainEvent]]


@dataclass(frozen=True, slots=True)
class Payment:
    """Money on its way for one booking.

    attempts: how often we asked the gateway to take it; attempt_time: last. trace: the attempts at the gateway we know.
    called_off: it was cancelled once, and does not stand in the way of another payment of the booking any more.
    round: how many payments the booking had taken before.
    """

    name: str
    booking: str
    payer: str
    organizer: str
    amount: Money
    gateway: str
    gateway_reference: str
    client_secret: str
    create_time: datetime
    update_time: datetime
    state: State = State.PENDING
    attempts: int = 0
    attempt_time: datetime | None = None
    trace: str = ""
    next_action_uri: str = ""
    failure: Failure | None = None
    refunds: tuple[Refund, ...] = ()
    succeed_time: datetime | None = None
    called_off: bool = False
    round: int = 0
    version: int = 0

    @property
    def open(self) -> bool:
        """Whether its round can have no other payment: one on its way, or one that has come and is kept.

        INVARIANT: what a booking owes is never charged twice. Money that came keeps its round taken; the booking asks
        for more only in the next one, after it has taken that money.
        """
        return not self.called_off and self.state is not State.REFUNDED

    @property
    def refunded(self) -> Money:
        """Sum of completed refunds."""
        return self._sum(RefundState.COMPLETED)

    @property
    def refundable(self) -> Money:
        """What is captured and neither paid back nor about to be."""
        if self.state not in CAPTURED:
            return Money(0, self.amount.currency)
        return self.amount - self.refunded - self._sum(RefundState.PENDING)

    @property
    def pending_refunds(self) -> tuple[Refund, ...]:
        """Those the gateway has yet to finish."""
        return tuple(each for each in self.refunds if each.state is RefundState.PENDING)

    @property
    def undecided(self) -> bool:
        """Whether the gateway may still have news of the money coming in."""
        return self.state in UNDECIDED

    @property
    def work(self) -> Work | None:
        """What is still to be asked of the gateway."""
        if self.state is State.PROCESSING or self.pending_refunds:
            return Work.URGENT
        return Work.SLOW if self.undecided else None

    def refund(self, id: str) -> Refund:
        """One of its refunds, which must exist."""
        return next(each for each in self.refunds if each.id == id)

    def attempted(self, now: datetime) -> Outcome:
        """About to ask the gateway; FailedPrecondition PAYMENT_PROCESSING, PAYMENT_SUCCEEDED, PAYMENT_CANCELLED, …"""
        state = LIFE.after(self.state, Action.ATTEMPT)
        after = replace(
            self, state=state, attempts=self.attempts + 1, attempt_time=now, next_action_uri="", update_time=now
        )
        return after, [facts.PaymentAttempted()]

    def answered(self, intent: Intent, now: datetime) -> Outcome:
        """The intent as the gateway tells it for sure. What the table has no row for changes nothing."""
        match intent.state:
            case IntentState.SUCCEEDED if LIFE.allows(self.state, Action.SUCCEED):
                after = self._moved(Action.SUCCEED, intent, now)
                return replace(after, succeed_time=now), [facts.PaymentSucceeded()]
            case IntentState.CANCELLED if LIFE.allows(self.state, Action.CANCEL):
                return replace(self._moved(Action.CANCEL, intent, now), called_off=True), [facts.PaymentCancelled()]
            case IntentState.ACTION_REQUIRED if LIFE.allows(self.state, Action.REQUIRE_ACTION):
                after = self._moved(Action.REQUIRE_ACTION, intent, now)
                return replace(after, next_action_uri=intent.next_action_uri), [facts.PaymentActionRequired()]
            case IntentState.OPEN if intent.failure and LIFE.allows(self.state, Action.FAIL):
                after = self._moved(Action.FAIL, intent, now)
                return replace(after, failure=intent.failure), [facts.PaymentFailed()]
        return self, []

    def settled(self, intent: Intent | None, refunds: Mapping[str, GatewayRefund], now: datetime) -> Outcome:
        """What the gateway says now, read after this state was: it may not have heard of the last attempt yet."""
        after, made = (self, []) if intent is None else self._heard(intent, now)
        made = list(made)
        for refund in after.pending_refunds:
            if refund.id in refunds:
                after, more = after.refund_answered(refund.id, refunds[refund.id], now)
                made += more
        return after, made

    def with_refund(self, id: str, amount: Money | None, reason: str, requester: str, now: datetime) -> Outcome:
        """To be paid back; None: all that is left. FailedPrecondition REFUND_EXCEEDS_CAPTURE, PAYMENT_PENDING, …"""
        if self.state is not State.REFUNDED:
            LIFE.after(self.state, Action.REFUND_PART)
        left = self.refundable
        amount = left if amount is None else amount
        if amount.currency != left.currency:
            raise InvalidArgument.of("amount.currency_code", f"must be {left.currency}.", reason="CURRENCY_MISMATCH")
        if amount.minor_units < 0 or (not amount and left):
            raise InvalidArgument.of("amount", "must be above zero.", reason="AMOUNT_INVALID")
        if not left or left < amount:
            raise FailedPrecondition(
                "REFUND_EXCEEDS_CAPTURE", f"{left} can be paid back.", metadata={"refundable": str(left)}
            )
        if len(self.refunds) >= MOST_PER_PAYMENT:
            raise ResourceExhausted("REFUNDS_TOO_MANY", f"A payment has at most {MOST_PER_PAYMENT} refunds.")
        refund = Refund(id, amount, reason, requester, create_time=now)
        return replace(self, refunds=(*self.refunds, refund), update_time=now), [facts.RefundRequested(id)]

    def with_refund_of_at_most(
        self, id: str, amount: Money | None, reason: str, requester: str, now: datetime
    ) -> Outcome:
        """As `with_refund`, but what was paid back already is not due again; nothing where nothing is left."""
        left = self.refundable
        if not left:
            return self, []
        within = left if amount is None or amount.currency != left.currency or left < amount else amount
        return self.with_refund(id, within, reason, requester, now) if within else (self, [])

    def refund_answered(self, id: str, answer: GatewayRefund, now: datetime) -> Outcome:
        """What became of a refund; nothing while it is pending or when it has been told before."""
        refund = self.refund(id)
        if refund.state is not RefundState.PENDING or answer.progress is Progress.PENDING:
            return self, []
        if answer.progress is Progress.FAILED:
            failed = replace(refund, state=RefundState.FAILED, gateway_reference=answer.reference)
            return self._with(failed, now), [facts.RefundFailed(id)]
        completed = replace(refund, state=RefundState.COMPLETED, gateway_reference=answer.reference, complete_time=now)
        after = self._with(completed, now)
        action = Action.REFUND_ALL if after.refunded == after.amount else Action.REFUND_PART
        return replace(after, state=LIFE.after(self.state, action)), [facts.RefundCompleted(id)]

    def _heard(self, intent: Intent, now: datetime) -> Outcome:
        nothing_new = intent.trace == self.trace and intent.state in (IntentState.OPEN, IntentState.ACTION_REQUIRED)
        if self.state is State.PROCESSING and nothing_new:
            if self.attempt_time is not None and now - self.attempt_time < LOST_AFTER:
                return self, []
            return self.answered(replace(intent, failure=LOST), now)
        if self.state in (State.PENDING, State.FAILED) and nothing_new and intent.state is IntentState.OPEN:
            return self, []
        return self.answered(intent, now)

    def _moved(self, action: Action, intent: Intent, now: datetime) -> "Payment":
        state = LIFE.after(self.state, action)
        return replace(self, state=state, trace=intent.trace, next_action_uri="", failure=None, update_time=now)

    def _with(self, refund: Refund, now: datetime) -> "Payment":
        refunds = tuple(refund if each.id == refund.id else each for each in self.refunds)
        return replace(self, refunds=refunds, update_time=now)

    def _sum(self, state: RefundState) -> Money:
        total = sum(each.amount.minor_units for each in self.refunds if each.state is state)
        return Money(total, self.amount.currency)


def begun(
    name: str,
    booking: str,
    payer: str,
    organizer: str,
    amount: Money,
    gateway: str,
    intent: Intent,
    now: datetime,
    *,
    taken: int = 0,
) -> Outcome:
    """A new payment for an intent that the gateway has made."""
    payment = Payment(
        name, booking, payer, organizer, amount, gateway, intent.reference, intent.client_secret, now, now,
        trace=intent.trace, round=taken,
    )  # fmt: skip
    return payment, [facts.PaymentCreated()]

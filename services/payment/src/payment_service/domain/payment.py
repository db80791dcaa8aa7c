"""The payment aggregate: one booking's money, on its way in and back."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, InvalidArgument, ResourceExhausted
from domain_kit.repository import DomainEvent
from payment_service.domain import domain_events as facts
from payment_service.domain.attempt import OUT_OF_ORDER, Attempt, Standing
from payment_service.domain.disputes import Dispute, disputed, rest_lost
from payment_service.domain.gateways import (
    ActionKind,
    Failure,
    FailureKind,
    GatewayRefund,
    Intent,
    IntentState,
    MethodKind,
    Order,
    Progress,
)
from payment_service.domain.open_work import Work
from payment_service.domain.refund import MOST_PER_PAYMENT, Refund, RefundState
from payment_service.domain.saved_methods import parted
from payment_service.domain.states import CAPTURED, LIFE, UNDECIDED, Action, State

# How long after an attempt the gateway may still know nothing of it; then it never will.
LOST_AFTER = timedelta(seconds=60)
LOST = Failure(
    "attempt_lost", "The attempt did not reach the payment gateway; nothing was charged.", FailureKind.GATEWAY
)
MOST_ATTEMPTS = 20
SURPLUS = "It had been paid already."
SELF = "services/payment"

Outcome = tuple["Payment", Sequence[DomainEvent]]


@dataclass(frozen=True, slots=True)
class Payment:
    """Money on its way for one booking.

    attempts: never empty. INVARIANT: all but the last are CLOSED or PAID: an order is resolved before the next may be.
    paid_by: number of the attempt whose money counts; 0: none has come. token, buyer_email: kept until it is decided.
    called_off: it was cancelled once, and does not stand in the way of another payment of the booking any more.
    round: how many payments the booking had taken before. disputes: those told of by words, with the furthest of each.
    """

    name: str
    booking: str
    payer: str
    organizer: str
    amount: Money
    attempts: tuple[Attempt, ...]
    create_time: datetime
    update_time: datetime
    state: State = State.PENDING
    paid_by: int = 0
    token: str = ""
    buyer_email: str = ""
    buyer_country: str = ""
    wanted_method: str = ""
    reserve: bool = False
    refunds: tuple[Refund, ...] = ()
    succeed_time: datetime | None = None
    called_off: bool = False
    round: int = 0
    disputes: tuple[Dispute, ...] = ()
    version: int = 0

    @property
    def current(self) -> Attempt:
        """The attempt that counts: the one that paid, else the last."""
        return self.attempt(self.paid_by) if self.paid_by else self.attempts[-1]

    @property
    def open(self) -> bool:
        """Whether its round can have no other payment: one on its way, or one that has come and is kept.

        INVARIANT: what a booking owes is never charged twice. Money that came keeps its round taken; the booking asks
        for more only in the next one, after it has taken that money.
        """
        return not self.called_off and self.state is not State.REFUNDED

    @property
    def refunded(self) -> Money:
        """Sum of completed refunds of what counts."""
        return self._sum(RefundState.COMPLETED)

    @property
    def refundable(self) -> Money:
        """What is captured and neither paid back nor about to be."""
        return self.left if self.state in CAPTURED else Money(0, self.amount.currency)

    @property
    def left(self) -> Money:
        """What of its amount was neither paid back nor is about to be, whatever its state."""
        return self.amount - self.refunded - self._sum(RefundState.PENDING)

    @property
    def pending_refunds(self) -> tuple[Refund, ...]:
        """Those the gateway has yet to finish."""
        return tuple(each for each in self.refunds if each.state is RefundState.PENDING)

    @property
    def strays(self) -> tuple[Attempt, ...]:
        """Orders that might still be paid though another one was: they are to be called off."""
        others = (each for each in self.attempts if each.standing is Standing.OPEN and each.number != self.paid_by)
        return tuple(others) if self.paid_by else ()

    @property
    def undecided(self) -> bool:
        """Whether the gateway may still have news of the money coming in."""
        return self.state in UNDECIDED

    @property
    def by_token(self) -> bool:
        """Whether it is paid by confirming it with a token, not elsewhere."""
        return self.current.kind is MethodKind.TOKEN

    @property
    def untried(self) -> bool:
        """Whether nobody has asked yet that its money be taken, and may."""
        never = not any(each.tries for each in self.attempts)
        return self.state is State.PENDING and never and self.current.standing is Standing.OPEN

    @property
    def work(self) -> Work | None:
        """What is still to be asked of the gateway."""
        asked = (
            each for each in self.pending_refunds if self.attempt(each.attempt).kind is not MethodKind.INSTRUCTIONS
        )
        if self.state is State.PROCESSING or any(asked) or self.strays:
            return Work.URGENT
        if self.state is State.REQUIRES_ACTION and not self._instructs:
            return Work.PAYER
        return Work.SLOW if self.undecided and not self._instructs else None

    def attempt(self, number: int) -> Attempt:
        """One of its attempts, which must exist."""
        return self.attempts[number - 1]

    def attempt_with(self, key: str, reference: str) -> int:
        """Number of the attempt with that key or reference; 0: none."""
        known = ((each.number, (each.key, each.reference, *each.former)) for each in self.attempts)
        return next((number for number, names in known if {key, reference} & {*names} - {""}), 0)

    def refund(self, id: str) -> Refund:
        """One of its refunds, which must exist."""
        return next(each for each in self.refunds if each.id == id)

    def order(self, attempt: Attempt, return_uri: str) -> Order:
        """The attempt as its gateway is told of it."""
        keeper, token = parted(self.token)
        asked = attempt.confirm_time if attempt.kind is MethodKind.TOKEN else None
        return Order(
            attempt.key, self.name, self.booking, self.amount, attempt.method, f"Booking {self.booking[-8:]}",
            return_uri, asked or attempt.begin_time, token, self.buyer_country, self.buyer_email,
            capture=not self.reserve, tries=max(attempt.tries, 1), keeper=keeper,
        )  # fmt: skip

    def capturable(self, amount: Money | None) -> Money:
        """What is to be taken of what is reserved; None: all. FailedPrecondition CAPTURE_EXCEEDS_RESERVED;
        InvalidArgument CURRENCY_MISMATCH, AMOUNT_INVALID.
        """
        if amount is None:
            return self.amount
        if amount.currency != self.amount.currency:
            raise InvalidArgument.of(
                "amount.currency_code", f"must be {self.amount.currency}.", reason="CURRENCY_MISMATCH"
            )
        if amount.minor_units <= 0:
            raise InvalidArgument.of("amount", "must be above zero.", reason="AMOUNT_INVALID")
        if self.amount < amount:
            raise FailedPrecondition(
                "CAPTURE_EXCEEDS_RESERVED", f"{self.amount} is reserved.", metadata={"reserved": str(self.amount)}
            )
        return amount

    def attempted(self, token: str, now: datetime) -> Outcome:
        """About to ask the gateway; FailedPrecondition PAYMENT_PROCESSING, PAYMENT_SUCCEEDED, PAYMENT_CANCELLED, …"""
        state = LIFE.after(self.state, Action.ATTEMPT)
        if self.current.standing is not Standing.OPEN:
            raise FailedPrecondition("ATTEMPT_OVER", "This way to pay is over; create the payment again.")
        tried = replace(self.current, tries=self.current.tries + 1, confirm_time=now, action=None)
        after = replace(self._with_attempt(tried), state=state, token=token, update_time=now)
        return after, [facts.PaymentAttempted()]

    def rerouted(self, attempt: Attempt, end: Intent, now: datetime) -> Outcome:
        """The next attempt; `end`: what calling off the one before was answered. ResourceExhausted ATTEMPTS_TOO_MANY.

        INVARIANT: an order that may still be paid has no other beside it.
        """
        last = self.attempts[-1]
        if last.standing is not Standing.CLOSED and not last.is_over(end):
            raise ValueError(f"attempt {last.number} of {self.name} may still be paid")
        if attempt.number != last.number + 1 or self.paid_by:
            raise ValueError(f"{self.name} has another attempt {attempt.number}, or money")
        if len(self.attempts) >= MOST_ATTEMPTS:
            raise ResourceExhausted("ATTEMPTS_TOO_MANY", f"A payment has at most {MOST_ATTEMPTS} attempts.")
        state = LIFE.after(self.state, Action.REROUTE)
        over = replace(last, standing=Standing.CLOSED, action=None, failure=end.failure or last.failure)
        after = replace(self._with_attempt(over), state=state, token="", update_time=now)
        after = replace(after, attempts=(*after.attempts, attempt))
        made: list[DomainEvent] = [facts.PaymentRerouted()]
        if attempt.action is not None:
            after = replace(after, state=LIFE.after(state, Action.REQUIRE_ACTION))
            made.append(facts.PaymentActionRequired())
        return after, made

    def answered(self, intent: Intent, now: datetime, number: int = 0) -> Outcome:
        """An order (0: the current one's) as the gateway tells it for sure. What has no row in the table changes
        nothing.
        """
        number = number or self.current.number
        if number != self.current.number:
            return self._heard_of_another(number, intent, now)
        match intent.state:
            case IntentState.SUCCEEDED if LIFE.allows(self.state, Action.SUCCEED):
                return self._paid(number, intent, now)
            case IntentState.SUCCEEDED if self.state in CAPTURED:
                return disputed(self, intent, now)
            case IntentState.AUTHORIZED if LIFE.allows(self.state, Action.AUTHORIZE):
                return self._moved(Action.AUTHORIZE, intent, now), [facts.PaymentAuthorized()]
            case IntentState.CANCELLED if intent.failure is None and LIFE.allows(self.state, Action.CANCEL):
                return replace(self._moved(Action.CANCEL, intent, now), called_off=True, buyer_email=""), [
                    facts.PaymentCancelled()
                ]
            case IntentState.ACTION_REQUIRED if LIFE.allows(self.state, Action.REQUIRE_ACTION):
                return self._moved(Action.REQUIRE_ACTION, intent, now), [facts.PaymentActionRequired()]
            case IntentState.OPEN | IntentState.CANCELLED if intent.failure and LIFE.allows(self.state, Action.FAIL):
                return self._moved(Action.FAIL, intent, now), [facts.PaymentFailed()]
        return self, []

    def settled(
        self, told: Mapping[int, Intent | None], refunds: Mapping[str, GatewayRefund], now: datetime
    ) -> Outcome:
        """What gateways say now of attempts by number, read after this state was; they may not have heard of the last
        try yet. None: nothing is known of it.
        """
        after, made = self, list[DomainEvent]()
        for refund in self.pending_refunds:  # first, so that what was not paid back is there for a dispute to take
            if refund.id in refunds:
                after, more = after._refund_answered(refund.id, refunds[refund.id], now)
                made += more
        after, more = after.heard(told, now)
        after, rest = rest_lost(after, now)
        return after, [*made, *more, *rest]

    def heard(self, told: Mapping[int, Intent | None], now: datetime) -> Outcome:
        """The same of attempts alone."""
        after, made = self, list[DomainEvent]()
        for number, intent in told.items():
            after, more = after._heard(number, intent, now)
            made += more
        return after, made

    def with_refund(self, id: str, amount: Money | None, reason: str, requester: str, now: datetime) -> Outcome:
        """To be paid back; None: all that is left. FailedPrecondition REFUND_EXCEEDS_CAPTURE, PAYMENT_PENDING, …"""
        if self.state is State.DISPUTED:
            raise FailedPrecondition("PAYMENT_DISPUTED", "The payer has disputed it; the gateway decides who keeps it.")
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
        refund = Refund(id, amount, reason, requester, create_time=now, attempt=self.paid_by)
        return replace(self, refunds=(*self.refunds, refund), update_time=now), [facts.RefundRequested(id)]

    def with_refund_of_at_most(
        self, id: str, amount: Money | None, reason: str, requester: str, now: datetime
    ) -> Outcome:
        """As `with_refund`, but what was paid back already is not due again; nothing where nothing is left, or where
        the payer has asked the bank for it.
        """
        left = self.refundable
        if not left or self.state is State.DISPUTED:
            return self, []
        within = left if amount is None or amount.currency != left.currency or left < amount else amount
        return self.with_refund(id, within, reason, requester, now) if within else (self, [])

    def refund_answered(self, id: str, answer: GatewayRefund, now: datetime) -> Outcome:
        """What became of a refund, or what it is called while it is pending; nothing when that is no news. What was not
        paid back may be what a dispute that was lost meanwhile has taken.
        """
        after, made = self._refund_answered(id, answer, now)
        after, rest = rest_lost(after, now)
        return after, [*made, *rest]

    def _refund_answered(self, id: str, answer: GatewayRefund, now: datetime) -> Outcome:
        refund = self.refund(id)
        if refund.state is not RefundState.PENDING:
            return self, []
        if answer.progress is Progress.PENDING:
            if answer.reference in ("", refund.gateway_reference):
                return self, []
            return self._with(replace(refund, gateway_reference=answer.reference), now), [facts.RefundAccepted(id)]
        if answer.progress is Progress.FAILED:
            failed = replace(refund, state=RefundState.FAILED, gateway_reference=answer.reference)
            return self._with(failed, now), [facts.RefundFailed(id)]
        completed = replace(refund, state=RefundState.COMPLETED, gateway_reference=answer.reference, complete_time=now)
        after = self._with(completed, now)
        if refund.attempt == self.paid_by:
            action = Action.REFUND_ALL if after.refunded == after.amount else Action.REFUND_PART
            after = replace(after, state=LIFE.after(self.state, action))
        return after, [facts.RefundCompleted(id)]

    @property
    def _instructs(self) -> bool:
        """Whether nobody but people can say that the money came."""
        action = self.current.action
        return action is not None and action.kind is ActionKind.INSTRUCTIONS

    def _heard(self, number: int, intent: Intent | None, now: datetime) -> Outcome:
        attempt = self.attempt(number)
        if intent is None:
            intent = Intent(attempt.reference, IntentState.OPEN, trace=attempt.trace)
        if number != self.current.number:
            return self.answered(intent, now, number)
        nothing_new = intent.trace == attempt.trace and intent.state in (IntentState.OPEN, IntentState.ACTION_REQUIRED)
        if self.state is State.PROCESSING and nothing_new:
            if attempt.confirm_time is not None and now - attempt.confirm_time < LOST_AFTER:
                return self, []
            return self.answered(replace(intent, failure=LOST), now)
        if self.state in (State.PENDING, State.FAILED) and nothing_new and intent.state is IntentState.OPEN:
            return self, []
        if attempt.standing is Standing.CLOSED and intent.state is IntentState.CANCELLED:
            return self, []
        if self.state is State.PROCESSING and intent.state is IntentState.CANCELLED:
            # We have called the order off to try another, and broke off there; or the gateway has done so by itself.
            return self.answered(replace(intent, failure=intent.failure or OUT_OF_ORDER), now)
        return self.answered(intent, now)

    def _paid(self, number: int, intent: Intent, now: datetime) -> Outcome:
        state = LIFE.after(self.state, Action.SUCCEED)
        after, amount = self._with_attempt(self.attempt(number).heard(intent)), self.amount
        if self.reserve and intent.captured is not None and intent.captured.currency == amount.currency:
            amount = min(amount, intent.captured)  # a part of what was reserved may have been taken
        after = replace(
            after, state=state, paid_by=number, succeed_time=now, update_time=now, token="", buyer_email="",
            amount=amount,
        )  # fmt: skip
        after, made = disputed(after, intent, now)  # it may be so already
        return after, [facts.PaymentSucceeded(), *made]

    def _heard_of_another(self, number: int, intent: Intent, now: datetime) -> Outcome:
        """Of an attempt that is not the current one: late money counts, or goes back where other money has come."""
        attempt = self.attempt(number)
        if intent.state is IntentState.SUCCEEDED and not self.paid_by:
            return self._paid(number, intent, now)
        if intent.state is IntentState.SUCCEEDED and attempt.standing is not Standing.PAID:
            after = replace(self._with_attempt(attempt.heard(intent)), update_time=now)
            refund = Refund(attempt.key, self.amount, SURPLUS, SELF, create_time=now, attempt=number)
            return replace(after, refunds=(*after.refunds, refund)), [facts.RefundRequested(refund.id)]
        if attempt.standing is Standing.OPEN and attempt.is_over(intent):
            closed = replace(attempt, standing=Standing.CLOSED, action=None)
            return replace(self._with_attempt(closed), update_time=now), [facts.PaymentAttemptCancelled()]
        return self, []

    def _moved(self, action: Action, intent: Intent, now: datetime) -> "Payment":
        after = self._with_attempt(self.current.heard(intent))
        return replace(after, state=LIFE.after(self.state, action), token="", update_time=now)

    def _with_attempt(self, attempt: Attempt) -> "Payment":
        return replace(
            self, attempts=tuple(attempt if each.number == attempt.number else each for each in self.attempts)
        )

    def _with(self, refund: Refund, now: datetime) -> "Payment":
        refunds = tuple(refund if each.id == refund.id else each for each in self.refunds)
        return replace(self, refunds=refunds, update_time=now)

    def _sum(self, state: RefundState) -> Money:
        counted = (each for each in self.refunds if each.state is state and each.attempt == self.paid_by)
        return Money(sum(each.amount.minor_units for each in counted), self.amount.currency)


def begun(payment: Payment) -> Outcome:
    """A new payment whose first attempt a gateway has taken."""
    if payment.attempts[-1].action is None:
        return payment, [facts.PaymentCreated()]
    return replace(payment, state=State.REQUIRES_ACTION), [facts.PaymentCreated(), facts.PaymentActionRequired()]


def refund_key(payment: Payment, refund: Refund) -> str:
    """What a refund is called at its gateway: 32 hex digits, the shortest that every gateway takes."""
    return hashlib.sha256(f"{payment.name}|{refund.id}".encode()).hexdigest()[:32]

"""The next order of a payment, after the one before is known to be over."""

from collections.abc import Callable
from dataclasses import replace

from domain_kit.clock import Clock
from domain_kit.ids import new_id
from domain_kit.refusals import FailedPrecondition, InvalidArgument, Unavailable
from domain_kit.repository import Cause
from payment_service.domain.attempt import OUT_OF_ORDER
from payment_service.domain.gateways import FailureKind, Intent, IntentState
from payment_service.domain.payment import SELF, Outcome, Payment
from payment_service.domain.ports import Gateways, PaymentRepository
from payment_service.handlers.begin_attempt import begin_attempt, end_attempt, wish_of


async def fail_over(
    payments: PaymentRepository,
    gateways: Gateways,
    payment: Payment,
    trouble: Unavailable | Intent,
    *,
    cause: Cause,
    clock: Clock,
) -> Payment:
    """After the gateway did not answer, or answered that it is in trouble: the payment at the next gateway, which the
    payer has to be shown; or as the gateway says after all. Unavailable where that cannot be found out: it goes on
    PROCESSING and is settled.

    INVARIANT: the next order is begun only when the one before is known to have taken nothing and never to take any.
    """
    ranking = await gateways.ranking(wish_of(payment), payment.organizer)
    attempt = payment.current
    ranking = ranking.without(attempt.gateway, attempt.method)
    if not ranking.candidates:
        if isinstance(trouble, Unavailable):
            raise trouble
        return await _written(payments, payment, lambda each: each.answered(trouble, clock()), cause)
    if isinstance(trouble, Unavailable):
        found = await _found(gateways, payment, trouble)
        if found is not None and _says(found, payment):
            return await _written(payments, payment, lambda each: each.answered(found, clock()), cause)
    end = await _ended(gateways, payment, trouble)
    if not _surely_over(end, payment, trouble):
        if not _says(end, payment):
            raise _unknown(trouble)
        return await _written(payments, payment, lambda each: each.answered(end, clock()), cause)
    why = OUT_OF_ORDER if isinstance(trouble, Unavailable) else trouble.failure
    over = replace(end, failure=end.failure or why)
    try:
        following = await begin_attempt(gateways, ranking, payment, clock())
    except (Unavailable, FailedPrecondition, InvalidArgument):
        return await _written(payments, payment, lambda each: each.answered(over, clock()), cause)
    return await _written(payments, payment, lambda each: each.rerouted(following, over, clock()), cause)


async def begin_again(payments: PaymentRepository, gateways: Gateways, payment: Payment, *, clock: Clock) -> Payment:
    """Another order: after a refusal by the payer's bank at the same gateway, after its own trouble at the best one.

    Unavailable.
    """
    ranking = await gateways.ranking(wish_of(payment), payment.organizer)
    failure, same = payment.current.failure, ranking.only(payment.current.gateway, payment.current.method)
    troubled = failure is not None and failure.kind is FailureKind.GATEWAY
    ranking = ranking if troubled or not same.candidates else same
    end = await end_attempt(gateways, payment)
    cause = Cause(f"again|{new_id()}", actor=SELF)
    if not payment.current.is_over(end):
        return await _written(payments, payment, lambda each: each.answered(end, clock()), cause)
    following = await begin_attempt(gateways, ranking, payment, clock())
    return await _written(payments, payment, lambda each: each.rerouted(following, end, clock()), cause)


async def _written(
    payments: PaymentRepository, seen: Payment, decide: Callable[[Payment], Outcome], cause: Cause
) -> Payment:
    """Decided only for the state that was seen; where others wrote meanwhile it is as they left it."""
    return await payments.update(
        seen.name, lambda payment: decide(payment) if payment.version == seen.version else (payment, []), cause=cause
    )


async def _found(gateways: Gateways, payment: Payment, trouble: Unavailable) -> Intent | None:
    attempt = payment.current
    try:
        order = payment.order(attempt, gateways.return_uri)
        return await gateways.named(attempt.gateway).find(order, attempt.reference)
    except Unavailable:
        raise trouble from None


async def _ended(gateways: Gateways, payment: Payment, trouble: Unavailable | Intent) -> Intent:
    try:
        return await end_attempt(gateways, payment)
    except Unavailable:
        raise _unknown(trouble) from None


def _surely_over(end: Intent, payment: Payment, trouble: Unavailable | Intent) -> bool:
    """Where nobody answered, an old refusal that still stands there says nothing of what may be on its way."""
    known = isinstance(trouble, Intent) or end.trace != payment.current.trace
    return payment.current.is_over(end) and (end.state is IntentState.CANCELLED or known)


def _says(intent: Intent, payment: Payment) -> bool:
    """Whether it says what has become of the try."""
    if intent.state in (IntentState.SUCCEEDED, IntentState.AUTHORIZED):
        return True
    news = intent.trace != payment.current.trace
    refused = intent.failure is not None and intent.failure.kind is not FailureKind.GATEWAY
    return news and (refused or intent.state is IntentState.ACTION_REQUIRED)


def _unknown(trouble: Unavailable | Intent) -> Unavailable:
    if isinstance(trouble, Unavailable):
        return trouble
    return Unavailable("GATEWAY_UNAVAILABLE", "The payment gateway is in trouble; it is not known yet what happened.")

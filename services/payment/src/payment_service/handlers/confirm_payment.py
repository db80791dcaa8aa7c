"""Pay with a token, or look whether the payer has agreed elsewhere."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

from domain_kit.clock import Clock
from domain_kit.refusals import InvalidArgument, Unavailable
from domain_kit.repository import Cause
from payment_service.domain.attempt import Standing
from payment_service.domain.card_numbers import refuse_card_number
from payment_service.domain.gateways import FailureKind, Intent
from payment_service.domain.payment import Outcome, Payment
from payment_service.domain.ports import Gateways, PaymentRepository
from payment_service.domain.states import LIFE, Action, State
from payment_service.handlers.begin_attempt import confirm_attempt
from payment_service.handlers.fail_over import begin_again, fail_over
from payment_service.handlers.settle_payment import settle_payment


class _Outdated(Exception):
    """Others have written the payment since this process did."""


async def _nobody_tells(_name: str) -> bool:
    return False


async def confirm_payment(
    payments: PaymentRepository,
    gateways: Gateways,
    name: str,
    token: str,
    *,
    cause: Cause,
    clock: Clock,
    notified: Callable[[str], Awaitable[bool]] = _nobody_tells,
) -> Payment:
    """The payment with the outcome: a decline is one, and so is an order at another gateway where this one is down.

    notified: returns when no notice of the gateway is being applied to it in this process, and whether one was: where
    that has paid the payment, there is nothing left to do.

    Unavailable: unknown yet; the same request id goes on with it. FailedPrecondition PAYMENT_PROCESSING,
    PAYMENT_SUCCEEDED, …; InvalidArgument CARD_NUMBER_REFUSED.
    """
    refuse_card_number(token, "payment_method")
    told = replace(cause, key=f"{cause.key}|outcome", fingerprint=b"")
    if token and (seen := payments.written_last(name)) is not None and seen.untried and seen.by_token:
        with suppress(_Outdated):
            attempt = await payments.update(name, _attempt(token, clock, only_of=seen), cause=cause)
            return await _go_on(payments, gateways, attempt, token, cause=told, clock=clock)
    payment, told_meanwhile = await payments.get(name), await notified(name)
    if told_meanwhile and (payment := await payments.get(name)).paid_by == payment.current.number:
        return payment
    if LIFE.allows(payment.state, Action.ATTEMPT) and not await payments.answer_to(cause):
        if _needs_another_order(payment, gateways):
            before, payment = payment, await begin_again(payments, gateways, payment, clock=clock)
            if not payment.by_token or payment.current.gateway != before.current.gateway:
                return payment  # a token of one gateway is nothing to another
        if not payment.by_token:
            return await settle_payment(payments, gateways, name, clock=clock)
        if not token:
            raise InvalidArgument.of("payment_method", "is required: this is paid with a token.")
    attempt = await payments.update(name, _attempt(token, clock), cause=cause)
    return await _go_on(payments, gateways, attempt, token, cause=told, clock=clock)


def _attempt(token: str, clock: Clock, *, only_of: Payment | None = None) -> Callable[[Payment], Outcome]:
    """About to be tried; with `only_of` nothing but what was seen."""

    def decide(payment: Payment) -> Outcome:
        if only_of is not None and payment.version != only_of.version:
            raise _Outdated
        return payment.attempted(token, clock())

    return decide


async def _go_on(
    payments: PaymentRepository, gateways: Gateways, attempt: Payment, token: str, *, cause: Cause, clock: Clock
) -> Payment:
    """What comes of an attempt that was written down, perhaps by an earlier call."""
    current = attempt
    if not attempt.token:  # no recorded answer has one, so with a token it was written just now and by this call
        if earlier := await payments.answer_to(cause):
            return earlier
        current = await payments.get(attempt.name)
        if current.version != attempt.version:  # settled meanwhile, or another attempt is under way
            return current
    try:
        intent = await confirm_attempt(gateways, current, current.current.reference, token)
    except Unavailable as refusal:
        return await fail_over(payments, gateways, current, refusal, cause=cause, clock=clock)
    if intent.failure is not None and intent.failure.kind is FailureKind.GATEWAY:
        return await fail_over(payments, gateways, current, intent, cause=cause, clock=clock)
    return await _tell(payments, gateways, current, intent, cause=cause, clock=clock)


async def _tell(
    payments: PaymentRepository, gateways: Gateways, attempt: Payment, intent: Intent, *, cause: Cause, clock: Clock
) -> Payment:
    overtaken = False

    def decide(payment: Payment) -> Outcome:
        nonlocal overtaken
        overtaken = payment.version != attempt.version
        return (payment, []) if overtaken else payment.answered(intent, clock())

    payment = await payments.update(attempt.name, decide, cause=cause)
    if overtaken and payment.state in (State.PROCESSING, State.FAILED, State.REQUIRES_ACTION):
        # Somebody wrote in between, perhaps without knowing of this attempt: the gateway knows.
        return await settle_payment(payments, gateways, payment.name, clock=clock)
    return payment


def _needs_another_order(payment: Payment, gateways: Gateways) -> bool:
    """After a refusal, or another token, unless its gateway keeps the tries of one order apart."""
    attempt = payment.current
    tried = payment.state is State.FAILED or (payment.by_token and attempt.tries > 0)
    over = attempt.standing is not Standing.OPEN
    return over or (tried and not gateways.named(attempt.gateway).keeps_tries)

"""Make a payment what its gateways say it is; used by webhooks, by the poller and after a confirmation."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from domain_kit.clock import Clock
from domain_kit.crash_points import crash_point
from domain_kit.ids import new_id
from domain_kit.refusals import Aborted
from domain_kit.repository import Cause
from payment_service.domain.gateways import GatewayRefund, Intent, IntentState, Notice
from payment_service.domain.payment import Outcome, Payment, refund_key
from payment_service.domain.ports import Gateways, PaymentRepository
from payment_service.domain.states import LIFE, Action, State
from payment_service.handlers.begin_attempt import call_off, confirm_attempt

ACTOR = "services/payment"
ROUNDS = 5


class _Outdated(Exception):
    """The payment changed while the gateway was asked."""


async def settle_payment(
    payments: PaymentRepository,
    gateways: Gateways,
    name: str,
    *,
    clock: Clock,
    cause: Cause | None = None,
    attempt: int = 0,
    word: Notice | None = None,
) -> Payment:
    """The payment after it. Without a cause nothing is written where there is no news. NotFound; Unavailable; Aborted.

    attempt: number of one that there is news of, also when its money has come or another has taken its place.
    word: what its gateway has said of it, which counts where the gateway cannot be asked.

    INVARIANT: what the gateway said is applied only to the very state that was read before it was asked. So it is never
    older than what we know, and the order in which news arrive does not matter.
    """
    for _ in range(ROUNDS):
        try:
            seen, told = await _ask(payments, gateways, await payments.get(name), attempt, clock)
            if word is not None and word.intent is not None and attempt:
                told = {**told, attempt: with_word(seen, told.get(attempt), word.intent)}
            refunds = await _refunds(gateways, seen, word.refunds if word else {})
            decide = _only_of(seen, lambda payment: payment.settled(told, refunds, clock()))  # noqa: B023 called at once
            if cause is None and not decide(seen)[1]:
                return seen
            return await payments.update(name, decide, cause=cause or _own_cause())
        except _Outdated:
            continue
    raise Aborted("WRITE_CONFLICT", f"{name} kept changing while the gateway was asked about it.")


async def _ask(
    payments: PaymentRepository, gateways: Gateways, seen: Payment, number: int, clock: Clock
) -> tuple[Payment, Mapping[int, Intent | None]]:
    """What gateways say of the attempts that there may be news of; those that must not be paid any more are called off.

    The payment as it was before they were asked.
    """
    unpaid = seen.succeed_time is None  # later there is news of money coming in only where somebody says so
    wanted = dict.fromkeys([*([seen.current.number] if unpaid else []), *([number] if number else [])])
    told: dict[int, Intent | None] = {}
    for each in wanted:
        attempt = seen.attempt(each)
        order = seen.order(attempt, gateways.return_uri)
        told[each] = intent = await gateways.named(attempt.gateway).find(order, attempt.reference)
        if intent is not None and intent.state is IntentState.APPROVED and each == seen.current.number:
            seen, told[each] = await _take(payments, gateways, seen, intent, clock)
    for stray in seen.strays:
        told[stray.number] = await call_off(gateways, seen, stray)
    return seen, told


def with_word(payment: Payment, found: Intent | None, said: Intent) -> Intent:
    """Asked, a gateway knows best; its own word, which may be late, counts where it does not know how things went.

    Of disputes its word counts too where it is not asked about them.
    """
    if found is not None and found.state not in (IntentState.OPEN, IntentState.ACTION_REQUIRED, IntentState.PROCESSING):
        if found.state is not IntentState.SUCCEEDED or found.disputed is not None or said.disputed is None:
            return found
        return replace(said, reference=found.reference, state=found.state, captured=found.captured, trace=found.trace)
    if said.state is IntentState.AUTHORIZED and not payment.reserve:
        return replace(said, state=IntentState.SUCCEEDED, captured=payment.amount)
    return said


async def _take(
    payments: PaymentRepository, gateways: Gateways, seen: Payment, approved: Intent, clock: Clock
) -> tuple[Payment, Intent]:
    """The payer has agreed: take the money, after that it will be taken was written down."""
    if seen.state is not State.PROCESSING:
        if not LIFE.allows(seen.state, Action.ATTEMPT):
            return seen, approved
        decide = _only_of(seen, lambda payment: payment.attempted("", clock()))
        seen = await payments.update(seen.name, decide, cause=_own_cause())
    return seen, await confirm_attempt(gateways, seen, approved.reference or seen.current.reference)


def _only_of(seen: Payment, decide: Callable[[Payment], Outcome]) -> Callable[[Payment], Outcome]:
    """Decides only for the very state that was seen."""

    def guarded(payment: Payment) -> Outcome:
        if payment.version != seen.version:
            raise _Outdated
        return decide(payment)

    return guarded


def _own_cause() -> Cause:
    return Cause(f"settle|{new_id()}", actor=ACTOR)


async def _refunds(
    gateways: Gateways, payment: Payment, said: Mapping[str, GatewayRefund]
) -> Mapping[str, GatewayRefund]:
    """What became of pending refunds; one that the gateway never got is sent again under its own key.

    said: by our id, or by another key and then known by the gateway's own reference.
    """
    known: dict[str, GatewayRefund] = {}
    pending = payment.pending_refunds
    for number in dict.fromkeys(each.attempt for each in pending):
        attempt = payment.attempt(number)
        gateway, order = gateways.named(attempt.gateway), payment.order(attempt, gateways.return_uri)
        mine = {refund_key(payment, each): each for each in pending if each.attempt == number}
        references = {key: refund.gateway_reference for key, refund in mine.items()}
        there = {**await gateway.refunds_of(order, attempt.reference, references), **said}
        by_reference = {each.reference: each for each in said.values() if each.reference}
        for key, refund in mine.items():
            if answer := there.get(key) or by_reference.get(refund.gateway_reference):
                known[refund.id] = answer
                continue
            if refund.gateway_reference:
                continue  # the gateway has taken it on, and tells by itself how it ends; its key may be forgotten there
            known[refund.id] = await gateway.refund(order, attempt.reference, refund.amount, id=key)
            crash_point("payment.after_repeated_refund")
    return known

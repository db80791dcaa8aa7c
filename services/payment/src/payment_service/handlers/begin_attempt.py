"""Orders at gateways: begun at the first that takes one, confirmed, called off."""

from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from domain_kit.crash_points import crash_point
from domain_kit.refusals import FailedPrecondition, InvalidArgument, Refusal, Unavailable
from payment_service.domain.attempt import OUT_OF_ORDER, Attempt, begun_attempt
from payment_service.domain.gateways import Intent, IntentState, MethodKind
from payment_service.domain.payment import Payment
from payment_service.domain.ports import Gateways
from payment_service.domain.routing import Candidate, Ranking, Wish
from payment_service.domain.saved_methods import parted


async def begin_attempt(gateways: Gateways, ranking: Ranking, payment: Payment, now: datetime) -> Attempt:
    """The next attempt of a payment, which need not be stored yet; nothing is written.

    A beginning whose answer is lost is harmless, for the payer has never seen that order, and its key is never used
    again. Where all refuse, the last refusal is raised.
    """
    ranking.first()
    trouble: dict[str, Refusal] = {}
    for candidate in ranking.candidates:
        if candidate.gateway in trouble or (trouble and candidate.kind is MethodKind.INSTRUCTIONS):
            continue  # by hand is for the payer to choose, not what is left of a gateway that is down
        attempt = _draft(payment, candidate, now)
        try:
            gateway = gateways.named(candidate.gateway)
            gateway.check_amount(payment.amount)
            intent = await gateway.begin(payment.order(attempt, gateways.return_uri))
        except (Unavailable, InvalidArgument, FailedPrecondition) as refusal:
            trouble[candidate.gateway] = refusal
            continue
        crash_point("payment.after_begin")
        if intent.failure is None and intent.state is not IntentState.CANCELLED:
            return begun_attempt(attempt.number, attempt.key, intent, candidate, ranking.candidates, now)
        failure = intent.failure or OUT_OF_ORDER
        trouble[candidate.gateway] = FailedPrecondition(
            "GATEWAY_REFUSED", failure.message, metadata={"gateway_code": failure.code}
        )
    raise list(trouble.values())[-1]


def wish_of(payment: Payment, gateway: str = "") -> Wish:
    """What its payer wants."""
    return Wish(payment.amount, payment.buyer_country, payment.wanted_method, gateway)


async def end_attempt(gateways: Gateways, payment: Payment) -> Intent:
    """Call off its last order; how that ended, without a refusal of the payer's. Unavailable."""
    return await call_off(gateways, payment, payment.attempts[-1])


async def call_off(gateways: Gateways, payment: Payment, attempt: Attempt) -> Intent:
    """Call an order off, so that it can never be paid; as it is where that can no longer be done. Unavailable."""
    gateway, order = gateways.named(attempt.gateway), payment.order(attempt, gateways.return_uri)
    end = await gateway.cancel(order, attempt.reference)
    crash_point("payment.after_cancel")
    return end


async def confirm_attempt(gateways: Gateways, payment: Payment, reference: str, token: str = "") -> Intent:
    """Have its gateway take the money, after that was written down. Unavailable."""
    attempt = payment.current
    gateway, order = gateways.named(attempt.gateway), payment.order(attempt, gateways.return_uri)
    crash_point("payment.before_confirm")
    keeper, token = parted(token)
    intent = await gateway.confirm(replace(order, token=token, keeper=keeper), reference)
    crash_point("payment.after_confirm")
    return intent


def _draft(payment: Payment, candidate: Candidate, now: datetime) -> Attempt:
    number = len(payment.attempts) + 1
    return Attempt(number, candidate.gateway, candidate.method, candidate.kind, uuid4().hex, now)

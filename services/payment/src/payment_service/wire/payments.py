"""usher.payment.v1.Payment and Refund ↔ domain."""

from functools import lru_cache

from google.type.money_pb2 import Money as MoneyMessage

from domain_kit.money import Money
from domain_kit.refusals import InvalidArgument
from payment_service.domain.attempt import Attempt
from payment_service.domain.gateways import Action, ActionKind, Failure
from payment_service.domain.payment import Payment
from payment_service.domain.payment_settings import PaymentSettings
from payment_service.domain.refund import Refund, RefundState
from payment_service.domain.routing import Candidate, Ranking
from payment_service.domain.states import State
from resource_api import etag_of, money_from_wire, money_to_wire, time_to_wire
from usher.payment.v1 import payment_pb2 as pb
from usher.payment.v1.payment_service_pb2 import LeftOutGateway

STATES = {state: pb.PaymentState.Value(f"PAYMENT_STATE_{state.name}") for state in State}
REFUND_STATES = {state: pb.RefundState.Value(f"REFUND_STATE_{state.name}") for state in RefundState}


def payment_to_wire(payment: Payment, viewer: str = "") -> pb.Payment:
    """The message of a payment; what the payer's browser needs is in it only when the payer is the `viewer`."""
    current = payment.current
    mine = bool(viewer) and viewer == payment.payer
    client = dict(current.client) if mine else {}
    redirect = current.action is not None and current.action.kind is ActionKind.REDIRECT
    return pb.Payment(
        name=payment.name,
        booking=payment.booking,
        payer=payment.payer,
        organizer=payment.organizer,
        amount=money_to_wire(payment.amount),
        state=STATES[payment.state],
        gateway=current.gateway,
        gateway_reference=current.reference,
        client_secret=client.get("client_secret", ""),
        next_action_uri=current.action.value if current.action is not None and redirect else "",
        failure=failure_to_wire(current.failure),
        refunded_amount=money_to_wire(payment.refunded),
        refunds=[refund_to_wire(each, payment) for each in payment.refunds],
        create_time=time_to_wire(payment.create_time),
        update_time=time_to_wire(payment.update_time),
        succeed_time=time_to_wire(payment.succeed_time),
        etag=etag_of(payment.version),
        method=current.method,
        client_parameters=client,
        action=action_to_wire(current.action),
        attempts=[_attempt(each) for each in payment.attempts],
    )


@lru_cache(maxsize=1024)
def candidate_to_wire(candidate: Candidate) -> pb.PaymentRoute:
    """One way to pay. Not to be changed: a dozen go with each domain event, and are the same for the same price."""
    return pb.PaymentRoute(
        gateway=candidate.gateway, method=candidate.method, fee=money_to_wire(candidate.fee), reasons=candidate.reasons
    )


def methods_to_wire(ranking: Ranking) -> list[pb.PaymentMethod]:
    """The methods of a ranking, each once, with those who offer it."""
    found: dict[str, pb.PaymentMethod] = {}
    for each in ranking.candidates:
        kind = pb.PaymentMethodKind.Value(f"PAYMENT_METHOD_KIND_{each.kind.name}")
        method = found.setdefault(each.method, pb.PaymentMethod(method=each.method, kind=kind))
        method.gateways.append(each.gateway)
    return list(found.values())


def left_out_to_wire(ranking: Ranking) -> list[LeftOutGateway]:
    """Who cannot be used, and why."""
    return [LeftOutGateway(gateway=name, reason=why.reason, message=why.message) for name, why in ranking.left_out]


def settings_to_wire(settings: PaymentSettings) -> pb.PaymentSettings:
    """The message of an organizer's settings."""
    return pb.PaymentSettings(
        name=settings.name,
        pinned_gateway=settings.pinned,
        gateway_order=settings.order,
        excluded_gateways=settings.excluded,
        reserve_only=settings.reserve,
        invoice_mails_disabled=not settings.mails_invoices,
        etag=etag_of(settings.version),
    )


def settings_from_wire(message: pb.PaymentSettings) -> PaymentSettings:
    """What is said in a message; its version is for the store."""
    return PaymentSettings(
        message.name,
        message.pinned_gateway,
        tuple(message.gateway_order),
        tuple(message.excluded_gateways),
        message.reserve_only,
        not message.invoice_mails_disabled,
    )


def _attempt(attempt: Attempt) -> pb.PaymentAttempt:
    return pb.PaymentAttempt(
        number=attempt.number,
        gateway=attempt.gateway,
        method=attempt.method,
        gateway_reference=attempt.reference,
        state=pb.PaymentAttemptState.Value(f"PAYMENT_ATTEMPT_STATE_{attempt.standing.name}"),
        failure=failure_to_wire(attempt.failure),
        begin_time=time_to_wire(attempt.begin_time),
        confirm_time=time_to_wire(attempt.confirm_time),
        routes=[candidate_to_wire(each) for each in attempt.route],
    )


def action_to_wire(action: Action | None) -> pb.PaymentAction | None:
    """The message of what the payer has to do."""
    if action is None:
        return None
    return pb.PaymentAction(
        kind=pb.PaymentActionKind.Value(f"PAYMENT_ACTION_KIND_{action.kind.name}"), value=action.value
    )


def failure_to_wire(failure: Failure | None) -> pb.PaymentFailure | None:
    """The message of why something was refused."""
    return None if failure is None else pb.PaymentFailure(code=failure.code, message=failure.message)


def refund_to_wire(refund: Refund, payment: Payment) -> pb.Refund:
    """The message of a refund of a payment."""
    return pb.Refund(
        id=refund.id,
        amount=money_to_wire(refund.amount),
        reason=refund.reason,
        state=REFUND_STATES[refund.state],
        gateway_reference=refund.gateway_reference,
        create_time=time_to_wire(refund.create_time),
        complete_time=time_to_wire(refund.complete_time),
        requester=refund.requester,
        attempt=refund.attempt,
        surplus=bool(payment.paid_by) and refund.attempt != payment.paid_by,
        charged_back=refund.charged_back,
        dispute_fee=None if refund.fee is None else money_to_wire(refund.fee),
    )


def amount_from_wire(message: MoneyMessage) -> Money:
    """An amount of a request; InvalidArgument as money_from_wire, on field `amount`."""
    return money_from_wire(message, field="amount")


def booking_from_wire(message: pb.Payment) -> str:
    """What a new payment is for; InvalidArgument when it is not said."""
    if not message.booking:
        raise InvalidArgument.of("payment.booking", "is required.")
    return message.booking

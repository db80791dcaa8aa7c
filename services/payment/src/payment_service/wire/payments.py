"""usher.payment.v1.Payment and Refund ↔ domain."""

from google.type.money_pb2 import Money as MoneyMessage

from domain_kit.money import Money
from domain_kit.refusals import InvalidArgument
from payment_service.domain.payment import Payment
from payment_service.domain.refund import Refund, RefundState
from payment_service.domain.states import State
from resource_api import etag_of, money_from_wire, money_to_wire, time_to_wire
from usher.payment.v1 import payment_pb2 as pb

STATES = {state: pb.PaymentState.Value(f"PAYMENT_STATE_{state.name}") for state in State}
REFUND_STATES = {state: pb.RefundState.Value(f"REFUND_STATE_{state.name}") for state in RefundState}


def payment_to_wire(payment: Payment, viewer: str = "") -> pb.Payment:
    """The message of a payment; the client secret is in it only when the payer is the `viewer`."""
    failure = payment.failure
    return pb.Payment(
        name=payment.name,
        booking=payment.booking,
        payer=payment.payer,
        organizer=payment.organizer,
        amount=money_to_wire(payment.amount),
        state=STATES[payment.state],
        gateway=payment.gateway,
        gateway_reference=payment.gateway_reference,
        client_secret=payment.client_secret if viewer and viewer == payment.payer else "",
        next_action_uri=payment.next_action_uri,
        failure=None if failure is None else pb.PaymentFailure(code=failure.code, message=failure.message),
        refunded_amount=money_to_wire(payment.refunded),
        refunds=[refund_to_wire(each) for each in payment.refunds],
        create_time=time_to_wire(payment.create_time),
        update_time=time_to_wire(payment.update_time),
        succeed_time=time_to_wire(payment.succeed_time),
        etag=etag_of(payment.version),
    )


def refund_to_wire(refund: Refund) -> pb.Refund:
    """The message of a refund."""
    return pb.Refund(
        id=refund.id,
        amount=money_to_wire(refund.amount),
        reason=refund.reason,
        state=REFUND_STATES[refund.state],
        gateway_reference=refund.gateway_reference,
        create_time=time_to_wire(refund.create_time),
        complete_time=time_to_wire(refund.complete_time),
        requester=refund.requester,
    )


def amount_from_wire(message: MoneyMessage) -> Money:
    """An amount of a request; InvalidArgument as money_from_wire, on field `amount`."""
    return money_from_wire(message, field="amount")


def booking_from_wire(message: pb.Payment) -> str:
    """What a new payment is for; InvalidArgument when it is not said."""
    if not message.booking:
        raise InvalidArgument.of("payment.booking", "is required.")
    return message.booking

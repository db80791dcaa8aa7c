"""Domain events of the payment service as messages on its topic."""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from domain_kit.backbone import EncodedEvent
from domain_kit.repository import DomainEvent
from payment_service.domain import domain_events as facts
from payment_service.domain.payment import Payment
from payment_service.wire.payments import payment_to_wire, refund_to_wire
from usher.payment.v1 import domain_events_pb2 as pb


def _of_payment(kind: type[Message]) -> Callable[[Any, Payment], Message]:
    return lambda _fact, payment: kind(payment=payment_to_wire(payment))


def _of_refund(kind: type[Message]) -> Callable[[Any, Payment], Message]:
    return lambda fact, payment: kind(
        payment=payment_to_wire(payment), refund=refund_to_wire(payment.refund(fact.id), payment)
    )


# Fact → message; the state is that after all facts of the same change, without what only the payer may see.
MESSAGES: dict[type[Any], Callable[[Any, Payment], Message]] = {
    facts.PaymentCreated: _of_payment(pb.PaymentCreated),
    facts.PaymentAttempted: _of_payment(pb.PaymentAttempted),
    facts.PaymentActionRequired: _of_payment(pb.PaymentActionRequired),
    facts.PaymentRerouted: _of_payment(pb.PaymentRerouted),
    facts.PaymentAuthorized: _of_payment(pb.PaymentAuthorized),
    facts.PaymentAttemptCancelled: _of_payment(pb.PaymentAttemptCancelled),
    facts.PaymentDisputed: _of_payment(pb.PaymentDisputed),
    facts.PaymentDisputeClosed: _of_payment(pb.PaymentDisputeClosed),
    facts.PaymentDisputeLost: _of_payment(pb.PaymentDisputeLost),
    facts.PaymentDisputeUpdated: _of_payment(pb.PaymentDisputeUpdated),
    facts.PaymentDisputeReversed: _of_refund(pb.PaymentDisputeReversed),
    facts.PaymentSucceeded: _of_payment(pb.PaymentSucceeded),
    facts.PaymentFailed: _of_payment(pb.PaymentFailed),
    facts.PaymentCancelled: _of_payment(pb.PaymentCancelled),
    facts.RefundRequested: _of_refund(pb.RefundRequested),
    facts.RefundAccepted: _of_refund(pb.RefundAccepted),
    facts.RefundCompleted: _of_refund(pb.RefundCompleted),
    facts.RefundFailed: _of_refund(pb.RefundFailed),
}


def encode(fact: DomainEvent, payment: Payment) -> EncodedEvent:
    """The wire form of a fact with the payment after it."""
    message = MESSAGES[type(fact)](fact, payment)
    return EncodedEvent(message.DESCRIPTOR.full_name, message.SerializeToString(deterministic=True))

"""Payments as MongoDB documents and back."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from domain_kit.money import Money
from payment_service.domain.gateway import Failure
from payment_service.domain.payment import Payment
from payment_service.domain.refund import Refund, RefundState
from payment_service.domain.states import State

KEPT = (
    "booking", "payer", "organizer", "gateway", "gateway_reference", "client_secret", "create_time", "update_time",
    "attempts", "attempt_time", "trace", "next_action_uri", "succeed_time", "called_off",
)  # fmt: skip


def to_document(payment: Payment) -> dict[str, Any]:
    """The document of a payment; the store adds `_id` and `version`. `open` is there for the unique index."""
    return {
        **{field: getattr(payment, field) for field in KEPT},
        "amount": asdict(payment.amount),
        "state": payment.state.value,
        "failure": None if payment.failure is None else asdict(payment.failure),
        "refunds": [{**asdict(each), "state": each.state.value} for each in payment.refunds],
        "open": payment.open,
        "round": payment.round,
    }


def from_document(document: Mapping[str, Any]) -> Payment:
    """The payment of a document."""
    failure = document["failure"]
    return Payment(
        **{field: document[field] for field in KEPT},
        name=document["_id"],
        version=document["version"],
        round=document.get("round", 0),
        amount=Money(**document["amount"]),
        state=State(document["state"]),
        failure=None if failure is None else Failure(**failure),
        refunds=tuple(_refund(each) for each in document["refunds"]),
    )


def _refund(document: Mapping[str, Any]) -> Refund:
    return Refund(**{**document, "amount": Money(**document["amount"]), "state": RefundState(document["state"])})

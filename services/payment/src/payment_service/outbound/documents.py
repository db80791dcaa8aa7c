"""Payments as MongoDB documents and back."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from domain_kit.money import Money
from payment_service.domain.attempt import Attempt, Standing
from payment_service.domain.disputes import FOR_GOOD, Dispute, Verdict
from payment_service.domain.gateways import Action, ActionKind, Failure, FailureKind, MethodKind
from payment_service.domain.payment import Payment
from payment_service.domain.refund import Refund, RefundState
from payment_service.domain.routing import Candidate
from payment_service.domain.states import State

KEPT = (
    "booking", "payer", "organizer", "create_time", "update_time", "paid_by", "buyer_country", "wanted_method",
    "reserve", "succeed_time", "called_off", "round",
)  # fmt: skip
ATTEMPT_KEPT = (
    "number", "gateway", "method", "key", "begin_time", "reference", "trace", "tries", "confirm_time",
)  # fmt: skip
# Kept with the payment until it is decided, and never in the recorded answers, which stay for good.
UNRECORDED = ("token", "buyer_email")


def to_document(payment: Payment) -> dict[str, Any]:
    """The document of a payment; the store adds `_id` and `version`.

    `open` and `orders` are there for queries and indexes.
    """
    return {
        **{field: getattr(payment, field) for field in (*KEPT, *UNRECORDED)},
        "amount": asdict(payment.amount),
        "state": payment.state.value,
        "attempts": [_attempt_document(each) for each in payment.attempts],
        "refunds": [{**asdict(each), "state": each.state.value} for each in payment.refunds],
        "disputes": [{**asdict(each), "verdict": each.verdict.name} for each in payment.disputes],
        "open": payment.open,
        "orders": [name for each in payment.attempts for name in orders_of(each)],
    }


def orders_of(attempt: Attempt) -> list[str]:
    """Everything the order of an attempt is known by, with its gateway."""
    names = (attempt.key, attempt.reference, *attempt.former)
    return [f"{attempt.gateway}|{name}" for name in names if name]


def from_document(document: Mapping[str, Any]) -> Payment:
    """The payment of a document."""
    return Payment(
        **{field: document[field] for field in KEPT},
        **{field: document.get(field, "") for field in UNRECORDED},
        name=document["_id"],
        version=document["version"],
        amount=Money(**document["amount"]),
        state=State(document["state"]),
        attempts=tuple(_attempt(each) for each in document["attempts"]),
        refunds=tuple(_refund(each) for each in document["refunds"]),
        disputes=tuple(_disputes(document)),
    )


def _disputes(document: Mapping[str, Any]) -> Iterator[Dispute]:
    """closed_disputes: ids of those that were won, as kept before words had stages. Of those that were kept before they
    had amounts, nothing more than was booked is ever lost.
    """
    nothing = Money(0, document["amount"]["currency"])
    for id in document.get("closed_disputes", ()):
        yield Dispute(id, FOR_GOOD, Verdict.WON, nothing)
    for each in document.get("disputes", ()):
        amount, fee = each.get("amount"), each.get("fee")
        yield Dispute(
            each["id"], each["stage"], Verdict[each["verdict"]], Money(**amount) if amount else nothing,
            Money(**fee) if fee else None,
        )  # fmt: skip


def _attempt_document(attempt: Attempt) -> dict[str, Any]:
    action, failure = attempt.action, attempt.failure
    return {
        **{field: getattr(attempt, field) for field in ATTEMPT_KEPT},
        "kind": attempt.kind.value,
        "standing": attempt.standing.value,
        "former": list(attempt.former),
        # Pairs, because a gateway's own names may hold what a key of a document must not.
        "client": [list(pair) for pair in attempt.client.items()],
        "action": None if action is None else {"kind": action.kind.value, "value": action.value},
        "failure": None if failure is None else {**asdict(failure), "kind": failure.kind.value},
        "route": [_candidate_document(each) for each in attempt.route],
    }


def _candidate_document(candidate: Candidate) -> dict[str, Any]:
    """Field by field: there are a dozen in each payment, and `asdict` takes ten times as long."""
    return {
        "gateway": candidate.gateway,
        "method": candidate.method,
        "kind": candidate.kind.value,
        "fee": {"minor_units": candidate.fee.minor_units, "currency": candidate.fee.currency},
        "reasons": list(candidate.reasons),
    }


def _attempt(document: Mapping[str, Any]) -> Attempt:
    action, failure = document["action"], document["failure"]
    return Attempt(
        **{field: document[field] for field in ATTEMPT_KEPT},
        kind=MethodKind(document["kind"]),
        standing=Standing(document["standing"]),
        former=tuple(document["former"]),
        client=dict(document["client"]),
        action=None if action is None else Action(ActionKind(action["kind"]), action["value"]),
        failure=None if failure is None else Failure(**{**failure, "kind": FailureKind(failure["kind"])}),
        route=tuple(_candidate(each) for each in document["route"]),
    )


def _candidate(document: Mapping[str, Any]) -> Candidate:
    fee, kind = Money(**document["fee"]), MethodKind(document["kind"])
    return Candidate(document["gateway"], document["method"], kind, fee, tuple(document["reasons"]))


def _refund(document: Mapping[str, Any]) -> Refund:
    fee = document.get("fee")
    made = {"amount": Money(**document["amount"]), "fee": None if fee is None else Money(**fee)}
    return Refund(**{**document, **made, "state": RefundState(document["state"])})

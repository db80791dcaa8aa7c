"""Razorpay's orders, payments and refunds in our words (https://razorpay.com/docs/api/orders/entity)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import razorpay

from domain_kit.money import Money
from payment_service.domain.capabilities import Capabilities
from payment_service.domain.gateways import (
    Entry,
    Failure,
    FailureKind,
    GatewayRefund,
    Intent,
    IntentState,
    Order,
    Progress,
)

CALLED_OFF = "called_off"
PROGRESS = {"processed": Progress.SUCCEEDED, "failed": Progress.FAILED}
# Words for the payer, by `error_reason` (https://razorpay.com/docs/errors/payments/cards).
REASONS = {
    "insufficient_funds": "There is not enough money in the account.",
    "card_expired": "The card has expired.",
    "incorrect_cvv": "The security code of the card is wrong.",
    "incorrect_otp": "The one-time password was wrong.",
    "payment_cancelled": "The payment was cancelled.",
    "payment_timed_out": "The payment took too long.",
}
DECLINED = "The payment was declined."
OURS = frozenset({"business"})  # `error_source`: something in the order or in how we ask
THEIRS = frozenset({"internal", "gateway", "network"})


@dataclass(frozen=True, slots=True)
class Standing:
    """An order and its payments, oldest first. taken: the one that was captured; waiting: the one that can be."""

    order: Mapping[str, Any]
    payments: Sequence[Mapping[str, Any]]

    @classmethod
    def of(cls, order: Mapping[str, Any]) -> "Standing":
        """Of an order with its payments expanded; without, it is a new one."""
        payments = (order.get("payments") or {}).get("items", [])
        return cls(order, sorted(payments, key=lambda each: (each["created_at"], each["id"])))

    @property
    def taken(self) -> Mapping[str, Any] | None:
        """`captured` stays when all of it was paid back."""
        return next((each for each in self.payments if each["captured"]), None)

    @property
    def waiting(self) -> Mapping[str, Any] | None:
        """A payment may carry a fee that the payer bears, so amounts differ: those are left to people."""
        return next((each for each in self.payments if self._fits(each) and each["status"] == "authorized"), None)

    def payment(self, id: str) -> Mapping[str, Any] | None:
        """The payment of that id, if it is one for this order and of its amount."""
        return next((each for each in self.payments if each["id"] == id and self._fits(each)), None)

    def intent(self, order: Order, can: Capabilities, client: Mapping[str, str]) -> Intent:
        """Ours of theirs."""
        state, failure = IntentState.OPEN, None
        if self.taken is not None:
            state = IntentState.SUCCEEDED
        elif self._called_off:
            state = IntentState.CANCELLED
        elif self.waiting is not None:
            state = IntentState.APPROVED if order.capture else IntentState.AUTHORIZED
        elif self.payments and self.payments[-1]["status"] == "failed":
            failure = failure_of(self.payments[-1])
        return Intent(
            reference=self.order["id"],
            state=state,
            client=client,
            failure=failure,
            captured=can.money(self.taken["amount"], self.taken["currency"]) if self.taken is not None else None,
            trace="|".join(f"{each['id']}:{each['status']}" for each in self.payments),
        )

    @property
    def _called_off(self) -> bool:
        notes = self.order.get("notes") or {}  # an empty one comes as a list
        return CALLED_OFF in notes

    def _fits(self, payment: Mapping[str, Any]) -> bool:
        return all(payment[name] == self.order[name] for name in ("amount", "currency"))


def with_payment(order: Mapping[str, Any], payment: Mapping[str, Any]) -> Mapping[str, Any]:
    """An order with its payments expanded, one of which is so by now."""
    items = [payment if each["id"] == payment["id"] else each for each in order["payments"]["items"]]
    return {**order, "payments": {**order["payments"], "items": items}}


def failure_of(payment: Mapping[str, Any]) -> Failure:
    """Why a payment failed."""
    reason = str(payment.get("error_reason") or payment.get("error_code") or "payment_failed")
    source = payment.get("error_source")
    if source in THEIRS:
        return Failure(reason, "The payment gateway has trouble of its own.", FailureKind.GATEWAY)
    kind = FailureKind.REFUSED if source in OURS else FailureKind.DECLINED
    return Failure(reason, REASONS.get(reason, DECLINED), kind)


def refund_of(refund: Mapping[str, Any]) -> GatewayRefund:
    """Ours of theirs."""
    return GatewayRefund(refund["id"], PROGRESS.get(refund["status"], Progress.PENDING))


def entry_of(thing: Mapping[str, Any], can: Capabilities) -> Entry | None:
    """A captured payment or a refund that has not failed as a line of the account; None for anything else."""
    refund = thing["entity"] == "refund"
    counts = thing["status"] != "failed" if refund else thing["captured"]
    if not counts or thing["currency"] not in can.currencies:
        return None
    notes = thing.get("notes") or {}
    currency = thing["currency"]
    return Entry(
        id=thing["id"],
        kind="refund" if refund else "charge",
        reference=str(notes.get("order", "") if refund else thing.get("order_id") or ""),
        key=str(notes.get("key", "")) if refund else "",
        amount=can.money(thing["amount"], currency),
        fee=Money(0, currency) if refund else can.money(thing.get("fee") or 0, currency),
        time=datetime.fromtimestamp(thing["created_at"], UTC),
    )


def paid_with(utility: Any, token: str, reference: str) -> str | None:
    """The payment that a token names, if Razorpay has signed it for this order.

    token: what the checkout gives to its page, as JSON, or `<payment id>|<signature>`.
    """
    id, _, signature = token.partition("|")
    if token.startswith("{"):
        try:
            given = json.loads(token)
        except (ValueError, RecursionError):
            return None
        id, signature = str(given.get("razorpay_payment_id", "")), str(given.get("razorpay_signature", ""))
    named = {"razorpay_order_id": reference, "razorpay_payment_id": id, "razorpay_signature": signature}
    try:
        utility.verify_payment_signature(named)
    except (razorpay.errors.SignatureVerificationError, TypeError, UnicodeError):
        return None
    return id

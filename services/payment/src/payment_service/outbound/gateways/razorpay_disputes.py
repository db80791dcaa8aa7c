"""Razorpay's disputes in our words (https://razorpay.com/docs/api/disputes/entity, https://razorpay.com/docs/webhooks/disputes).

Each event has the payment and the whole dispute in it, and when it was made, in seconds: of two in one second the later
verdict counts. In the phases `fraud` and `retrieval` the bank only asks. Nothing is deducted before one is lost
(`amount_deducted`). A payment does not say that it is disputed, so the signed word is all there is.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from domain_kit.money import Money
from payment_service.domain.capabilities import Capabilities
from payment_service.domain.gateways import Entry, Intent, IntentState

QUESTIONS = frozenset({"fraud", "retrieval"})
OVER = frozenset({"won", "closed"})
LOST = "lost"


def said_of(dispute: Mapping[str, Any], made: int, can: Capabilities) -> Intent | None:
    """What a dispute says of its payment; None while the bank only asks. made: when, in seconds since 1970."""
    if takes_nothing(dispute):
        return None
    status = str(dispute["status"])
    units = (dispute.get("amount_deducted") if status == LOST else 0) or dispute["amount"]
    return Intent(
        "",
        IntentState.SUCCEEDED,
        disputed=status not in OVER,
        lost=status == LOST,
        disputed_amount=can.money(int(units), str(dispute["currency"])),
        dispute=str(dispute["id"]),
        dispute_stage=int(made),
    )


def takes_nothing(dispute: Mapping[str, Any]) -> bool:
    """Whether the bank only asks."""
    return dispute.get("phase") in QUESTIONS and dispute["status"] != LOST


def entry_of_dispute(dispute: Mapping[str, Any], payment: Mapping[str, Any], can: Capabilities) -> Entry:
    """A line of the account: what it is about, when it was raised."""
    currency = str(dispute["currency"])
    return Entry(
        id=dispute["id"],
        kind="dispute",
        reference=str(payment.get("order_id") or ""),
        key="",
        amount=can.money(dispute["amount"], currency),
        fee=Money(0, currency),
        time=datetime.fromtimestamp(dispute["created_at"], UTC),
    )

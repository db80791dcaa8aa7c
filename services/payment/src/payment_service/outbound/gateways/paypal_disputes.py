"""What PayPal's webhooks say of a dispute (https://developer.paypal.com/docs/disputes/webhooks/): the whole of it, as
it stood at its `update_time`. PayPal holds the money back from when one is opened, also one that is not escalated.

`dispute_outcome.outcome_code` by https://developer.paypal.com/docs/api/customer-disputes/v1/; what a lost one has cost
beside its amount is not told. An order does not say that it is disputed, so the signed word is all there is.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from domain_kit.money import Money
from payment_service.domain.gateways import Intent, IntentState, Notice

EVENTS = frozenset({"CUSTOMER.DISPUTE.CREATED", "CUSTOMER.DISPUTE.UPDATED", "CUSTOMER.DISPUTE.RESOLVED"})
LOST = frozenset({"RESOLVED_BUYER_FAVOUR", "ACCEPTED"})  # RESOLVED_WITH_PAYOUT: PayPal has paid the buyer itself


def notices_of(id: str, dispute: Mapping[str, Any], money: Callable[[Mapping[str, Any]], Money]) -> Sequence[Notice]:
    """One for each payment that it is about. money: reads {"currency_code", "value"}."""
    about = dispute["disputed_transactions"]
    amount = _taken(dispute, money) if len(about) == 1 else None  # of several it is the sum
    outcome = (dispute.get("dispute_outcome") or {}).get("outcome_code", "")
    over = dispute["status"] == "RESOLVED"
    said = Intent(
        "",
        IntentState.SUCCEEDED,
        disputed=not over or outcome in LOST,
        lost=over and outcome in LOST,
        disputed_amount=amount,
        dispute=str(dispute["dispute_id"]),
        dispute_stage=int(datetime.fromisoformat(dispute["update_time"]).timestamp() * 1000),
    )
    names = [_known_by(each) for each in about]
    return [
        Notice(id if number == 0 else f"{id}:{number}", key, capture, intent=said if key or capture else None)
        for number, (key, capture) in enumerate(names)
    ]


def _known_by(about: Mapping[str, Any]) -> tuple[str, str]:
    """Our key of the order; else, where PayPal says nothing of ours, its id of the capture."""
    key = str(about.get("custom") or about.get("invoice_number") or "").partition(".")[0]
    return key, "" if key else str(about.get("seller_transaction_id") or "")


def _taken(dispute: Mapping[str, Any], money: Callable[[Mapping[str, Any]], Money]) -> Money | None:
    refunded = (dispute.get("dispute_outcome") or {}).get("amount_refunded")
    amount = refunded if refunded and Decimal(refunded["value"]) else dispute.get("dispute_amount")
    return None if amount is None else money(amount)

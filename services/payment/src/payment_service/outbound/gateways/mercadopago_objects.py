"""Mercado Pago's payments and refunds in our words (https://www.mercadopago.com.br/developers/en/reference/payments)."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from domain_kit.money import Money
from payment_service.domain.capabilities import Capabilities
from payment_service.domain.gateways import (
    Action,
    ActionKind,
    Entry,
    Failure,
    FailureKind,
    GatewayRefund,
    Intent,
    IntentState,
    Progress,
)

STATES = {
    "authorized": IntentState.AUTHORIZED,
    "approved": IntentState.SUCCEEDED,
    "in_mediation": IntentState.SUCCEEDED,
    "refunded": IntentState.SUCCEEDED,
    "charged_back": IntentState.SUCCEEDED,
    "rejected": IntentState.CANCELLED,
    "cancelled": IntentState.CANCELLED,
}  # pending and in_process are PROCESSING
DISPUTED = frozenset({"in_mediation", "charged_back"})
# `reimbursed`: it came back; `in_process`: undecided; `by_admin`: Mercado Pago itself has given it to the payer.
LOST = frozenset({("charged_back", "settled"), ("refunded", "by_admin")})
PROGRESS = {"approved": Progress.SUCCEEDED, "rejected": Progress.FAILED, "cancelled": Progress.FAILED}
# Words for the payer, by `status_detail`.
REASONS = {
    "cc_rejected_insufficient_amount": "There is not enough money on the card.",
    "cc_rejected_bad_filled_security_code": "The security code of the card is wrong.",
    "cc_rejected_bad_filled_date": "The expiry date of the card is wrong.",
    "cc_rejected_bad_filled_card_number": "The number of the card is wrong.",
    "cc_rejected_bad_filled_other": "The card's data is wrong.",
    "cc_rejected_call_for_authorize": "The card's bank wants to be asked first.",
    "cc_rejected_card_disabled": "The card is not active.",
    "cc_rejected_max_attempts": "The card was tried too often.",
    "cc_rejected_3ds_challenge": "The card's bank could not authenticate the payment.",
}
DECLINED = "The card was declined."
OURS = frozenset({
    "cc_rejected_high_risk", "cc_rejected_blacklist", "cc_rejected_invalid_installments",
    "cc_rejected_duplicated_payment", "rejected_high_risk", "rejected_by_regulations",
})  # fmt: skip
THEIRS = frozenset({"bank_error", "rejected_by_biometry_service", "cc_rejected_time_out", "internal_error"})


def card_of(token: str) -> dict[str, Any]:
    """What the payer's browser got: a token, or the JSON of the Card Payment Brick."""
    if not token.startswith("{"):
        return {"token": token, "installments": 1}
    try:
        given = json.loads(token)
    except (ValueError, RecursionError):
        return {"token": token, "installments": 1}
    count = given.get("installments", 1)
    card = {"token": str(given.get("token", "")), "installments": count if type(count) is int and count > 0 else 1}
    named = {name: str(given[name]) for name in ("payment_method_id", "issuer_id") if given.get(name)}
    payer = given.get("payer")
    address = payer.get("email") if isinstance(payer, dict) else None
    return {**card, **named, **({"payer": {"email": str(address)}} if address else {})}


def number_of(text: str) -> int | float:
    """Decimal text as the JSON number that is written with the same digits."""
    return float(text) if "." in text else int(text)


def told_apart(key: str, purpose: str) -> str:
    """An idempotency key for something else about the same order."""
    return hashlib.sha256(f"{key}:{purpose}".encode()).hexdigest()[:32]


def intent_of(payment: Mapping[str, Any], can: Capabilities, client: Mapping[str, str]) -> Intent:
    """Ours of theirs. A payment is one attempt: what was rejected stays so."""
    state = STATES.get(payment["status"], IntentState.PROCESSING)
    detail = str(payment.get("status_detail") or payment["status"])
    action = None
    if state is IntentState.PROCESSING and detail == "pending_challenge":
        asked = payment.get("three_ds_info") or {}
        state = IntentState.ACTION_REQUIRED
        action = Action(ActionKind.REDIRECT, str(asked.get("external_resource_url", "")))
        client = {**client, "creq": str(asked.get("creq", ""))}
    return Intent(
        reference=str(payment["id"]),
        state=state,
        client=client,
        action=action,
        failure=failure_of(detail) if payment["status"] == "rejected" else None,
        captured=_money(payment["transaction_amount"], payment["currency_id"], can)
        if state is IntentState.SUCCEEDED
        else None,
        disputed=_disputed(payment["status"], detail),
        lost=(payment["status"], detail) in LOST,
        trace=f"{payment['id']}:{payment['status']}:{detail}",
    )


def _disputed(status: str, detail: str) -> bool | None:
    """None of what was paid back: that says neither that there was a dispute nor, after one, that it was won."""
    if (status, detail) in LOST:
        return True
    return None if status == "refunded" else status in DISPUTED and detail != "reimbursed"


def failure_of(detail: str) -> Failure:
    """Why a payment was rejected."""
    if detail in THEIRS:
        return Failure(detail, "The payment gateway has trouble of its own.", FailureKind.GATEWAY)
    return Failure(
        detail, REASONS.get(detail, DECLINED), FailureKind.REFUSED if detail in OURS else FailureKind.DECLINED
    )


def refund_of(refund: Mapping[str, Any]) -> GatewayRefund:
    """Ours of theirs."""
    return GatewayRefund(str(refund["id"]), PROGRESS.get(refund["status"], Progress.PENDING))


def entries_of(payment: Mapping[str, Any], can: Capabilities) -> Sequence[Entry]:
    """The lines of a payment whose money came: itself, its refunds, and a dispute over it."""
    currency = payment["currency_id"]
    if STATES.get(payment["status"]) is not IntentState.SUCCEEDED or currency not in can.currencies:
        return []
    reference, key = str(payment["id"]), str(payment.get("external_reference") or "")
    amount, nothing = _money(payment["transaction_amount"], currency, can), Money(0, currency)
    ours = [each["amount"] for each in payment.get("fee_details") or [] if each.get("fee_payer") == "collector"]
    fee = sum((_money(each, currency, can) for each in ours), nothing)
    came = _time(payment.get("date_approved") or payment["date_created"])
    lines = [Entry(reference, "charge", reference, key, amount, fee, came)]
    for each in payment.get("refunds") or []:
        if each["status"] not in ("rejected", "cancelled"):
            back = _money(each["amount"], currency, can)
            lines.append(Entry(str(each["id"]), "refund", reference, key, back, nothing, _time(each["date_created"])))
    if payment["status"] in DISPUTED:
        time = _time(payment["date_last_updated"])
        lines.append(Entry(f"{reference}-dispute", "dispute", reference, key, amount, nothing, time))
    return lines


def _money(number: float, currency: str, can: Capabilities) -> Money:
    digits = can.currencies[currency].exponent
    return can.money(int(Decimal(str(number)).scaleb(digits)), currency)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)

"""Adyen's payments and notifications in our words (https://docs.adyen.com/online-payments/build-your-integration)."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from domain_kit.money import Money
from payment_service.domain.capabilities import Capabilities
from payment_service.domain.gateways import (
    Action,
    ActionKind,
    Failure,
    FailureKind,
    GatewayRefund,
    Intent,
    IntentState,
    Notice,
    Order,
    Progress,
)
from payment_service.outbound.gateways.said_no import unavailable

ENDED = frozenset({"Refused", "Cancelled", "Error"})
ACTIONS = frozenset({"RedirectShopper", "IdentifyShopper", "ChallengeShopper"})
# Words for the payer, by `refusalReasonCode` (https://docs.adyen.com/development-resources/refusal-reasons).
REASONS = {
    "5": "The card is blocked.",
    "6": "The card has expired.",
    "8": "The number of the card is wrong.",
    "11": "The card's bank could not authenticate the payment.",
    "12": "There is not enough money on the card.",
    "16": "The payment was cancelled.",
    "24": "The security code of the card is wrong.",
    "25": "The card may not be used for this.",
    "38": "The card's bank wants the payment to be authenticated.",
}
DECLINED = "The card was declined."
OURS = frozenset({"7", "10", "14", "20", "22"})  # invalid amount, not supported, and what Adyen's risk check says
THEIRS = frozenset({"4", "21"})  # acquirer's error, not submitted
# Parts of `state.data` that are for Adyen; everything else that a browser may send is left out.
FROM_BROWSER = ("paymentMethod", "browserInfo", "riskData", "origin")
# https://docs.adyen.com/risk-management/disputes-api/dispute-notifications; what a lost one has cost is not in them.
WON = frozenset({"CHARGEBACK_REVERSED", "ISSUER_RESPONSE_TIMEFRAME_EXPIRED", "PREARBITRATION_WON"})
LOST = frozenset({"DISPUTE_DEFENSE_PERIOD_ENDED", "SECOND_CHARGEBACK", "PREARBITRATION_LOST"})
# How far along each is: no time is signed, and none of them comes twice in one dispute.
DISPUTES = {
    "NOTIFICATION_OF_CHARGEBACK": 1, "CHARGEBACK": 2, "DISPUTE_DEFENSE_PERIOD_ENDED": 3, "CHARGEBACK_REVERSED": 4,
    "ISSUER_RESPONSE_TIMEFRAME_EXPIRED": 5, "SECOND_CHARGEBACK": 6, "PREARBITRATION_WON": 7, "PREARBITRATION_LOST": 7,
}  # fmt: skip
SIGNED = ("pspReference", "originalReference", "merchantAccountCode", "merchantReference", "eventCode", "success")


def asked_of(token: str) -> dict[str, Any]:
    """What the payer's browser got, as the part of a request that it is; ValueError for anything else.

    A card comes encrypted: one with its bare number, and what is no card, is not passed on.
    """
    try:
        given = json.loads(token)
    except RecursionError:
        raise ValueError("not what the component gives") from None
    card = given.get("paymentMethod") if isinstance(given, dict) else None
    if isinstance(card, dict) and card.get("type") == "scheme" and "number" not in card:
        return {name: given[name] for name in FROM_BROWSER if name in given}
    if isinstance(given, dict) and isinstance(given.get("details"), dict):
        return {"details": given["details"], **({"paymentData": data} if (data := given.get("paymentData")) else {})}
    raise ValueError("neither a payment method nor details")


def told_apart(key: str, purpose: str) -> str:
    """An idempotency key for something else about the same order."""
    return hashlib.sha256(f"{key}:{purpose}".encode()).hexdigest()[:32]


def received(answer: Mapping[str, Any]) -> str:
    """Adyen's reference of a change that it has taken on."""
    if answer.get("status") != "received" or not answer.get("pspReference"):
        raise unavailable()
    return str(answer["pspReference"])


def intent_of(answer: Mapping[str, Any], order: Order, can: Capabilities, client: Mapping[str, str]) -> Intent:
    """Ours of theirs. A payment is one attempt: what was refused stays so."""
    result, reference = str(answer.get("resultCode", "")), str(answer.get("pspReference") or order.key)
    state, action, captured, failure = IntentState.PROCESSING, None, None, None
    if result == "Authorised":
        state = IntentState.SUCCEEDED if order.capture else IntentState.AUTHORIZED
        captured = order.amount if order.capture else None
        said = answer.get("amount")
        if captured is not None and said:
            captured = can.money(said["value"], said["currency"])
    elif result in ACTIONS:
        asked = answer.get("action") or {}
        state, action = IntentState.ACTION_REQUIRED, Action(ActionKind.REDIRECT, str(asked.get("url", "")))
        client = {**client, "action": json.dumps(asked)}
    elif result in ENDED:
        state, failure = IntentState.CANCELLED, failure_of(result, str(answer.get("refusalReasonCode") or ""))
    return Intent(
        reference=reference,
        state=state,
        client=client,
        action=action,
        failure=failure,
        captured=captured,
        trace=f"{reference}:{result}:{answer.get('refusalReasonCode', '')}",
    )


def failure_of(result: str, code: str) -> Failure:
    """Why a payment came to nothing; the code is Adyen's number, or the result where there is none."""
    if code in THEIRS or (result == "Error" and code not in REASONS):
        return Failure(code or "error", "The payment gateway has trouble of its own.", FailureKind.GATEWAY)
    kind = FailureKind.REFUSED if code in OURS else FailureKind.DECLINED
    return Failure(code or result.lower(), REASONS.get(code, DECLINED), kind)


def notice_of(item: Mapping[str, Any], account: str, can: Capabilities) -> Notice:
    """What an item with a good signature says, of the eight fields that are signed and no other.

    They are signed with ":" between them, so a field that has one in it might have been cut elsewhere: such an item,
    and one of another account, is about nothing of ours.
    """
    signed = [str(item.get(name) or "") for name in SIGNED]
    psp, original, merchant, reference, event, success = signed
    id, amount = f"{event}:{psp}:{success}", item["amount"]
    if merchant != account or any(":" in each for each in (*signed, str(amount["currency"]), str(amount["value"]))):
        return Notice(id)
    good = success == "true"
    if event in ("REFUND", "REFUND_FAILED", "REFUNDED_REVERSED"):
        progress = Progress.SUCCEEDED if good and event == "REFUND" else Progress.FAILED
        return Notice(id, reference=original, refunds={reference: GatewayRefund(psp, progress)})
    payment = original or psp
    if amount["currency"] not in can.currencies:
        return Notice(id, key=reference, reference=payment)
    said = _said(event, payment, amount, can, good=good)
    if said is not None and event in DISPUTES:
        taken = can.money(int(amount["value"]), amount["currency"])
        # The reference is the same for all that is told of one.
        said = replace(said, disputed_amount=taken, dispute=psp, dispute_stage=DISPUTES[event])
    return Notice(id, key=reference, reference=payment, intent=said, paid=good and event == "AUTHORISATION")


def _said(event: str, payment: str, amount: Mapping[str, Any], can: Capabilities, *, good: bool) -> Intent | None:
    trace = f"{payment}:{event}:{good}"
    if event == "AUTHORISATION" and good:
        return Intent(payment, IntentState.AUTHORIZED, trace=trace)
    if event == "AUTHORISATION":
        failure = Failure("refused", DECLINED)
        return Intent(payment, IntentState.CANCELLED, failure=failure, trace=trace)
    if event == "CAPTURE" and good:
        taken: Money = can.money(int(amount["value"]), amount["currency"])
        return Intent(payment, IntentState.SUCCEEDED, captured=taken, trace=trace)
    if event in ("CAPTURE", "CAPTURE_FAILED"):
        failure = Failure("capture_failed", "The money could not be taken.", FailureKind.GATEWAY)
        return Intent(payment, IntentState.CANCELLED, failure=failure, trace=trace)
    if event == "CANCELLATION" and good:
        return Intent(payment, IntentState.CANCELLED, trace=trace)
    if event in DISPUTES:
        return Intent(payment, IntentState.SUCCEEDED, disputed=event not in WON, lost=event in LOST, trace=trace)
    return None

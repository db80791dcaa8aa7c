"""Webhooks of Stripe (https://docs.stripe.com/webhooks#verify-manually)."""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import stripe

from payment_service.domain.gateways import Delivery, Notice
from payment_service.outbound.gateways.said_no import bad_body, bad_signature, too_old

PAID = "payment_intent.succeeded"
# The one way to write a header, so that none that was changed is taken for the same.
HEADER = re.compile(r"t=[1-9][0-9]*(,[a-z]+[0-9]=[0-9a-f]+)+", re.ASCII)
TOLERANCE_SECONDS = 300  # how old, or how far in the future, a signature may be


def read_event(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Notice:
    """The notice; refusals as payment_service.domain.gateways.Webhooks."""
    signature = delivery.headers.get("stripe-signature", "")
    if not any(_signed(delivery.body, signature, secret) for secret in secrets):
        raise bad_signature()
    if abs(now.timestamp() - _signed_at(signature)) > TOLERANCE_SECONDS:
        raise too_old()
    try:
        event = json.loads(delivery.body)
        thing = event["data"]["object"]
        intent = thing["id"] if thing["object"] == "payment_intent" else thing.get("payment_intent")
        paid = event.get("type") == PAID and thing["object"] == "payment_intent"
        return Notice(str(event["id"]), _order_of(thing), str(intent or ""), paid=paid)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise bad_body() from None


def _order_of(thing: dict[str, Any]) -> str:
    return str((thing.get("metadata") or {}).get("order") or "")


def _signed(body: bytes, signature: str, secret: str) -> bool:
    if not HEADER.fullmatch(signature):
        return False
    try:
        stripe.WebhookSignature.verify_header(body, signature, secret, tolerance=None)
    except (stripe.SignatureVerificationError, UnicodeError, ValueError, TypeError):
        return False
    return True


def _signed_at(signature: str) -> int:
    """The time that the signature covers, of a header that has been verified."""
    parts = [part.split("=", 1) for part in signature.split(",")]
    return next(int(value) for name, value in parts if name == "t")

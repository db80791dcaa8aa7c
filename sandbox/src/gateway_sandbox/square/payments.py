"""Payments: made with a token, taken at once or held first (https://developer.squareup.com/docs/payments-api)."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway_sandbox.ledger import Object
from gateway_sandbox.provider import Till
from gateway_sandbox.square.errors import (
    LONGEST_KEY,
    SquareError,
    instant,
    invalid,
    money,
    not_found,
    number,
    only,
    text,
)
from gateway_sandbox.square.tokens import BEFORE_THE_BANK, TOKENS

CREATE = (
    "source_id", "idempotency_key", "amount_money", "autocomplete", "location_id", "reference_id", "note",
    "buyer_email_address", "delay_duration", "delay_action", "customer_id",
)  # fmt: skip
LIST = ("begin_time", "end_time", "sort_order", "cursor", "location_id", "total", "limit")
HELD_DAYS = 7  # of a card that is not present


def moment(seconds: float) -> str:
    """RFC 3339 with milliseconds, as Square writes times."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def shown(payment: Object) -> Object:
    """As merchants see it."""
    return {key: value for key, value in payment.items() if key not in ("object", "far_idempotency_key", "far_token")}


def tell(till: Till, type: str, kind: str, thing: Object) -> None:
    """Send the merchant an event with the whole of a payment or refund in it."""
    till.tell({"type": type, "created_at": thing["updated_at"], "data": {"type": kind, "id": thing["id"]}, kind: thing})


class Payments:
    """One merchant's, in the currency of its location. token_of: source and customer → the test token."""

    def __init__(self, till: Till, *, location: str, currency: str, token_of: Callable[[str, str], str]) -> None:
        self._till, self._location, self.currency, self._token_of = till, location, currency, token_of

    def find(self, id: str) -> Object:
        """404 NOT_FOUND."""
        payment = self._till.load("payment", id)
        if payment is None:
            raise not_found(f"payment with id: {id}")
        return payment

    def create(self, given: Mapping[str, Any]) -> Object:
        """POST /v2/payments. A decline leaves a FAILED payment behind."""
        only(given, CREATE)
        key, source = text(given, "idempotency_key", LONGEST_KEY), text(given, "source_id")
        amount = money(given, "amount_money", self.currency)
        if given.get("location_id", self._location) != self._location:
            raise invalid("INVALID_LOCATION", "The location is not this merchant's.", field="location_id")
        reference = text(given, "reference_id", 40) if "reference_id" in given else ""
        token = TOKENS.get(self._token_of(source, str(given.get("customer_id", ""))))
        if token is None:
            raise not_found("a card nonce of that name")
        if token.decline in BEFORE_THE_BANK:
            raise invalid(token.decline, token.detail, field="source_id")
        now, taken = time.time(), given.get("autocomplete", True) is True
        said = {"amount": amount, "currency": self.currency}
        payment: Object = {
            "id": self._till.new_id("sq"),
            "created_at": moment(now),
            "updated_at": moment(now),
            "amount_money": said,
            "total_money": said,
            "status": "COMPLETED" if taken else "APPROVED",
            "delay_duration": f"PT{HELD_DAYS * 24}H",
            "delay_action": "CANCEL",
            "delayed_until": moment(now + timedelta(days=HELD_DAYS).total_seconds()),
            "source_type": "CARD",
            "card_details": {
                "status": "CAPTURED" if taken else "AUTHORIZED",
                "card": {"card_brand": token.brand, "last_4": token.last4},
                "entry_method": "KEYED",
            },
            "location_id": self._location,
            "reference_id": reference,
            "note": given.get("note", ""),
            "capabilities": [] if taken else ["EDIT_AMOUNT_UP", "EDIT_AMOUNT_DOWN"],
            "version_token": self._till.new_id(),
            "far_idempotency_key": key,
            "far_token": source,
        }
        if token.decline:
            error = {"category": "PAYMENT_METHOD_ERROR", "code": token.decline, "detail": token.detail}
            payment["status"], payment["card_details"]["status"] = "FAILED", "FAILED"
            payment["card_details"]["errors"] = [error]
            self.keep(payment, "payment.created")
            self._till.charged(f"charge_{payment['id']}", reference, amount, self.currency, taken=False)
            raise SquareError(400, error["category"], error["code"], error["detail"], payment=shown(payment))
        if taken:
            self._take(payment)
        self.keep(payment, "payment.created")
        return {"payment": shown(payment)}

    def get(self, id: str) -> Object:
        """GET /v2/payments/{id}."""
        return {"payment": shown(self.find(id))}

    def update(self, id: str, given: Mapping[str, Any]) -> Object:
        """PUT /v2/payments/{id}: another amount for one that is held."""
        only(given, ("idempotency_key", "payment"))
        text(given, "idempotency_key", LONGEST_KEY)
        only(given.get("payment") or {}, ("amount_money",))
        payment = self._held(id, "updated")
        amount = money(given.get("payment") or {}, "amount_money", self.currency)
        payment["amount_money"] = payment["total_money"] = {"amount": amount, "currency": self.currency}
        self.keep(payment)
        return {"payment": shown(payment)}

    def complete(self, id: str) -> Object:
        """POST /v2/payments/{id}/complete."""
        payment = self._held(id, "completed")
        payment["status"], payment["card_details"]["status"], payment["capabilities"] = "COMPLETED", "CAPTURED", []
        self._take(payment)
        self.keep(payment)
        return {"payment": shown(payment)}

    def cancel(self, id: str) -> Object:
        """POST /v2/payments/{id}/cancel."""
        payment = self._held(id, "canceled")
        payment["status"], payment["card_details"]["status"], payment["capabilities"] = "CANCELED", "VOIDED", []
        self.keep(payment)
        return {"payment": shown(payment)}

    def cancel_by_key(self, given: Mapping[str, Any]) -> Object:
        """POST /v2/payments/cancel; where no payment was made with the key, nothing happens."""
        only(given, ("idempotency_key",))
        key = text(given, "idempotency_key", LONGEST_KEY)
        for payment in self._till.page("payment"):
            if payment["far_idempotency_key"] == key and payment["status"] not in ("CANCELED", "FAILED"):
                self.cancel(payment["id"])
        return {}

    def listed(self, given: Mapping[str, str]) -> Object:
        """GET /v2/payments: by time and amount, in pages."""
        only(given, LIST, "UNKNOWN_QUERY_PARAMETER")
        total, within = number(given, "total"), span(given)
        found = [
            shown(each)
            for each in self._till.page("payment")
            if within(each) and (total is None or each["total_money"]["amount"] == total)
        ]
        return page_of("payments", found, given)

    def keep(self, payment: Object, told: str = "payment.updated") -> None:
        """Save it and tell the merchant."""
        payment["updated_at"], payment["version_token"] = moment(time.time()), self._till.new_id()
        self._till.save("payment", payment["id"], payment, payment["reference_id"])
        tell(self._till, told, "payment", shown(payment))

    def _take(self, payment: Object) -> None:
        amount = payment["amount_money"]["amount"]
        fee = (amount * 290 + 5000) // 10_000 + 30
        payment["approved_money"] = payment["amount_money"]
        payment["processing_fee"] = [
            {"type": "INITIAL", "amount_money": {"amount": fee, "currency": self.currency}},
        ]
        self._till.charged(f"charge_{payment['id']}", payment["reference_id"], amount, self.currency)

    def _held(self, id: str, verb: str) -> Object:
        payment = self.find(id)
        if payment["status"] != "APPROVED":
            code = {"COMPLETED": "DELAYED_TRANSACTION_CAPTURED", "CANCELED": "DELAYED_TRANSACTION_CANCELED"}
            raise invalid(
                code.get(payment["status"], "BAD_REQUEST"), f"A {payment['status']} payment cannot be {verb}."
            )
        return payment


def span(given: Mapping[str, str]) -> Callable[[Object], bool]:
    """Whether a thing was made between `begin_time` and `end_time`, where they are given."""
    begin, end = instant(given, "begin_time"), instant(given, "end_time")

    def within(thing: Object) -> bool:
        made = datetime.fromisoformat(thing["created_at"])
        return (begin is None or made >= begin) and (end is None or made < end)

    return within


def page_of(name: str, found: list[Object], given: Mapping[str, str]) -> Object:
    """One page of what is there, newest first unless ASC is asked for, and the cursor of the next."""
    if given.get("sort_order", "DESC") == "ASC":
        found.reverse()
    ids = [each["id"] for each in found]
    after = given.get("cursor")
    if after and after not in ids:
        raise invalid("INVALID_CURSOR", "Invalid cursor.", field="cursor")
    start = ids.index(after) + 1 if after else 0
    end = start + min(number(given, "limit") or 100, 100)
    more = {"cursor": ids[end - 1]} if end < len(found) else {}
    return {name: found[start:end], **more}

"""Refunds, each pending for a moment (https://developer.squareup.com/docs/refunds-api/overview)."""

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gateway_sandbox.ledger import Object
from gateway_sandbox.provider import Till
from gateway_sandbox.square.errors import LONGEST_KEY, SquareError, money, not_found, only, text
from gateway_sandbox.square.payments import Payments, moment, page_of, span, tell
from gateway_sandbox.square.tokens import TOKENS

SETTLE_SECONDS = 1.0
ENTRY = {"PENDING": "pending", "COMPLETED": "succeeded", "FAILED": "failed"}
LIST = ("begin_time", "end_time", "sort_order", "cursor", "location_id", "status", "limit")


def shown(refund: Object) -> Object:
    """As merchants see it."""
    return {key: value for key, value in refund.items() if key != "object"}


class Refunds:
    """Of one merchant's payments."""

    def __init__(self, till: Till, payments: Payments) -> None:
        self._till, self._payments = till, payments

    def create(self, given: Mapping[str, Any]) -> Object:
        """POST /v2/refunds; 400 REFUND_AMOUNT_INVALID for more than is left."""
        only(given, ("idempotency_key", "payment_id", "amount_money", "reason"))
        text(given, "idempotency_key", LONGEST_KEY)
        payment = self._payments.find(text(given, "payment_id"))
        amount = money(given, "amount_money", self._payments.currency)
        if payment["status"] != "COMPLETED":
            raise _refused("REFUND_ERROR_PAYMENT_NEEDS_COMPLETION", "The payment was not completed.")
        made = [self._find(each) for each in payment.get("refund_ids", ())]
        gone = sum(each["amount_money"]["amount"] for each in made if each["status"] != "FAILED")
        if amount > payment["amount_money"]["amount"] - gone:
            raise _refused("REFUND_AMOUNT_INVALID", "The requested refund amount exceeds what is left to refund.")
        now = time.time()
        refund: Object = {
            "id": f"{payment['id']}_{self._till.new_id()}",
            "status": "PENDING",
            "amount_money": {"amount": amount, "currency": self._payments.currency},
            "payment_id": payment["id"],
            "location_id": payment["location_id"],
            "reason": text(given, "reason") if "reason" in given else "",
            "created_at": moment(now),
            "updated_at": moment(now),
        }
        payment["refund_ids"] = [*payment.get("refund_ids", ()), refund["id"]]
        self._payments.keep(payment)
        self._keep(refund, payment, "refund.created")
        return {"refund": shown(refund)}

    def get(self, id: str) -> Object:
        """GET /v2/refunds/{id}."""
        return {"refund": shown(self._find(id))}

    def listed(self, given: Mapping[str, str]) -> Object:
        """GET /v2/refunds: by time, in pages."""
        only(given, LIST, "UNKNOWN_QUERY_PARAMETER")
        found = [shown(each) for each in filter(span(given), self._till.page("payment_refund"))]
        return page_of("refunds", found, given)

    def settle(self) -> None:
        """Those that have been pending long enough end as the card has it."""
        for entry in self._till.ledger.pending_refunds():
            refund = self._find(entry["id"].removeprefix("entry_"))
            if time.time() - datetime.fromisoformat(refund["created_at"]).timestamp() < SETTLE_SECONDS:
                continue
            payment = self._payments.find(refund["payment_id"])
            refund["status"], refund["updated_at"] = TOKENS[payment["far_token"]].refunds, moment(time.time())
            self._keep(refund, payment, "refund.updated")

    def _find(self, id: str) -> Object:
        refund = self._till.load("payment_refund", id)
        if refund is None:
            raise not_found(f"refund with id: {id}")
        return refund

    def _keep(self, refund: Object, payment: Object, told: str) -> None:
        self._till.save("payment_refund", refund["id"], refund, payment["id"])
        amount = refund["amount_money"]
        self._till.refunded(
            f"entry_{refund['id']}",
            payment["reference_id"],
            amount["amount"],
            amount["currency"],
            ENTRY[refund["status"]],
        )
        tell(self._till, told, "refund", shown(refund))


def _refused(code: str, detail: str) -> SquareError:
    return SquareError(400, "REFUND_ERROR", code, detail)

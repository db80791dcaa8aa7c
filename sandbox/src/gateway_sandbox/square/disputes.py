"""Disputes (https://developer.squareup.com/reference/square/disputes-api)."""

import time

from gateway_sandbox.ledger import Object
from gateway_sandbox.provider import Till
from gateway_sandbox.square.payments import Payments, moment

STATES = {"open": "EVIDENCE_REQUIRED", "lost": "LOST", "won": "WON"}


class Disputes:
    """Of one merchant's payments."""

    def __init__(self, till: Till, payments: Payments) -> None:
        self._till, self._payments = till, payments

    def decide(self, id: str, verdict: str, amount: int | None) -> None:
        """KeyError for a payment that was not taken."""
        payment = self._till.load("payment", id) or {}
        if payment["status"] != "COMPLETED":
            raise KeyError(id)
        known, now = self._till.page("dispute", id), moment(time.time())
        told = dict(known[0]) if known else self._new(payment, amount, now)
        told.update(state=STATES[verdict], version=told["version"] + 1, updated_at=now)
        self._till.save("dispute", told["id"], told, id)
        told.pop("object", None)
        type = "dispute.state.updated" if known else "dispute.created"
        self._till.tell({
            "type": type, "created_at": now, "data": {"type": "dispute", "id": told["id"]}, "dispute": told,
        })  # fmt: skip

    def listed(self) -> Object:
        """GET /v2/disputes."""
        found = [
            {name: value for name, value in each.items() if name != "object"} for each in self._till.page("dispute")
        ]
        return {"disputes": found} if found else {}

    def _new(self, payment: Object, amount: int | None, now: str) -> Object:
        money = payment["amount_money"]
        id = self._till.new_id("dts_")
        return {
            "id": id,
            "dispute_id": id,
            "amount_money": {**money, "amount": money["amount"] if amount is None else amount},
            "reason": "NO_KNOWLEDGE",
            "disputed_payment": {"payment_id": payment["id"]},
            "location_id": payment["location_id"],
            "card_brand": "VISA",
            "created_at": now,
            "reported_at": now,
            "version": 0,
        }

"""Disputes (https://razorpay.com/docs/api/disputes/entity)."""

import time

from gateway_sandbox.ledger import Object
from gateway_sandbox.razorpay.books import Books, shown

DECIDED = ("lost", "won")


class Disputes:
    """Of one merchant's payments, which orders are known by."""

    def __init__(self, books: Books) -> None:
        self._books, self._till = books, books.till

    def decide(self, order: str, verdict: str, amount: int | None) -> None:
        """KeyError for an order that was not paid."""
        taken = next((each for each in self._till.page("payment", order) if each["captured"]), None)
        if taken is None:
            raise KeyError(order)
        known, now = self._till.page("disp", taken["id"]), int(time.time())
        told = dict(known[0]) if known else self._new(taken, amount, now)
        told.update(status=verdict, amount_deducted=told["amount"] if verdict == "lost" else 0)
        self._till.save("disp", told["id"], told, taken["id"])
        event = "created" if not known else verdict if verdict in DECIDED else "action_required"
        about = {"payment": shown(taken, "payment"), "dispute": shown(told, "dispute")}
        self._till.tell({"event": f"payment.dispute.{event}", "entities": about, "created_at": now})

    def listed(self) -> list[Object]:
        """GET /v1/disputes."""
        return [shown(each, "dispute") for each in self._till.page("disp")]

    def _new(self, payment: Object, amount: int | None, now: int) -> Object:
        return {
            "id": self._till.new_id("disp_"),
            "payment_id": payment["id"],
            "amount": payment["amount"] if amount is None else amount,
            "currency": payment["currency"],
            "reason_code": "chargeback_authorization",
            "respond_by": now + 864_000,
            "phase": "chargeback",
            "created_at": now,
        }

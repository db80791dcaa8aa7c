"""Disputes, as PayPal's webhooks tell of them (https://developer.paypal.com/docs/disputes/webhooks/)."""

import time
from datetime import UTC, datetime

from gateway_sandbox.ledger import Object
from gateway_sandbox.paypal.errors import amount_of, minor_units
from gateway_sandbox.paypal.orders import Orders
from gateway_sandbox.provider import Till

OUTCOMES = {"lost": "RESOLVED_BUYER_FAVOUR", "won": "RESOLVED_SELLER_FAVOUR"}


class Disputes:
    """Of one merchant's captures, which orders are known by."""

    def __init__(self, till: Till, orders: Orders) -> None:
        self._till, self._orders = till, orders

    def decide(self, id: str, verdict: str, amount: int | None) -> None:
        """KeyError for an order of which nothing was captured."""
        order = self._till.load("order", id) or {}
        unit = order["purchase_units"][0]
        taken = unit["payments"]["captures"][-1]
        known = self._till.page("dispute", id)
        told = dict(known[0]) if known else self._new(unit, taken, amount)
        after = max(int(time.time() * 1000), told["far_changed"] + 1)  # no two stand at one time
        told.update(
            far_changed=after, update_time=_written(after), status="RESOLVED" if verdict in OUTCOMES else "OPEN"
        )
        told.pop("dispute_outcome", None)
        if verdict in OUTCOMES:
            told["dispute_outcome"] = {"outcome_code": OUTCOMES[verdict]}
            if verdict == "lost":
                told["dispute_outcome"]["amount_refunded"] = told["dispute_amount"]
        self._till.save("dispute", told["dispute_id"], told, id)
        event = "CREATED" if not known else "RESOLVED" if verdict in OUTCOMES else "UPDATED"
        shown = {key: value for key, value in told.items() if key not in ("object", "id")}
        self._orders.tell(f"CUSTOMER.DISPUTE.{event}", "dispute", shown)

    def lines(self) -> list[Object]:
        """Of transaction search: what a chargeback has taken, and what has come back of it."""
        return [
            {
                "transaction_id": f"{each['id']}-1", "paypal_reference_id": each["far_capture"],
                "transaction_event_code": "T1201", "transaction_status": "S",
                "transaction_initiation_date": each["create_time"][:19] + "Z",
                "transaction_amount": {**each["dispute_amount"], "value": f"-{each['dispute_amount']['value']}"},
                "custom_field": each["disputed_transactions"][0]["custom"],
            }
            for each in self._till.page("dispute")
        ]  # fmt: skip

    def _new(self, unit: Object, taken: Object, amount: int | None) -> Object:
        units, currency = minor_units(taken["amount"], "")
        now = int(time.time() * 1000)
        about = {
            "seller_transaction_id": taken["id"], "custom": unit.get("custom_id", ""),
            "invoice_number": unit.get("invoice_id", ""), "items": [], "seller_protection_eligible": True,
        }  # fmt: skip
        return {
            "dispute_id": f"PP-R-{self._till.new_id()[:12].upper()}",
            "create_time": _written(now),
            "far_changed": now - 1,
            "far_capture": taken["id"],
            "disputed_transactions": [about],
            "reason": "UNAUTHORISED",
            "dispute_amount": amount_of(units if amount is None else amount, currency),
            "dispute_life_cycle_stage": "CHARGEBACK",
            "dispute_channel": "EXTERNAL",
        }


def _written(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

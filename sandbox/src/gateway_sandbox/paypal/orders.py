"""Orders: a payer approves one, and the merchant captures or authorizes it (https://developer.paypal.com/docs/api/orders/v2/)."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gateway_sandbox.ledger import Object
from gateway_sandbox.paypal.errors import amount_of, invalid, minor_units, not_found, only, unprocessable
from gateway_sandbox.provider import Till

INTENTS = ("CAPTURE", "AUTHORIZE")
UNIT = ("reference_id", "amount", "custom_id", "invoice_id", "description", "soft_descriptor")
HERE = ("far_approved", "far_declines", "object")


def moment(seconds: float | None = None) -> str:
    """RFC 3339 in whole seconds, as PayPal writes times."""
    return datetime.fromtimestamp(time.time() if seconds is None else seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Orders:
    """One merchant's. `url`: that of our API."""

    def __init__(self, till: Till, url: str) -> None:
        self._till, self._url = till, url

    def find(self, id: str) -> Object:
        """404 RESOURCE_NOT_FOUND."""
        order = self._till.load("order", id)
        if order is None:
            raise not_found()
        return order

    def shown(self, order: Object) -> Object:
        """As merchants see it."""
        self_link = {"href": f"{self._url}/v2/checkout/orders/{order['id']}", "rel": "self", "method": "GET"}
        links = [self_link]
        if order["status"] == "PAYER_ACTION_REQUIRED":
            links.append({"href": self._till.pay_url(order["id"]), "rel": "payer-action", "method": "GET"})
        return {**{key: value for key, value in order.items() if key not in HERE}, "links": links}

    def create(self, given: Mapping[str, Any]) -> tuple[int, Object]:
        """POST /v2/checkout/orders with `payment_source.paypal`: one purchase unit, which the payer has to approve."""
        only(given, ("intent", "purchase_units", "payment_source"))
        if given.get("intent") not in INTENTS:
            raise invalid("INVALID_PARAMETER_VALUE", "The value of a field is invalid.", "/intent")
        units = given.get("purchase_units")
        if not isinstance(units, list) or len(units) != 1 or not isinstance(units[0], dict):
            raise invalid("INVALID_ARRAY_MIN_ITEMS", "Exactly one purchase unit is taken here.", "/purchase_units")
        unit = units[0]
        only(unit, UNIT, "/purchase_units/0")
        for name, longest in (("custom_id", 255), ("invoice_id", 127), ("description", 127)):
            if not isinstance(unit.get(name, ""), str) or len(unit.get(name, "")) > longest:
                raise invalid("INVALID_STRING_MAX_LENGTH", "The value is too long.", f"/purchase_units/0/{name}")
        amount, currency = minor_units(unit.get("amount"), "/purchase_units/0/amount")
        wallet = (given.get("payment_source") or {}).get("paypal") or {}
        context = wallet.get("experience_context") or {}
        if not context.get("return_url") or not context.get("cancel_url"):
            raise invalid("MISSING_REQUIRED_PARAMETER", "A required field is missing.", "/payment_source/paypal")
        order: Object = {
            "id": self._till.new_id()[:17].upper(),
            "intent": given["intent"],
            "status": "PAYER_ACTION_REQUIRED",
            "payment_source": {"paypal": {"experience_context": context}},
            "purchase_units": [{"reference_id": "default", **unit, "amount": amount_of(amount, currency)}],
            "create_time": moment(),
        }
        self.keep(order)
        return 201, self.shown(order)

    def get(self, id: str) -> tuple[int, Object]:
        """GET /v2/checkout/orders/{id}."""
        return 200, self.shown(self.find(id))

    def patch(self, id: str, given: Any) -> tuple[int, Object]:
        """PATCH /v2/checkout/orders/{id}: only the intent is taken here, and only before the order is complete."""
        order = self.find(id)
        for change in given if isinstance(given, list) else [{}]:
            if change.get("path") != "/intent" or change.get("op") != "replace":
                raise unprocessable("NOT_PATCHABLE", "Cannot be patched.")
            if change.get("value") not in INTENTS:
                raise unprocessable("INVALID_PARAMETER_VALUE", "The value of a field is invalid.")
            if order["status"] == "COMPLETED":
                raise unprocessable("ORDER_ALREADY_COMPLETED", "The order cannot be patched after it is completed.")
            order["intent"] = change["value"]
        self.keep(order)
        return 204, {}

    def approve(self, id: str, passes: bool) -> str:
        """The payer agrees; without `passes` the payer's bank will not. Answers where the payer goes then."""
        order = self.find(id)
        context = order["payment_source"]["paypal"]["experience_context"]
        if order["status"] != "PAYER_ACTION_REQUIRED":
            return str(context["cancel_url"])
        order["status"], order["far_declines"] = "APPROVED", not passes
        self.keep(order)
        self.tell("CHECKOUT.ORDER.APPROVED", "checkout-order", self.shown(order))
        mark = "&" if "?" in context["return_url"] else "?"
        return f"{context['return_url']}{mark}token={id}&PayerID=SANDBOXPAYER"

    def approved(self, id: str, intent: str) -> Object:
        """The order, where it can be captured or authorized now; 422 where not."""
        order = self.find(id)
        if order["intent"] != intent:
            raise unprocessable("ACTION_DOES_NOT_MATCH_INTENT", f"The order's intent is {order['intent']}.")
        if order["status"] == "COMPLETED":
            done = "CAPTURED" if intent == "CAPTURE" else "AUTHORIZED"
            raise unprocessable(f"ORDER_ALREADY_{done}", "Nothing is left of this order.")
        if order["status"] != "APPROVED":
            raise unprocessable("ORDER_NOT_APPROVED", "Payer has not yet approved the order for payment.")
        return order

    def keep(self, order: Object) -> None:
        """Save it."""
        self._till.save("order", order["id"], order)

    def tell(self, type: str, kind: str, resource: Object) -> None:
        """Send the merchant an event."""
        self._till.tell({
            "event_type": type, "event_version": "1.0", "resource_version": "2.0", "resource_type": kind,
            "create_time": moment(), "resource": resource,
        })  # fmt: skip

"""Orders, payments and refunds of the Razorpay sandbox."""

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any

from gateway_sandbox.ledger import Object
from gateway_sandbox.provider import Till
from gateway_sandbox.razorpay.errors import RazorpayError, only, unknown

THREE_DIGITS = frozenset({"KWD", "BHD", "OMR"})
SETTLES_SECONDS = 1.0
# Virtual payment addresses: the first two as documented (https://razorpay.com/docs/payments/payments/test-upi-details),
# the others are of this sandbox.
FAILURES = {
    "failure@razorpay": ("bank", "payment_failed"),
    "poor@razorpay": ("customer", "insufficient_funds"),
    "down@razorpay": ("gateway", "gateway_technical_error"),
    "blocked@razorpay": ("business", "payment_risk_check_failed"),
}
SLOW_REFUND, NO_REFUND = "slowrefund@razorpay", "norefund@razorpay"
ADDRESSES = frozenset({"success@razorpay", SLOW_REFUND, NO_REFUND, *FAILURES})


class Books:
    """What happens to them; each verb is called inside a transaction."""

    def __init__(self, till: Till, key_secret: str) -> None:
        self.till, self._secret = till, key_secret

    def order(self, id: str) -> Object:
        """As kept."""
        found = self.till.load("order", id)
        if found is None:
            raise unknown("order")
        return found

    def payment(self, id: str) -> Object:
        """As kept."""
        found = self.till.load("payment", id)
        if found is None:
            raise unknown("payment")
        return found

    def shown_order(self, order: Object, *, expanded: bool) -> Object:
        """As answered."""
        shown = {"entity": "order", **{name: value for name, value in order.items() if name != "object"}}
        if expanded:
            shown["payments"] = collection(self.payments_of(order["id"]))
        return shown

    def payments_of(self, order: str) -> list[Object]:
        """Newest first."""
        return [shown(each, "payment") for each in self.till.page("payment", parent=order)]

    def make_order(self, given: dict[str, Any]) -> Object:
        """POST /v1/orders."""
        only(given, "amount", "currency", "receipt", "notes", "payment", "partial_payment")
        amount, currency = given.get("amount"), given.get("currency")
        if type(amount) is not int or amount < 1 or not isinstance(currency, str):
            raise RazorpayError("The amount must be an integer.")
        if currency == "INR" and amount < 100:
            raise RazorpayError("Order amount less than minimum amount allowed")
        if currency in THREE_DIGITS and amount % 10:
            raise RazorpayError("The last digit of amounts with three decimals must be 0.")
        if len(str(given.get("receipt", ""))) > 40:
            raise RazorpayError("The receipt may not be greater than 40 characters.")
        order = {
            "amount": amount, "amount_paid": 0, "amount_due": amount, "currency": currency, "attempts": 0,
            "receipt": given.get("receipt"), "status": "created", "notes": given.get("notes") or [],
            "capture": (given.get("payment") or {}).get("capture", "automatic"), "created_at": int(time.time()),
        }  # fmt: skip
        id = self.till.new_id("order_")
        self.till.save("order", id, order, parent=str(given.get("receipt") or ""))
        return self.order(id)

    def attempt(self, order_id: str, method: str, vpa: str) -> tuple[Object, str]:
        """The checkout pays the order: the payment, and a signature where it passed."""
        order = self.order(order_id)
        if order["status"] == "paid":
            raise RazorpayError("Payment already done for this order.")
        if vpa not in ADDRESSES:
            raise RazorpayError("Invalid VPA. Please enter a valid Virtual Payment Address")
        failure = FAILURES.get(vpa)
        payment = {
            "amount": order["amount"], "currency": order["currency"], "status": "failed" if failure else "authorized",
            "order_id": order_id, "method": method, "vpa": vpa, "captured": False, "amount_refunded": 0,
            "refund_status": None, "notes": [], "fee": None, "tax": None, "created_at": int(time.time()),
            "error_code": None, "error_source": None, "error_reason": None,
        }  # fmt: skip
        if failure:
            payment.update(error_code="BAD_REQUEST_ERROR", error_source=failure[0], error_reason=failure[1])
        id = self.till.new_id("pay_")
        self.till.save("payment", id, payment, parent=order_id)
        self._keep("order", order, status="attempted", attempts=order["attempts"] + 1)
        made = self.payment(id)
        if failure:
            self.till.charged(f"charge_{id}", order["receipt"] or "", order["amount"], order["currency"], taken=False)
            self._tell("payment.failed", payment=made)
            return made, ""
        self._tell("payment.authorized", payment=made)
        if order["capture"] == "automatic":
            self.capture(id, order["amount"], order["currency"])
        signed = hmac.new(self._secret.encode(), f"{order_id}|{id}".encode(), hashlib.sha256).hexdigest()
        return self.payment(id), signed

    def capture(self, id: str, amount: Any, currency: Any) -> Object:
        """POST /v1/payments/{id}/capture."""
        payment = self.payment(id)
        if payment["captured"]:
            raise RazorpayError("This payment has already been captured", reason="payment_already_captured")
        if payment["status"] != "authorized":
            raise RazorpayError("Only payments which have been authorized and not yet captured can be captured")
        if (amount, currency) != (payment["amount"], payment["currency"]):
            raise RazorpayError("Capture amount must be equal to the amount authorized")
        order = self.order(payment["order_id"])
        if order["status"] == "paid":
            raise RazorpayError("Payment already done for this order.")
        fee = (amount * 236 + 5000) // 10_000  # 2 % and 18 % tax on it
        self._keep("payment", payment, status="captured", captured=True, fee=fee, tax=fee - amount * 2 // 100)
        self._keep("order", order, status="paid", amount_paid=amount, amount_due=0)
        self.till.charged(f"charge_{id}", order["receipt"] or "", amount, currency)
        self._tell("payment.captured", payment=self.payment(id))
        self._tell("order.paid", payment=self.payment(id), order=self.order(order["id"]))
        return self.payment(id)

    def refund(self, id: str, given: dict[str, Any]) -> Object:
        """POST /v1/payments/{id}/refund."""
        only(given, "amount", "speed", "receipt", "notes")
        payment = self.payment(id)
        if not payment["captured"]:
            raise RazorpayError("The payment status should be captured for action to be taken")
        left = payment["amount"] - payment["amount_refunded"]
        amount = given.get("amount", left)
        if type(amount) is not int or amount < 1 or amount > left:
            raise RazorpayError("The total refund amount is greater than the refund payment amount")
        slow = payment["vpa"] in (SLOW_REFUND, NO_REFUND)
        refund = {
            "payment_id": id, "amount": amount, "currency": payment["currency"], "receipt": given.get("receipt"),
            "notes": given.get("notes") or [], "status": "pending" if slow else "processed",
            "speed_processed": "normal", "created_at": int(time.time()), "due": time.time() + SETTLES_SECONDS,
        }  # fmt: skip
        made = self.till.new_id("rfnd_")
        self.till.save("rfnd", made, refund, parent=id)
        back = payment["amount_refunded"] + amount
        full = back == payment["amount"]
        self._keep("payment", payment, amount_refunded=back, status="refunded" if full else payment["status"])
        self._booked(made)
        self._tell("refund.created" if slow else "refund.processed", refund=self.till.load("rfnd", made) or {})
        return self.till.load("rfnd", made) or {}

    def settle(self, now: float) -> None:
        """Pending refunds come to their end."""
        for booked in self.till.ledger.pending_refunds():
            refund = self.till.load("rfnd", booked["id"].removeprefix("booked_")) or {}
            if refund["due"] > now:
                continue
            payment = self.payment(refund["payment_id"])
            fails = payment["vpa"] == NO_REFUND
            self._keep("rfnd", refund, status="failed" if fails else "processed")
            if fails:
                back = payment["amount_refunded"] - refund["amount"]
                self._keep("payment", payment, amount_refunded=back, status="captured")
            self._booked(refund["id"])
            told = self.till.load("rfnd", refund["id"]) or {}
            self._tell("refund.failed" if fails else "refund.processed", refund=told)

    def edit(self, id: str, given: dict[str, Any]) -> Object:
        """PATCH /v1/orders/{id}: notes, and nothing else."""
        only(given, "notes")
        self._keep("order", self.order(id), notes=given.get("notes") or [])
        return self.order(id)

    def _booked(self, id: str) -> None:
        refund = self.till.load("rfnd", id) or {}
        payment = self.payment(refund["payment_id"])
        order = self.order(payment["order_id"])["receipt"] or ""
        status = "succeeded" if refund["status"] == "processed" else str(refund["status"])
        self.till.refunded(f"booked_{id}", order, refund["amount"], refund["currency"], status)

    def _keep(self, kind: str, thing: Object, **changed: Any) -> None:
        self.till.save(kind, thing["id"], {**thing, **changed})

    def _tell(self, event: str, **entities: Mapping[str, Any]) -> None:
        names = {"rfnd": "refund"}
        told = {name: shown(dict(each), names.get(name, name)) for name, each in entities.items()}
        if "refund" in told:
            told["payment"] = shown(self.payment(told["refund"]["payment_id"]), "payment")
        self.till.tell({"event": event, "entities": told, "created_at": int(time.time())})


def shown(thing: Object, entity: str) -> Object:
    """As answered."""
    hidden = ("object", "due", "capture")
    return {"entity": entity, **{name: value for name, value in thing.items() if name not in hidden}}


def collection(items: list[Object]) -> Object:
    """A list as answered."""
    return {"entity": "collection", "count": len(items), "items": items}

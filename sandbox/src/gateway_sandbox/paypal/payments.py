"""Captures, authorizations and refunds of approved orders (https://developer.paypal.com/docs/api/payments/v2/)."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gateway_sandbox.ledger import Object
from gateway_sandbox.paypal.errors import amount_of, minor_units, not_found, only, unprocessable
from gateway_sandbox.paypal.orders import Orders, moment
from gateway_sandbox.provider import Till

SETTLE_SECONDS = 1.0
# How a refund ends, by the last two minor units of its amount: ours, PayPal has mock responses for it.
PENDING_ENDINGS = {77: "COMPLETED", 88: "FAILED"}
STATUS = {"PENDING": "P", "FAILED": "D"}
ENTRY = {"PENDING": "pending", "COMPLETED": "succeeded", "FAILED": "failed"}


class Payments:
    """What became of one merchant's orders."""

    def __init__(self, till: Till, orders: Orders, others: Callable[[], Sequence[Object]]) -> None:
        """others: lines of the account that are not of captures and refunds."""
        self._till, self._orders, self._others = till, orders, others

    def capture_order(self, id: str) -> tuple[int, Object]:
        """POST /v2/checkout/orders/{id}/capture."""
        order = self._orders.approved(id, "CAPTURE")
        self._bank_agrees(order)
        units, currency = minor_units(order["purchase_units"][0]["amount"], "")
        self._capture(order, units, currency)
        return 201, self._orders.shown(order)

    def authorize_order(self, id: str) -> tuple[int, Object]:
        """POST /v2/checkout/orders/{id}/authorize."""
        order = self._orders.approved(id, "AUTHORIZE")
        self._bank_agrees(order)
        unit = order["purchase_units"][0]
        held = self._made(order, "authorizations", "CREATED", unit["amount"])
        order["status"] = "COMPLETED"
        self._orders.keep(order)
        self._orders.tell("PAYMENT.AUTHORIZATION.CREATED", "authorization", self._seen(held, order))
        return 201, self._orders.shown(order)

    def capture(self, id: str, given: Mapping[str, Any]) -> tuple[int, Object]:
        """POST /v2/payments/authorizations/{id}/capture: once, all or a part."""
        only(given, ("amount", "final_capture", "invoice_id", "note_to_payer"))
        order, held = self._find("authorizations", id)
        if held["status"] != "CREATED":
            issue = "AUTHORIZATION_VOIDED" if held["status"] == "VOIDED" else "AUTHORIZATION_ALREADY_CAPTURED"
            raise unprocessable(issue, f"The authorization is {held['status']}.")
        most, currency = minor_units(held["amount"], "")
        units = minor_units(given["amount"], "/amount")[0] if "amount" in given else most
        if units > most:
            raise unprocessable("MAX_CAPTURE_AMOUNT_EXCEEDED", "Capture amount exceeds allowable limit.")
        held["status"] = "CAPTURED"
        return 201, self._capture(order, units, currency)

    def void(self, id: str) -> tuple[int, Object]:
        """POST /v2/payments/authorizations/{id}/void."""
        order, held = self._find("authorizations", id)
        if held["status"] == "VOIDED":
            raise unprocessable("PREVIOUSLY_VOIDED", "Authorization has been previously voided.")
        if held["status"] != "CREATED":
            raise unprocessable("PREVIOUSLY_CAPTURED", "Authorization has been previously captured.")
        held["status"] = "VOIDED"
        self._orders.keep(order)
        self._orders.tell("PAYMENT.AUTHORIZATION.VOIDED", "authorization", self._seen(held, order))
        return 200, held

    def refund(self, id: str, given: Mapping[str, Any]) -> tuple[int, Object]:
        """POST /v2/payments/captures/{id}/refund: all that is left, or a part."""
        only(given, ("amount", "custom_id", "invoice_id", "note_to_payer"))
        order, taken = self._find("captures", id)
        captured, currency = minor_units(taken["amount"], "")
        payments = order["purchase_units"][0]["payments"]
        gone = [
            minor_units(each["amount"], "")[0] for each in payments.get("refunds", ()) if each["status"] != "FAILED"
        ]
        units, of = minor_units(given["amount"], "/amount") if "amount" in given else (captured - sum(gone), currency)
        if of != currency:
            raise unprocessable("REFUND_CURRENCY_MISMATCH", "Refund must be in the same currency as the capture.")
        if sum(gone) >= captured:
            raise unprocessable("CAPTURE_FULLY_REFUNDED", "The capture has already been fully refunded.")
        if units > captured - sum(gone):
            raise unprocessable("REFUND_AMOUNT_EXCEEDED", "The refund amount must be less than what is left.")
        status = "PENDING" if units % 100 in PENDING_ENDINGS else "COMPLETED"
        made = self._made(order, "refunds", status, amount_of(units, currency), custom_id=given.get("custom_id", ""))
        taken["status"] = "REFUNDED" if units + sum(gone) == captured else "PARTIALLY_REFUNDED"
        self._orders.keep(order)
        self._enter(order, made)
        return 201, made

    def settle(self) -> None:
        """Refunds that have been pending long enough end."""
        for entry in self._till.ledger.pending_refunds():
            order, made = self._find("refunds", entry["id"].removeprefix("entry_"))
            if time.time() - made["far_made"] >= SETTLE_SECONDS:
                units, _ = minor_units(made["amount"], "")
                made["status"] = PENDING_ENDINGS[units % 100]
                self._orders.keep(order)
                self._enter(order, made)

    def search(self, given: Mapping[str, str]) -> tuple[int, Object]:
        """GET /v1/reporting/transactions: what came and went, with the fee PayPal keeps of what came."""
        known = ("start_date", "end_date", "fields", "page_size", "page", "balance_affecting_records_only")
        only(given, known)
        begin, end = given["start_date"], given["end_date"]
        lines = [line for line in self._lines() if begin <= line["transaction_initiation_date"] < end]
        size, page = int(given.get("page_size", 100)), int(given.get("page", 1))
        shown = lines[(page - 1) * size : page * size]
        pages = -(-len(lines) // size)
        details = [{"transaction_info": line} for line in shown]
        return 200, {"transaction_details": details, "page": page, "total_pages": pages, "total_items": len(lines)}

    def _lines(self) -> list[Object]:
        found = list(self._others())
        for order in reversed(self._till.page("order")):
            unit = order["purchase_units"][0]
            made = unit.get("payments", {})
            for kind, code, sign in (("captures", "T0006", 1), ("refunds", "T1107", -1)):
                for each in made.get(kind, ()):
                    units, currency = minor_units(each["amount"], "")
                    fee = (units * 349 + 5000) // 10_000 + 49 if kind == "captures" else 0
                    found.append({
                        "transaction_id": each["id"],
                        "transaction_event_code": code,
                        "transaction_initiation_date": each["create_time"],
                        "transaction_status": STATUS.get(each["status"], "S"),
                        "transaction_amount": _signed(units * sign, currency),
                        "fee_amount": _signed(-fee, currency),
                        "custom_field": each.get("custom_id") or unit.get("custom_id", ""),
                        "invoice_id": unit.get("invoice_id", ""),
                    })  # fmt: skip
        return sorted(found, key=lambda line: str(line["transaction_initiation_date"]))

    def _bank_agrees(self, order: Object) -> None:
        unit = order["purchase_units"][0]
        if order.get("far_declines"):
            order["status"] = "PAYER_ACTION_REQUIRED"
            self._orders.keep(order)
            units, currency = minor_units(unit["amount"], "")
            self._till.charged(f"no_{self._till.new_id()}", unit.get("custom_id", ""), units, currency, taken=False)
            raise unprocessable("INSTRUMENT_DECLINED", "The instrument presented was declined by the processor.")
        invoice = unit.get("invoice_id")
        if invoice and self._till.load("invoice", f"invoice_{invoice}"):
            raise unprocessable("DUPLICATE_INVOICE_ID", "Duplicate Invoice ID detected.")
        if invoice:
            self._till.save("invoice", f"invoice_{invoice}", {"order": order["id"]})

    def _capture(self, order: Object, units: int, currency: str) -> Object:
        unit = order["purchase_units"][0]
        made = self._made(order, "captures", "COMPLETED", amount_of(units, currency), final_capture=True)
        order["status"] = "COMPLETED"
        self._orders.keep(order)
        self._till.charged(f"charge_{made['id']}", unit.get("custom_id", ""), units, currency)
        self._orders.tell("PAYMENT.CAPTURE.COMPLETED", "capture", self._seen(made, order))
        return made

    def _made(self, order: Object, kind: str, status: str, amount: Object, **more: Any) -> Object:
        unit = order["purchase_units"][0]
        about = {name: unit[name] for name in ("custom_id", "invoice_id") if name in unit}
        made: Object = {
            **about, **{key: value for key, value in more.items() if value != ""},
            "id": self._till.new_id()[:17].upper(), "status": status, "amount": amount, "create_time": moment(),
            "far_made": time.time(),
        }  # fmt: skip
        unit.setdefault("payments", {}).setdefault(kind, []).append(made)
        self._till.save(kind, made["id"], {"order": order["id"]})
        return made

    def _find(self, kind: str, id: str) -> tuple[Object, Object]:
        known = self._till.load(kind, id)
        if known is None:
            raise not_found()
        order = self._orders.find(known["order"])
        return order, next(each for each in order["purchase_units"][0]["payments"][kind] if each["id"] == id)

    def _enter(self, order: Object, refund: Object) -> None:
        units, currency = minor_units(refund["amount"], "")
        key = order["purchase_units"][0].get("custom_id", "")
        self._till.refunded(f"entry_{refund['id']}", key, units, currency, ENTRY[refund["status"]])
        type = {"PENDING": "PAYMENT.REFUND.PENDING", "FAILED": "PAYMENT.REFUND.FAILED"}
        self._orders.tell(type.get(refund["status"], "PAYMENT.CAPTURE.REFUNDED"), "refund", refund)

    def _seen(self, made: Object, order: Object) -> Object:
        return {**made, "supplementary_data": {"related_ids": {"order_id": order["id"]}}}


def _signed(units: int, currency: str) -> Object:
    shown = amount_of(abs(units), currency)
    return {**shown, "value": f"-{shown['value']}" if units < 0 else shown["value"]}

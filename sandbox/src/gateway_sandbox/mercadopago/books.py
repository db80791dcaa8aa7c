"""Payments and refunds of the Mercado Pago sandbox, in the currency of one account."""

import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from aiohttp import web

from gateway_sandbox.ledger import Object
from gateway_sandbox.provider import Till

SETTLES_SECONDS = 1.0
# What the payer's browser would get for the test card of that holder
# (https://www.mercadopago.com.br/developers/en/docs/checkout-api/integration-test/test-cards); the last four are ours.
TOKENS = {
    "card_token_APRO": ("approved", "accredited"),
    "card_token_CONT": ("in_process", "pending_contingency"),
    "card_token_CALL": ("rejected", "cc_rejected_call_for_authorize"),
    "card_token_FUND": ("rejected", "cc_rejected_insufficient_amount"),
    "card_token_SECU": ("rejected", "cc_rejected_bad_filled_security_code"),
    "card_token_EXPI": ("rejected", "cc_rejected_bad_filled_date"),
    "card_token_FORM": ("rejected", "cc_rejected_bad_filled_other"),
    "card_token_INST": ("rejected", "cc_rejected_invalid_installments"),
    "card_token_OTHE": ("rejected", "cc_rejected_other_reason"),
    "card_token_BANK": ("rejected", "bank_error"),
    "card_token_3DS": ("pending", "pending_challenge"),
    "card_token_SLOW": ("approved", "accredited"),
    "card_token_KEPT": ("approved", "accredited"),
}
SLOW, KEPT = "card_token_SLOW", "card_token_KEPT"  # refunds take a second; refunds are rejected after it
CREATE = (
    "token", "installments", "payment_method_id", "issuer_id", "transaction_amount", "payer", "capture",
    "external_reference", "description", "metadata", "three_d_secure_mode", "binary_mode", "statement_descriptor",
)  # fmt: skip


class MercadoPagoError(Exception):
    """What Mercado Pago answers when it says no."""

    def __init__(self, status: int, code: int, message: str, error: str = "bad_request") -> None:
        super().__init__(message)
        self.status = status
        self.body = {
            "message": message,
            "error": error,
            "status": status,
            "cause": [{"code": code, "description": message}],
        }

    def response(self) -> web.Response:
        """As JSON."""
        return web.json_response(self.body, status=self.status)


class Books:
    """What happens to them; each verb is called inside a transaction."""

    def __init__(self, till: Till, currency: str, digits: int = 2) -> None:
        self.till, self._currency, self._digits = till, currency, digits

    def payment(self, id: str) -> Object:
        """As kept."""
        found = self.till.load("payment", id)
        if found is None:
            raise MercadoPagoError(404, 2000, "Payment not found", "not_found")
        return found

    def shown(self, payment: Object) -> Object:
        """As answered."""
        hidden = ("object", "token", "units")
        refunds = [shown_refund(each) for each in self.refunds_of(payment["id"])][::-1]
        return {
            **{name: value for name, value in payment.items() if name not in hidden},
            "id": int(payment["id"]),
            "refunds": refunds,
        }

    def refunds_of(self, payment: str) -> Sequence[Object]:
        """Newest first."""
        return self.till.page("money_back", parent=payment)

    def create(self, given: dict[str, Any]) -> Object:
        """POST /v1/payments."""
        for name in given:
            if name not in CREATE:
                raise MercadoPagoError(400, 8, f"The name of the following parameters is wrong : [{name}]")
        units = self._units(given.get("transaction_amount"))
        if not isinstance(given.get("payer"), dict) or "@" not in str(given["payer"].get("email", "")):
            raise MercadoPagoError(400, 4050, "payer.email must be a valid email")
        if type(given.get("installments")) is not int:
            raise MercadoPagoError(400, 2062, "Invalid installments")
        token = str(given.get("token", ""))
        if token not in TOKENS:
            raise MercadoPagoError(400, 2006, "Card Token not found")
        status, detail = TOKENS[token]
        if detail == "pending_challenge" and given.get("three_d_secure_mode") != "optional":
            status, detail = "rejected", "cc_rejected_high_risk"
        id, now = str(secrets.randbelow(9 * 10**10) + 10**10), _now()
        payment = {
            "status": status, "status_detail": detail, "currency_id": self._currency, "units": units, "token": token,
            "transaction_amount": given["transaction_amount"], "transaction_amount_refunded": 0,
            "capture": given.get("capture", True), "captured": False, "metadata": given.get("metadata", {}),
            "external_reference": given.get("external_reference"), "description": given.get("description"),
            "installments": given["installments"], "payment_type_id": "credit_card", "fee_details": [],
            "payment_method_id": given.get("payment_method_id", "visa"), "date_created": now, "date_last_updated": now,
            "date_approved": None, "three_ds_info": None,
        }  # fmt: skip
        if status == "pending":
            payment["three_ds_info"] = {"external_resource_url": self.till.pay_url(id), "creq": secrets.token_hex(8)}
        self.till.save("payment", id, payment, parent=str(given.get("external_reference") or ""))
        if status == "approved":
            self._approve(self.payment(id))
        elif status == "rejected":
            self._charged(self.payment(id), taken=False)
        self._tell(id, "payment.created")
        return self.payment(id)

    def decide(self, id: str, passes: bool) -> None:
        """The payer meets the challenge of 3-D Secure, or not."""
        payment = self.payment(id)
        if payment["status"] != "pending":
            return
        if passes:
            self._approve(payment)
        else:
            self._keep(payment, status="rejected", status_detail="cc_rejected_3ds_challenge")
            self._charged(payment, taken=False)
        self._tell(id, "payment.updated")

    def update(self, id: str, given: dict[str, Any]) -> Object:
        """PUT /v1/payments/{id}: capture or cancel."""
        payment = self.payment(id)
        if given.get("status") == "cancelled":
            if payment["status"] not in ("pending", "in_process", "authorized"):
                raise MercadoPagoError(400, 2063, "The action requested is not valid for the current payment state")
            self._keep(payment, status="cancelled", status_detail="by_collector")
        elif given.get("capture") is True:
            units = self._units(given.get("transaction_amount", payment["transaction_amount"]))
            if payment["status"] != "authorized" or units > payment["units"]:
                raise MercadoPagoError(400, 2063, "The action requested is not valid for the current payment state")
            amount = given.get("transaction_amount", payment["transaction_amount"])
            self._keep(payment, units=units, transaction_amount=amount)
            self._take(self.payment(id))
        else:
            raise MercadoPagoError(400, 2001, "Nothing that could be changed was given")
        self._tell(id, "payment.updated")
        return self.payment(id)

    def refund(self, id: str, given: dict[str, Any]) -> Object:
        """POST /v1/payments/{id}/refunds."""
        payment = self.payment(id)
        back = sum(each["units"] for each in self.refunds_of(id) if each["status"] != "rejected")
        if payment["status"] not in ("approved", "refunded"):
            raise MercadoPagoError(400, 2063, "The action requested is not valid for the current payment state")
        units = self._units(given["amount"]) if "amount" in given else payment["units"] - back
        if units > payment["units"] - back or units == 0:
            raise MercadoPagoError(400, 2018, "The refund amount is greater than the amount available")
        slow = payment["token"] in (SLOW, KEPT)
        made = str(secrets.randbelow(9 * 10**9) + 10**9)
        refund = {
            "payment_id": int(id), "amount": given.get("amount", payment["transaction_amount"]), "units": units,
            "status": "in_process" if slow else "approved", "date_created": _now(), "unique_sequence_number": None,
            "due": time.time() + SETTLES_SECONDS,
        }  # fmt: skip
        self.till.save("money_back", made, refund, parent=id)
        self._booked(made)
        if units == payment["units"] - back and not slow:
            self._keep(payment, status="refunded", status_detail="refunded")
        self._keep(self.payment(id), date_last_updated=_now())
        self._tell(id, "payment.updated")
        return self.till.load("money_back", made) or {}

    def dispute(self, id: str, verdict: str) -> None:
        """A chargeback of all of a payment: `reimbursed` where the seller has won."""
        payment = self.till.load("payment", id) or {}
        if not payment["captured"]:
            raise KeyError(id)
        details = {"open": "in_process", "lost": "settled", "won": "reimbursed"}
        self._keep(payment, status="charged_back", status_detail=details[verdict])
        self._tell(id, "payment.updated")

    def settle(self, now: float) -> None:
        """Refunds in process come to their end."""
        for booked in self.till.ledger.pending_refunds():
            refund = self.till.load("money_back", booked["id"].removeprefix("booked_")) or {}
            if refund["due"] <= now:
                kept = self.payment(str(refund["payment_id"]))["token"] == KEPT
                self.till.save("money_back", refund["id"], {**refund, "status": "rejected" if kept else "approved"})
                self._booked(refund["id"])
                self._tell(str(refund["payment_id"]), "payment.updated")

    def _approve(self, payment: Object) -> None:
        if payment["capture"]:
            self._take(payment)
        else:
            self._keep(payment, status="authorized", status_detail="pending_capture")

    def _take(self, payment: Object) -> None:
        fee = float(Decimal(payment["units"] * 599 // 10_000).scaleb(-self._digits))
        self._keep(
            payment,
            status="approved",
            status_detail="accredited",
            captured=True,
            date_approved=_now(),
            fee_details=[{"type": "mercadopago_fee", "fee_payer": "collector", "amount": fee}],
        )
        self._charged(payment, taken=True)

    def _charged(self, payment: Object, *, taken: bool) -> None:
        order = str(payment["external_reference"] or "")
        self.till.charged(f"charge_{payment['id']}", order, payment["units"], self._currency, taken=taken)

    def _booked(self, id: str) -> None:
        refund = self.till.load("money_back", id) or {}
        status = {"approved": "succeeded", "rejected": "failed"}.get(refund["status"], "pending")
        order = str(self.payment(str(refund["payment_id"]))["external_reference"] or "")
        self.till.refunded(f"booked_{id}", order, refund["units"], self._currency, status)

    def _keep(self, payment: Object, **changed: Any) -> None:
        kept = self.payment(payment["id"])
        self.till.save("payment", payment["id"], {**kept, "date_last_updated": _now(), **changed})

    def _tell(self, id: str, action: str) -> None:
        self.till.tell({"payment": id, "action": action, "date": _now()})

    def _units(self, amount: Any) -> int:
        if type(amount) not in (int, float) or amount <= 0:
            raise MercadoPagoError(400, 4037, "Invalid transaction_amount")
        units = Decimal(str(amount)).scaleb(self._digits)
        if units != int(units):
            raise MercadoPagoError(400, 4037, "Invalid transaction_amount")
        return int(units)


def shown_refund(refund: Object) -> Object:
    """As answered."""
    names = ("payment_id", "amount", "status", "date_created", "unique_sequence_number")
    return {"id": int(refund["id"]), **{name: refund[name] for name in names}}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")

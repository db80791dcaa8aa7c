"""Payments, and what is done to them later, of the Adyen sandbox."""

import secrets
import time
from typing import Any

from aiohttp import web

from gateway_sandbox.ledger import Object
from gateway_sandbox.provider import Till

SETTLES_SECONDS = 0.6
VERDICTS = {"open": "CHARGEBACK", "lost": "DISPUTE_DEFENSE_PERIOD_ENDED", "won": "CHARGEBACK_REVERSED"}
# Holder names that bring about a refusal (https://docs.adyen.com/development-resources/testing/result-code-testing),
# with `refusalReason` and its code; the last two are of this sandbox.
HOLDERS = {
    "DECLINED": ("Refused", "Refused", "2"),
    "ACQUIRER_ERROR": ("Error", "Acquirer Error", "4"),
    "BLOCK_CARD": ("Refused", "Blocked Card", "5"),
    "CARD_EXPIRED": ("Refused", "Expired Card", "6"),
    "NOT_SUPPORTED": ("Refused", "Not supported", "10"),
    "NOT_ENOUGH_BALANCE": ("Refused", "Not enough balance", "12"),
    "FRAUD": ("Refused", "FRAUD", "20"),
    "CVC_DECLINED": ("Refused", "CVC Declined", "24"),
    "PENDING": ("Received", "", ""),
    "REFUND_FAILS": ("Authorised", "", ""),
}
# Test numbers as the browser "encrypts" them for tests
# (https://docs.adyen.com/development-resources/testing/test-card-numbers).
CARDS = frozenset({"test_4111111111111111", "test_5555444433331111", "sealed_visa"})
CHALLENGED = frozenset({"test_4917610000000000", "test_5454545454545454", "sealed_challenged"})
CREATE = (
    "merchantAccount", "amount", "reference", "returnUrl", "paymentMethod", "channel", "shopperInteraction", "metadata",
    "shopperEmail", "countryCode", "captureDelayHours", "additionalData", "browserInfo", "riskData", "origin",
)  # fmt: skip


class AdyenError(Exception):
    """What Adyen answers when it says no."""

    def __init__(self, status: int, code: str, message: str, kind: str = "validation") -> None:
        super().__init__(message)
        self.status = status
        self.body = {"status": status, "errorCode": code, "message": message, "errorType": kind}

    def response(self) -> web.Response:
        """As JSON."""
        return web.json_response(self.body, status=self.status)


class Books:
    """What happens to them; each verb is called inside a transaction."""

    def __init__(self, till: Till) -> None:
        self.till = till

    def payment(self, id: str) -> Object:
        """As kept."""
        found = self.till.load("payment", id)
        if found is None:
            raise AdyenError(422, "167", "Original pspReference required for this operation")
        return found

    def create(self, given: dict[str, Any]) -> Object:
        """POST /payments."""
        only(given, *CREATE)
        money(given.get("amount"))
        for name in ("reference", "returnUrl"):
            if not given.get(name):
                raise AdyenError(422, "130", f"Required field '{name}' is not provided.")
        card = given.get("paymentMethod") or {}
        if card.get("type") != "scheme":
            raise AdyenError(422, "14_006", "Required object 'paymentMethod' is not provided.")
        number, holder = card.get("encryptedCardNumber"), str(card.get("holderName", ""))
        if number not in CARDS | CHALLENGED:
            raise AdyenError(422, "101", "Invalid card number")
        result, reason, code = HOLDERS.get(holder, ("Authorised", "", ""))
        payment: Object = {
            "amount": given["amount"], "reference": given["reference"], "returnUrl": given["returnUrl"],
            "holder": holder, "result": result, "reason": reason, "code": code, "redirectResult": "", "captured": 0,
            "manual": (given.get("additionalData") or {}).get("manualCapture") == "true",
        }  # fmt: skip
        if number in CHALLENGED:
            payment.update(result="RedirectShopper", redirectResult=f"result_{secrets.token_urlsafe(24)}")
        id = self.till.new_id().upper()[:16]
        self.till.save("payment", id, payment)
        self._ended(self.payment(id))
        return self.answer(id)

    def answer(self, id: str) -> Object:
        """As /payments and /payments/details answer."""
        payment = self.payment(id)
        shown = {"pspReference": id, "resultCode": payment["result"], "merchantReference": payment["reference"]}
        if payment["result"] == "RedirectShopper":
            action = {
                "type": "redirect",
                "method": "GET",
                "paymentMethodType": "scheme",
                "url": self.till.pay_url(id),
            }
            return {**shown, "action": action}
        if payment["reason"]:
            return {**shown, "refusalReason": payment["reason"], "refusalReasonCode": payment["code"]}
        return {**shown, "amount": payment["amount"]}

    def decide(self, id: str, passes: bool) -> str:
        """The payer meets the challenge of 3-D Secure, or not; where the page sends the payer."""
        payment = self.payment(id)
        self.till.save("payment", id, {**payment, "passes": passes})
        joint = "&" if "?" in payment["returnUrl"] else "?"
        return f"{payment['returnUrl']}{joint}redirectResult={payment['redirectResult']}"

    def details(self, given: dict[str, Any]) -> Object:
        """POST /payments/details."""
        only(given, "details", "paymentData")
        result = (given.get("details") or {}).get("redirectResult")
        found = [each for each in self.till.page("payment") if result and each["redirectResult"] == result]
        if not found:
            raise AdyenError(422, "14_018", "Invalid payload provided")
        payment = found[0]
        if payment["result"] == "RedirectShopper":
            changed = {"result": "Refused", "reason": "3D Not Authenticated", "code": "11"}
            if payment.get("passes"):
                changed = {"result": "Authorised", "reason": "", "code": ""}
            self.till.save("payment", payment["id"], {**payment, **changed})
            self._ended(self.payment(payment["id"]))
        return self.answer(payment["id"])

    def change(self, kind: str, id: str, given: dict[str, Any]) -> Object:
        """POST /payments/{psp}/captures, refunds or cancels: taken on, and done later."""
        only(given, "merchantAccount", "amount", "reference")
        payment = self.payment(id)
        amount: dict[str, Any] = given.get("amount") or payment["amount"]
        money(amount)
        if amount["currency"] != payment["amount"]["currency"]:
            raise AdyenError(422, "138", "Unsupported currency specified")
        change = self.till.new_id().upper()[:16]
        asked = {"kind": kind, "payment": id, "amount": amount, "reference": given.get("reference", "")}
        self.till.save("change", change, {**asked, "done": False, "due": time.time() + SETTLES_SECONDS})
        if kind == "refunds":
            self.till.refunded(f"booked_{change}", payment["reference"], amount["value"], amount["currency"], "pending")
        return {**given, "paymentPspReference": id, "pspReference": change, "status": "received"}

    def settle(self, now: float) -> None:
        """Changes are done in the order they came."""
        for change in self.till.page("change")[::-1]:
            if change["done"] or change["due"] > now:
                continue
            payment, amount = self.payment(change["payment"]), change["amount"]
            done = {"captures": self._capture, "refunds": self._refund, "cancels": self._cancel}[change["kind"]]
            good = done(payment, change)
            self.till.save("change", change["id"], {**change, "done": True, "good": good})
            event = {"captures": "CAPTURE", "refunds": "REFUND", "cancels": "CANCELLATION"}[change["kind"]]
            self._tell(event, change["id"], change["reference"], amount, good=good, original=payment["id"])

    def dispute(self, id: str, verdict: str, amount: int | None) -> None:
        """All that is told of one has its reference; https://docs.adyen.com/risk-management/disputes-api/dispute-notifications."""
        payment = self.till.load("payment", id) or {}
        known = self.till.page("dispute", id)
        value = amount or payment["captured"]
        told: Object = known[0] if known else {"id": self.till.new_id().upper()[:16], "value": value}
        self.till.save("dispute", told["id"], told, id)
        said = {**payment["amount"], "value": told["value"]}
        self._tell(VERDICTS[verdict], told["id"], payment["reference"], said, good=True, original=id)

    def _capture(self, payment: Object, change: Object) -> bool:
        value = change["amount"]["value"]
        fits = payment["result"] == "Authorised" and not payment["captured"] and value <= payment["amount"]["value"]
        if fits:
            self._take(payment, value)
        return bool(fits)

    def _refund(self, payment: Object, change: Object) -> bool:
        value, done = change["amount"]["value"], self.till.page("change")
        back = sum(
            each["amount"]["value"]
            for each in done
            if each["payment"] == payment["id"] and each["kind"] == "refunds" and each.get("good")
        )
        good = value <= payment["captured"] - back and payment["holder"] != "REFUND_FAILS"
        currency = change["amount"]["currency"]
        status = "succeeded" if good else "failed"
        self.till.refunded(f"booked_{change['id']}", payment["reference"], value, currency, status)
        return bool(good)

    def _cancel(self, payment: Object, change: Object) -> bool:  # noqa: ARG002
        good = payment["result"] == "Authorised" and not payment["captured"]
        if good:
            self.till.save("payment", payment["id"], {**payment, "result": "Cancelled"})
        return bool(good)

    def _ended(self, payment: Object) -> None:
        if payment["result"] in ("RedirectShopper", "Received"):
            return
        good, amount = payment["result"] == "Authorised", payment["amount"]
        if good and not payment["manual"]:
            self._take(payment, amount["value"])
        elif not good:
            self._charged(payment, amount["value"], taken=False)
        self._tell("AUTHORISATION", payment["id"], payment["reference"], amount, good=good)

    def _take(self, payment: Object, value: int) -> None:
        self.till.save("payment", payment["id"], {**payment, "captured": value})
        self._charged(payment, value, taken=True)

    def _charged(self, payment: Object, value: int, *, taken: bool) -> None:
        currency = payment["amount"]["currency"]
        self.till.charged(f"charge_{payment['id']}", payment["reference"], value, currency, taken=taken)

    def _tell(self, event: str, psp: str, reference: str, amount: Any, *, good: bool, original: str = "") -> None:
        item = {
            "amount": amount,
            "eventCode": event,
            "merchantReference": reference,
            "pspReference": psp,
            "success": "true" if good else "false",
            **({"originalReference": original} if original else {}),
        }
        self.till.tell({"item": item, "time": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())})


def only(given: dict[str, Any], *allowed: str) -> None:
    """Adyen refuses what it does not know."""
    for name in given:
        if name not in allowed:
            raise AdyenError(400, "702", f"Structure of PaymentRequest contains the following unknown fields: [{name}]")


def money(amount: Any) -> None:
    """An amount in minor units as Adyen counts them."""
    if not isinstance(amount, dict) or type(amount.get("value")) is not int or amount["value"] < 1:
        raise AdyenError(422, "137", "Invalid amount specified")
    if not isinstance(amount.get("currency"), str) or len(amount["currency"]) != 3:
        raise AdyenError(422, "138", "Unsupported currency specified")

"""Refunds: taken in at once, on the payer's account a second later (pay.weixin.qq.com/doc/v3/merchant/4013070371)."""

import secrets
import time
from collections.abc import Mapping
from typing import Any

from gateway_sandbox.ledger import Object
from gateway_sandbox.provider import Till
from gateway_sandbox.wechat.errors import WeChatError, wrong
from gateway_sandbox.wechat.orders import PAID, china_time, money, only, text

NEEDED = {"out_refund_no", "amount"}
ALLOWED = NEEDED | {"transaction_id", "out_trade_no", "reason", "notify_url", "funds_account", "goods_detail"}
SETTLES_AFTER_SECONDS = 1.0
# Refunds of so many fen within a yuan reach no account: the payer's bank sends them back.
ABNORMAL_FEN = 78


class Refunds:
    """Those of all orders; kept under the merchant's number with "refund:" before it."""

    def __init__(self, till: Till) -> None:
        self._till = till

    def create(self, given: Mapping[str, Any]) -> tuple[int, Any]:
        """PROCESSING; a number that was used before gets the same refund again."""
        only(given, ALLOWED, NEEDED)
        number = text(given, "out_refund_no", r"[0-9A-Za-z_\-|*@]{1,64}")
        amount = money(given["amount"], {"refund", "total", "currency"})
        order = self._till.load("order", str(given.get("out_trade_no") or ""))
        if order is None:
            raise WeChatError(404, "RESOURCE_NOT_EXISTS", "No such order.")
        if (earlier := self._till.load("wechat_refund", f"refund:{number}")) is not None:
            if (earlier["out_trade_no"], earlier["amount"]) != (order["out_trade_no"], amount):
                raise WeChatError(400, "INVALID_REQUEST", "The number was used for another refund.")
            return 200, self.told(earlier)
        if order["trade_state"] not in PAID:
            raise WeChatError(400, "INVALID_REQUEST", "The order has not been paid.")
        if amount["total"] != order["total"]:
            raise wrong("amount.total is not that of the order.")
        given_back = [each for each in self._till.page("refund", order["out_trade_no"]) if each["status"] != "failed"]
        if sum(each["amount"] for each in given_back) + amount["refund"] > order["total"]:
            raise WeChatError(400, "INVALID_REQUEST", "More than is left of the order.")
        refund = {
            "out_refund_no": number,
            "out_trade_no": order["out_trade_no"],
            "transaction_id": order["transaction_id"],
            "refund_id": f"50{secrets.randbelow(10**26):026}",
            "amount": amount,
            "status": "PROCESSING",
            "create_time": china_time(),
            "due": time.time() + SETTLES_AFTER_SECONDS,
        }
        self._keep(refund)
        self._till.save("order", order["out_trade_no"], {**order, "trade_state": "REFUND"})
        return 200, self.told(refund)

    def find(self, number: str) -> Object:
        """WeChatError where there is none."""
        refund = self._till.load("wechat_refund", f"refund:{number}")
        if refund is None:
            raise WeChatError(404, "RESOURCE_NOT_EXISTS", "No such refund.")
        return refund

    def settle_due(self) -> None:
        """Those that have waited long enough end, and the merchant is told."""
        for entry in self._till.ledger.pending_refunds():
            refund = self.find(entry["id"].removeprefix("entry:"))
            if refund["due"] <= time.time():
                fails = refund["amount"]["refund"] % 100 == ABNORMAL_FEN
                status = "ABNORMAL" if fails else "SUCCESS"
                self._keep({**refund, "status": status, "success_time": china_time()})
                self._till.tell({"event_type": f"REFUND.{status}", "number": refund["out_refund_no"]})

    @staticmethod
    def told(refund: Object) -> Mapping[str, Any]:
        """As an answer says it."""
        amount = refund["amount"]
        names = ("refund_id", "out_refund_no", "transaction_id", "out_trade_no", "status", "create_time")
        told = {name: refund[name] for name in names}
        if refund["status"] == "SUCCESS":
            told["success_time"] = refund["success_time"]
        payers = {"payer_total": amount["total"], "payer_refund": amount["refund"], "discount_refund": 0}
        return {**told, "channel": "ORIGINAL", "user_received_account": "支付用户零钱", "amount": {**amount, **payers}}

    def _keep(self, refund: Object) -> None:
        number, status = refund["out_refund_no"], refund["status"]
        self._till.save("wechat_refund", f"refund:{number}", refund)
        entered = {"PROCESSING": "pending", "SUCCESS": "succeeded"}.get(status, "failed")
        self._till.refunded(f"entry:{number}", refund["out_trade_no"], refund["amount"]["refund"], "CNY", entered)

"""Refunds and cancelling: onto a wallet at once, onto a bank card a second later (https://opendocs.alipay.com/open/02ekfk)."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from gateway_sandbox.alipay.errors import failed
from gateway_sandbox.alipay.signing import china_time
from gateway_sandbox.alipay.trades import CLOSED, PAID, WAITING, Trades, fen, fen_of, only
from gateway_sandbox.ledger import Object
from gateway_sandbox.provider import Till

ALLOWED = {"out_trade_no", "trade_no", "refund_amount", "out_request_no", "refund_reason"}
SETTLES_AFTER_SECONDS = 1.0
# Refunds of so many fen within a yuan go to a bank card.
CARD_FEN = 77


class Refunds:
    """Kept under the numbers of order and refund. told: somebody has to hear of this refund of a trade."""

    def __init__(self, till: Till, trades: Trades, told: Callable[[Object, Object], None]) -> None:
        self._till, self._trades, self._told = till, trades, told

    def create(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """fund_change says whether this very call has moved money; a number that was used before moves none."""
        only(given, ALLOWED, {"out_trade_no", "refund_amount"})
        trade = self._trades.trade(given)
        amount, number = fen_of(str(given["refund_amount"])), str(given.get("out_request_no") or trade["id"])
        if (earlier := self._load(trade, number)) is not None:
            if earlier["amount"] != amount:
                raise failed("DISCORDANT_REPEAT_REQUEST", "请求信息不一致")
            return self._answer(trade, moved=False)
        if "send_pay_date" not in trade or trade["trade_status"] not in (PAID, CLOSED):
            raise failed("TRADE_STATUS_ERROR", "交易状态不合法")
        if amount < 1 or self._given_back(trade) + amount > fen(trade):
            raise failed("REASON_TRADE_REFUND_FEE_ERR", "退款金额无效")
        slow = amount % 100 == CARD_FEN
        refund = {
            "number": number,
            "amount": amount,
            "status": "pending" if slow else "succeeded",
            "time": china_time(),
        }
        self._keep(trade, {**refund, "due": time.time() + SETTLES_AFTER_SECONDS})
        if self._given_back(trade) == fen(trade):
            trade["trade_status"] = CLOSED
            self._trades.keep(trade)
        if not slow:
            self._told(trade, refund)
        return self._answer(trade, moved=not slow)

    def query(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Of one that has not arrived, or that there never was, no status is told."""
        trade = self._trades.trade(given)
        refund = self._load(trade, str(given.get("out_request_no") or ""))
        if refund is None or refund["status"] != "succeeded":
            return {}
        return {
            "out_trade_no": trade["id"],
            "trade_no": trade["trade_no"],
            "out_request_no": refund["number"],
            "total_amount": trade["total_amount"],
            "refund_amount": f"{refund['amount'] / 100:.2f}",
            "refund_status": "REFUND_SUCCESS",
        }

    def cancel(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Nobody pays it any more; what was paid goes back. Without a trade, its code is no good from now on."""
        order = self._trades.order(given)
        told = {"out_trade_no": str(given.get("out_trade_no") or ""), "retry_flag": "N"}
        if order is None or "trade_status" not in order:
            if order is not None:
                self._trades.keep({**order, "dead": True})
            return told
        action = "close"
        if order["trade_status"] == PAID:
            if self._given_back(order):
                raise failed("REASON_TRADE_REFUND_FEE_ERR", "退款金额无效")
            action = "refund"
            self.create({"out_trade_no": order["id"], "refund_amount": order["total_amount"]})
        elif order["trade_status"] == WAITING:
            self._trades.keep({**order, "trade_status": CLOSED})
        return {**told, "trade_no": order["trade_no"], "action": action}

    def settle_due(self) -> None:
        """Money arrives on cards."""
        for entry in self._till.ledger.pending_refunds():
            trade = self._trades.trade({"out_trade_no": entry["order"]})
            refund = self._load(trade, entry["id"].rpartition(":")[2])
            if refund is not None and refund["due"] <= time.time():
                self._keep(trade, {**refund, "status": "succeeded", "time": china_time()})
                self._told(trade, refund)

    def _answer(self, trade: Object, *, moved: bool) -> Mapping[str, Any]:
        return {
            "trade_no": trade["trade_no"],
            "out_trade_no": trade["id"],
            "buyer_logon_id": "csq***@sandbox.com",
            "fund_change": "Y" if moved else "N",
            "refund_fee": f"{self._given_back(trade) / 100:.2f}",
        }

    def _given_back(self, trade: Object) -> int:
        return sum(each["amount"] for each in self._till.page("refund", trade["id"]) if each["status"] != "failed")

    def _load(self, trade: Object, number: str) -> Object | None:
        return self._till.load("alipay_refund", f"refund:{trade['id']}:{number}")

    def _keep(self, trade: Object, refund: Mapping[str, Any]) -> None:
        name = f"{trade['id']}:{refund['number']}"
        self._till.save("alipay_refund", f"refund:{name}", {**refund, "order": trade["id"]})
        self._till.refunded(f"entry:{name}", trade["id"], refund["amount"], "CNY", refund["status"])

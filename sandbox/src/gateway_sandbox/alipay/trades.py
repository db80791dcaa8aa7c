"""Orders, which become trades once a payer has scanned the code or opened the page (https://opendocs.alipay.com/open/02ekfg)."""

import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gateway_sandbox.alipay.errors import failed
from gateway_sandbox.alipay.signing import CHINA, china_time
from gateway_sandbox.ledger import Object
from gateway_sandbox.provider import Till

NEEDED = {"out_trade_no", "total_amount", "subject"}
ALLOWED = NEEDED | {"time_expire", "timeout_express", "product_code", "body", "passback_params", "goods_detail"}
MOST_FEN = 10_000_000_000
WAITING, PAID, FINISHED, CLOSED = "WAIT_BUYER_PAY", "TRADE_SUCCESS", "TRADE_FINISHED", "TRADE_CLOSED"


class Trades:
    """An order without `trade_status` is known to nobody but the code or the address that leads to it."""

    def __init__(self, till: Till) -> None:
        self._till = till

    def precreate(self, given: Mapping[str, Any], common: Mapping[str, str]) -> Mapping[str, Any]:
        """A code for it."""
        order = self._order(given, common)
        return {"out_trade_no": order["id"], "qr_code": self._till.pay_url(order["id"])}

    def page(self, given: Mapping[str, Any], common: Mapping[str, str]) -> str:
        """The payer's browser is here: where it goes next."""
        order = self._order(given, common)
        self.scanned(order["id"])
        return self._till.pay_url(order["id"])

    def query(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """As it stands."""
        trade = self.trade(given)
        told = {
            **{name: trade[name] for name in ("trade_no", "trade_status", "total_amount")},
            "out_trade_no": trade["id"],
            "buyer_logon_id": "csq***@sandbox.com",
        }
        if "send_pay_date" in trade:
            told |= {"send_pay_date": trade["send_pay_date"], "buyer_pay_amount": trade["total_amount"]}
        return told

    def close(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """One that waits for its payer."""
        trade = self.trade(given)
        if trade["trade_status"] != WAITING:
            raise failed("TRADE_STATUS_ERROR", "交易状态不合法")
        self.keep({**trade, "trade_status": CLOSED})
        return {"trade_no": trade["trade_no"], "out_trade_no": trade["id"]}

    def trade(self, given: Mapping[str, Any]) -> Object:
        """AlipayError where there is none."""
        trade = self.order(given)
        if trade is None or "trade_status" not in trade:
            raise failed("TRADE_NOT_EXIST", "交易不存在")
        return trade

    def order(self, given: Mapping[str, Any]) -> Object | None:
        """By the merchant's number."""
        return self._till.load("order", str(given.get("out_trade_no") or ""))

    def keep(self, order: Mapping[str, Any]) -> None:
        """With what has changed."""
        self._till.save("order", order["id"], order)

    def scanned(self, id: str) -> Object:
        """The payer has seen it: now there is a trade. KeyError for an unknown order."""
        order = self._till.load("order", id)
        if order is None:
            raise KeyError(id)
        if "trade_status" not in order and "dead" not in order:
            number = f"{datetime.now(CHINA):%Y%m%d}22001{secrets.randbelow(10**15):015}"
            order |= {"trade_status": WAITING, "trade_no": number, "gmt_create": china_time()}
            self.keep(order)
        return order

    def pay(self, id: str, passes: bool) -> Object | None:
        """The trade if it was paid now; who is refused leaves no trace."""
        trade = self.scanned(id)
        if trade.get("trade_status") != WAITING or trade.get("time_expire", "9") < china_time():
            return None
        self._till.charged(f"{trade['trade_no']}.{secrets.token_hex(4)}", id, fen(trade), "CNY", taken=passes)
        if not passes:
            return None
        paid = {**trade, "trade_status": PAID, "send_pay_date": china_time()}
        self.keep(paid)
        return paid

    def _order(self, given: Mapping[str, Any], common: Mapping[str, str]) -> Object:
        only(given, ALLOWED, NEEDED)
        number, amount = str(given["out_trade_no"]), str(given["total_amount"])
        if not re.fullmatch(r"[0-9A-Za-z_]{1,64}", number) or not re.fullmatch(r"[^/=&]{1,256}", given["subject"]):
            raise failed("INVALID_PARAMETER", "参数无效")
        if not 1 <= fen_of(amount) <= MOST_FEN:
            raise failed("TOTAL_FEE_EXCEED", "订单总金额超过限额")
        asked = {name: str(given[name]) for name in given} | {
            name: common[name] for name in ("notify_url", "return_url") if name in common
        }
        order = self._till.load("order", number)
        if order is None:
            order = {**asked, "id": number, "total_amount": f"{fen_of(amount) / 100:.2f}"}
            self.keep(order)
        elif order.get("trade_status") in (PAID, FINISHED):
            raise failed("TRADE_HAS_SUCCESS", "交易已被支付")
        elif order.get("trade_status") == CLOSED:
            raise failed("TRADE_HAS_CLOSE", "交易已经关闭")
        elif fen(order) != fen_of(amount) or order["subject"] != given["subject"]:
            raise failed("CONTEXT_INCONSISTENT", "交易信息被篡改")
        return order


def only(given: Mapping[str, Any], allowed: set[str], needed: set[str]) -> None:
    """AlipayError for a name too many or too few."""
    if odd := (given.keys() - allowed) | (needed - given.keys()):
        raise failed("INVALID_PARAMETER", f"参数无效: {', '.join(sorted(odd))}")


def fen_of(yuan: str) -> int:
    """Of an amount as Alipay writes it; AlipayError."""
    match = re.fullmatch(r"(\d{1,9})(?:\.(\d{1,2}))?", yuan)
    if not match:
        raise failed("INVALID_PARAMETER", "参数无效: amount")
    return int(match[1]) * 100 + int((match[2] or "0").ljust(2, "0"))


def fen(order: Mapping[str, Any]) -> int:
    """What the order is about."""
    return fen_of(order["total_amount"])

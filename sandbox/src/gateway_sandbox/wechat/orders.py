"""Orders by the merchant's number: opened, paid by scanning, or closed.

https://pay.weixin.qq.com/doc/v3/merchant/4012791877
"""

import re
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from gateway_sandbox.ledger import Object
from gateway_sandbox.provider import Till
from gateway_sandbox.wechat.errors import WeChatError, wrong

CHINA = timezone(timedelta(hours=8))
NEEDED = {"appid", "mchid", "description", "out_trade_no", "notify_url", "amount"}
ALLOWED = NEEDED | {"attach", "time_expire", "goods_tag", "support_fapiao", "detail", "scene_info", "settle_info"}
STATES = {"NOTPAY": "订单未支付", "SUCCESS": "支付成功", "REFUND": "转入退款", "CLOSED": "订单已关闭"}
PAID = ("SUCCESS", "REFUND")


class Orders:
    """credentials: of the one merchant there is."""

    def __init__(self, till: Till, credentials: Mapping[str, str]) -> None:
        self._till, self._known = till, credentials

    def create(self, given: Mapping[str, Any]) -> tuple[int, Any]:
        """The code of an order; the same again for the same request while it is not paid."""
        only(given, ALLOWED, NEEDED)
        if given["mchid"] != self._known["mchid"]:
            raise WeChatError(400, "MCH_NOT_EXISTS", "No such merchant.")
        if given["appid"] != self._known["appid"]:
            raise WeChatError(400, "APPID_MCHID_NOT_MATCH", "The app does not belong to the merchant.")
        number = text(given, "out_trade_no", r"[0-9A-Za-z_\-|*]{6,32}")
        text(given, "description", r"(?s).{1,127}")
        text(given, "notify_url", r"https?://[^?]{1,240}")
        total = money(given["amount"], {"total", "currency"})["total"]
        if (order := self._till.load("order", number)) is None:
            order = {**given, "total": total, "trade_state": "NOTPAY"}
            self._till.save("order", number, order)
        elif order["trade_state"] in PAID:
            raise WeChatError(400, "INVALID_REQUEST", "The order has been paid.")
        elif order["trade_state"] == "CLOSED":
            raise WeChatError(400, "ORDER_CLOSED", "The order has been closed.")
        elif {name: order.get(name) for name in ALLOWED} != {name: given.get(name) for name in ALLOWED}:
            raise WeChatError(403, "OUT_TRADE_NO_USED", "The number was used for another order.")
        return 200, {"code_url": self._till.pay_url(number)}

    def close(self, number: str, given: Mapping[str, Any]) -> tuple[int, Any]:
        """It can be paid no more."""
        only(given, {"mchid"}, {"mchid"})
        order = self.find(number, given["mchid"])
        if order["trade_state"] in PAID:
            raise WeChatError(400, "ORDERPAID", "The order has been paid.")
        if order["trade_state"] == "CLOSED":
            raise WeChatError(400, "ORDER_CLOSED", "The order has been closed.")
        self._till.save("order", number, {**order, "trade_state": "CLOSED"})
        return 204, None

    def find(self, number: str, mchid: str) -> Object:
        """WeChatError where there is none of this merchant."""
        order = self._till.load("order", number)
        if mchid != self._known["mchid"]:
            raise WeChatError(400, "MCH_NOT_EXISTS", "No such merchant.")
        if order is None:
            raise WeChatError(404, "ORDER_NOT_EXIST", "No such order.")
        return order

    def pay(self, number: str, passes: bool) -> None:
        """A payer who has scanned the code pays, or is not let by the bank, of which the merchant never hears."""
        order = self._till.load("order", number)
        if order is None or order["trade_state"] != "NOTPAY":
            return
        id = f"42{secrets.randbelow(10**26):026}"
        self._till.charged(id, number, order["total"], "CNY", taken=passes)
        if passes:
            paid = {"trade_state": "SUCCESS", "transaction_id": id, "success_time": china_time()}
            self._till.save("order", number, {**order, **paid})
            self._till.tell({"event_type": "TRANSACTION.SUCCESS", "number": number})

    def shown(self, number: str) -> str:
        """For the pay page; KeyError."""
        order = self._till.load("order", number)
        if order is None:
            raise KeyError(number)
        return f"{order['total'] / 100:.2f} CNY: {order['description']} ({order['trade_state']})"

    @staticmethod
    def told(order: Object) -> Mapping[str, Any]:
        """As a query or a notification says it."""
        state = order["trade_state"]
        common: dict[str, Any] = {"trade_state": state, "trade_state_desc": STATES[state]}
        common.update({name: order[name] for name in ("appid", "mchid", "out_trade_no", "attach") if name in order})
        if "transaction_id" not in order:
            return common
        amount = {"total": order["total"], "payer_total": order["total"], "currency": "CNY", "payer_currency": "CNY"}
        return {
            **common,
            **{name: order[name] for name in ("transaction_id", "success_time")},
            "trade_type": "NATIVE",
            "bank_type": "OTHERS",
            "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
            "amount": amount,
        }


def china_time() -> str:
    """Now, as WeChat writes instants."""
    return datetime.now(CHINA).isoformat(timespec="seconds")


def only(given: Mapping[str, Any], allowed: set[str], needed: set[str]) -> None:
    """WeChatError for a name too many or too few."""
    if not isinstance(given, dict):
        raise wrong("The body is not a JSON object.")
    if odd := (given.keys() - allowed) | (needed - given.keys()):
        raise wrong(f"Missing or unknown: {', '.join(sorted(odd))}.")


def text(given: Mapping[str, Any], name: str, pattern: str) -> str:
    """A string of that form."""
    value = given[name]
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise wrong(f"{name} is malformed.")
    return value


def money(given: Any, names: set[str]) -> Mapping[str, Any]:
    """Whole fen, more than none, of the only currency there is."""
    only(given, names, names)
    for name in names - {"currency"}:
        if type(given[name]) is not int or given[name] < 1:
            raise wrong(f"amount.{name} is not a number of fen.")
    if given["currency"] != "CNY":
        raise wrong("amount.currency is not CNY.")
    return dict(given)

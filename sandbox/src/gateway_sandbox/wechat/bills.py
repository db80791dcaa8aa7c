"""The file of a day's payments and refunds, here at once (https://pay.weixin.qq.com/doc/v3/merchant/4012556654)."""

import gzip
import hashlib
import re
from collections.abc import Sequence

from gateway_sandbox.ledger import Object
from gateway_sandbox.provider import Till
from gateway_sandbox.wechat.errors import WeChatError, wrong

COLUMNS = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,"
    "费率,订单金额,申请退款金额,费率备注"
)
TOTALS = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
RATE = 0.006


class Bills:
    """base: the address of the API, which the download lies below."""

    def __init__(self, till: Till, base: str) -> None:
        self._till, self._base = till, base

    def ask(self, day: str) -> tuple[int, object]:
        """Where the file is, and its digest."""
        text = self._text(day)
        digest = hashlib.sha1(text, usedforsecurity=False).hexdigest()
        url = f"{self._base}/v3/billdownload/file?token={day}"
        return 200, {"hash_type": "SHA1", "hash_value": digest, "download_url": url}

    def file(self, day: str) -> bytes:
        """Packed."""
        return gzip.compress(self._text(day))

    def _text(self, day: str) -> bytes:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", day):
            raise wrong("bill_date is malformed.")
        orders = [each for each in self._till.page("order") if each.get("success_time", "").startswith(day)]
        refunds = [each for each in self._till.page("wechat_refund") if each["create_time"].startswith(day)]
        lines = [self._charge(each) for each in orders] + [self._refund(each) for each in refunds]
        if not lines:
            raise WeChatError(400, "NO_STATEMENT_EXIST", "Nothing happened that day.")
        totals = [str(len(lines)), *["0.00"] * 6]
        rows = [",".join(f"`{value}" for value in line) for line in (*sorted(lines), totals)]
        return "\r\n".join([COLUMNS, *rows[:-1], TOTALS, rows[-1]]).encode("utf-8-sig")

    def _charge(self, order: Object) -> list[str]:
        total = order["total"]
        return [
            *self._begins(order, order["success_time"], "SUCCESS"),
            *(_yuan(total), "0.00", "0", "0", "0.00", "0.00", "", ""),
            *(order["description"].replace(",", " "), order.get("attach", "")),
            *(f"{total / 100 * RATE:.5f}", "0.60%", _yuan(total), "0.00", ""),
        ]

    def _refund(self, refund: Object) -> list[str]:
        order, amount = self._till.load("order", refund["out_trade_no"]) or {}, refund["amount"]["refund"]
        return [
            *self._begins(order, refund["create_time"], "REFUND"),
            *("0.00", "0.00", refund["refund_id"], refund["out_refund_no"], _yuan(amount), "0.00"),
            *("ORIGINAL", refund["status"], order["description"].replace(",", " "), order.get("attach", "")),
            *(f"{-amount / 100 * RATE:.5f}", "0.60%", "0.00", _yuan(amount), ""),
        ]

    @staticmethod
    def _begins(order: Object, time: str, state: str) -> Sequence[str]:
        when = time[:19].replace("T", " ")
        numbers = (order["transaction_id"], order["out_trade_no"])
        return [when, order["appid"], order["mchid"], "0", "", *numbers, "openid", "NATIVE", state, "OTHERS", "CNY"]


def _yuan(fen: int) -> str:
    return f"{fen / 100:.2f}"

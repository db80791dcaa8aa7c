"""The merchant's account: payments, Alipay's fee for each, refunds (https://opendocs.alipay.com/open/02byvc)."""

from collections.abc import Iterator, Mapping
from typing import Any

from gateway_sandbox.alipay.errors import failed
from gateway_sandbox.alipay.trades import fen, only
from gateway_sandbox.provider import Till

ALLOWED = {"start_time", "end_time", "page_no", "page_size", "alipay_order_no", "merchant_order_no"}
NEEDED = {"start_time", "end_time", "page_no", "page_size"}
BASIS_POINTS = 60


def account_lines(till: Till, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """A page of the lines from start to before end, newest first."""
    only(given, ALLOWED, NEEDED)
    number, size = int(given["page_no"]), int(given["page_size"])
    if not 1 <= size <= 2000 or number < 1 or given["start_time"] >= given["end_time"]:
        raise failed("INVALID_PARAMETER", "参数无效")
    lines = [line for line in _lines(till) if given["start_time"] <= line["trans_dt"] < given["end_time"]]
    lines.sort(key=lambda line: line["trans_dt"], reverse=True)
    page = lines[(number - 1) * size : number * size]
    return {"page_no": str(number), "page_size": str(size), "total_size": str(len(lines)), "detail_list": page}


def _lines(till: Till) -> Iterator[Mapping[str, str]]:
    for trade in till.page("order"):
        if "send_pay_date" in trade:
            amount, at = fen(trade), trade["send_pay_date"]
            yield _line(trade, f"{trade['trade_no']}1", "交易", "收入", amount, at)
            yield _line(trade, f"{trade['trade_no']}2", "收费", "支出", round(amount * BASIS_POINTS / 10_000), at)
    for refund in till.page("alipay_refund"):
        if refund["status"] == "succeeded":
            trade = till.load("order", refund["order"]) or {}
            told = _line(
                trade, f"{trade['trade_no']}3{refund['number']}", "交易退款", "支出", refund["amount"], refund["time"]
            )
            yield {**told, "merchant_out_refund_no": refund["number"]}


def _line(trade: Mapping[str, Any], id: str, kind: str, direction: str, amount: int, at: str) -> Mapping[str, str]:
    return {
        "account_log_id": id,
        "alipay_order_no": trade["trade_no"],
        "merchant_order_no": trade["id"],
        "type": kind,
        "direction": direction,
        "trans_amount": f"{amount / 100:.2f}",
        "trans_dt": at,
        "bill_source": "商家中心",
    }

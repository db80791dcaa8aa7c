"""Alipay's HTTP: one address, /alipay/gateway.do, where the method is a parameter and every answer is a 200."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from gateway_sandbox.alipay.account import account_lines
from gateway_sandbox.alipay.errors import AlipayError, failed, invalid
from gateway_sandbox.alipay.refunds import Refunds
from gateway_sandbox.alipay.signing import Signing, china_time, make_credentials
from gateway_sandbox.alipay.trades import Trades
from gateway_sandbox.ledger import Object
from gateway_sandbox.provider import Envelope, Till

COMMON = {
    "app_id", "method", "format", "charset", "sign_type", "sign", "timestamp", "version", "biz_content", "notify_url",
    "return_url",
}  # fmt: skip
PAGE = "alipay.trade.page.pay"
SELLER, BUYER = "2088102169481075", "2088102168897200"


class Alipay:
    """A Provider; see gateway_sandbox.provider."""

    name = "alipay"

    def __init__(self, till: Till, credentials: Mapping[str, str]) -> None:
        self._till, self._signing = till, Signing(credentials)
        self._trades = Trades(till)
        self._refunds = Refunds(till, self._trades, self._tell)
        self._acts: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, str]], Mapping[str, Any]]] = {
            "alipay.trade.precreate": self._trades.precreate,
            "alipay.trade.query": lambda given, _: self._trades.query(given),
            "alipay.trade.close": lambda given, _: self._trades.close(given),
            "alipay.trade.cancel": lambda given, _: self._refunds.cancel(given),
            "alipay.trade.refund": lambda given, _: self._refunds.create(given),
            "alipay.trade.fastpay.refund.query": lambda given, _: self._refunds.query(given),
            "alipay.data.bill.accountlog.query": lambda given, _: account_lines(till, given),
        }

    @staticmethod
    def make_credentials(url: str) -> Mapping[str, str]:
        """See signing."""
        return make_credentials(url)

    def routes(self) -> Sequence[web.RouteDef]:
        """Servers post, browsers get."""
        handle = self._till.faulty(self._handle)
        return [web.post("/alipay/gateway.do", handle), web.get("/alipay/gateway.do", handle)]

    def envelope(self, notice: Object) -> Envelope:
        """A signed form, with the time of this sending."""
        told = {**notice["told"], "notify_id": notice["id"], "notify_time": china_time()}
        body = urlencode(self._signing.signed(told)).encode()
        return Envelope(body, {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"})

    def tick(self) -> None:
        """Refunds arrive."""
        self._refunds.settle_due()

    def pay(self, id: str, passes: bool) -> str:
        """The payer decides in the app or on the page, which leads back with a signed summary."""
        trade = self._trades.pay(id, passes)
        if trade is None:
            return ""
        self._tell(trade, None)
        if "return_url" not in trade:
            return ""
        told = {
            "app_id": self._signing.app_id,
            "charset": "utf-8",
            "method": f"{PAGE}.return",
            "out_trade_no": id,
            "seller_id": SELLER,
            "timestamp": china_time(),
            "total_amount": trade["total_amount"],
            "trade_no": trade["trade_no"],
            "version": "1.0",
        }
        return f"{trade['return_url']}?{urlencode(self._signing.signed(told))}"

    def shown(self, id: str) -> str:
        """Opening the page is what scanning the code comes to."""
        with self._till.transaction():
            order = self._trades.scanned(id)
        return f"{order['total_amount']} CNY: {order['subject']} ({order.get('trade_status', 'CANCELLED')})"

    async def _handle(self, request: web.Request) -> web.Response:
        form = dict((await request.post()).items()) if request.method == "POST" else {}
        given = {**request.query, **{name: str(value) for name, value in form.items()}}
        method = given.get("method", "")
        try:
            self._signing.authenticate(given)
            with self._till.transaction():
                told = self._act(method, given)
        except AlipayError as error:
            return self._answer(method, error.body, signed=error.signed)
        if isinstance(told, str):
            raise web.HTTPFound(told)
        return self._answer(method, {"code": "10000", "msg": "Success", **told}, signed=True)

    def _act(self, method: str, given: Mapping[str, str]) -> Mapping[str, Any] | str:
        if odd := given.keys() - COMMON:
            raise invalid("invalid-parameter", ", ".join(sorted(odd)), signed=True)
        try:
            content = json.loads(given.get("biz_content", ""))
        except ValueError:
            raise failed("INVALID_PARAMETER", "参数无效: biz_content") from None
        if method == PAGE:
            return self._trades.page(content, given)
        if method not in self._acts:
            raise invalid("invalid-method", "不存在的方法名", signed=True)
        return self._acts[method](content, given)

    def _answer(self, method: str, body: Mapping[str, Any], *, signed: bool) -> web.Response:
        """The signature is over the very bytes of the answer's inner object."""
        inner = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        sign = f',"sign":"{self._signing.signature(inner)}"' if signed else ""
        text = f'{{"{method.replace(".", "_")}_response":{inner}{sign}}}'
        return web.Response(text=text, content_type="text/html", charset="utf-8")

    def _tell(self, trade: Object, refund: Object | None) -> None:
        told = {
            "notify_type": "trade_status_sync",
            "app_id": self._signing.app_id,
            "charset": "utf-8",
            "version": "1.0",
            "out_trade_no": trade["id"],
            "trade_no": trade["trade_no"],
            "trade_status": trade["trade_status"],
            "total_amount": trade["total_amount"],
            "receipt_amount": trade["total_amount"],
            "buyer_pay_amount": trade["total_amount"],
            "subject": trade["subject"],
            "gmt_create": trade["gmt_create"],
            "gmt_payment": trade["send_pay_date"],
            "seller_id": SELLER,
            "buyer_id": BUYER,
        }
        if refund is not None:
            fee = f"{refund['amount'] / 100:.2f}"
            told |= {"out_biz_no": refund["number"], "refund_fee": fee, "gmt_refund": china_time()}
        self._till.tell({"told": told})

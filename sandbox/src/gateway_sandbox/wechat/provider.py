"""WeChat Pay's HTTP below /wechat: every request signed by the merchant, every answer by WeChat."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from gateway_sandbox.ledger import Object
from gateway_sandbox.provider import Envelope, Till
from gateway_sandbox.wechat.bills import Bills
from gateway_sandbox.wechat.errors import WeChatError, wrong
from gateway_sandbox.wechat.orders import Orders, china_time
from gateway_sandbox.wechat.refunds import Refunds
from gateway_sandbox.wechat.signing import Signing, make_credentials

ORDER = "/wechat/v3/pay/transactions/out-trade-no/{number}"
REFUNDS = "/wechat/v3/refund/domestic/refunds"
Act = Callable[[web.Request, Any], tuple[int, Any]]


class WeChat:
    """A Provider; see gateway_sandbox.provider."""

    name = "wechat"

    def __init__(self, till: Till, credentials: Mapping[str, str]) -> None:
        self._till = till
        self._signing = Signing(credentials)
        self._orders, self._refunds = Orders(till, credentials), Refunds(till)
        self._bills = Bills(till, credentials["url"])

    @staticmethod
    def make_credentials(url: str) -> Mapping[str, str]:
        """See signing."""
        return make_credentials(url)

    def routes(self) -> Sequence[web.RouteDef]:
        """What a merchant of NATIVE codes calls."""
        return [
            web.post("/wechat/v3/pay/transactions/native", self._answers(lambda _, given: self._orders.create(given))),
            web.get(ORDER, self._answers(self._query)),
            web.post(
                f"{ORDER}/close",
                self._answers(lambda request, given: self._orders.close(request.match_info["number"], given)),
            ),
            web.post(REFUNDS, self._answers(lambda _, given: self._refunds.create(given))),
            web.get(
                f"{REFUNDS}/{{number}}",
                self._answers(
                    lambda request, _: (200, self._refunds.told(self._refunds.find(request.match_info["number"])))
                ),
            ),
            web.get(
                "/wechat/v3/bill/tradebill",
                self._answers(lambda request, _: self._bills.ask(request.query.get("bill_date", ""))),
            ),
            web.get(
                "/wechat/v3/billdownload/file",
                self._answers(lambda request, _: (200, self._bills.file(request.query.get("token", "")))),
            ),
        ]

    def envelope(self, notice: Object) -> Envelope:
        """What happened, closed with the APIv3 key and signed."""
        number, event = notice["number"], notice["event_type"]
        if event.startswith("REFUND."):
            told = self._refunds.told(self._refunds.find(number))
            kind, content = "refund", {**told, "refund_status": told["status"]}
        else:
            kind, content = "transaction", {**self._orders.told(self._till.load("order", number) or {})}
        body = {
            "id": notice["id"],
            "create_time": china_time(),
            "event_type": event,
            "resource_type": "encrypt-resource",
            "summary": event,
            "resource": self._signing.closed(kind, content),
        }
        payload = json.dumps(body).encode()
        return Envelope(payload, {"Content-Type": "application/json", **self._signing.headers_for(payload)})

    def tick(self) -> None:
        """Refunds arrive."""
        self._refunds.settle_due()

    def pay(self, id: str, passes: bool) -> str:
        """The payer has scanned the code; the app sends nobody anywhere."""
        self._orders.pay(id, passes)
        return ""

    def shown(self, id: str) -> str:
        """See Orders."""
        return self._orders.shown(id)

    def _query(self, request: web.Request, _: Any) -> tuple[int, Any]:
        order = self._orders.find(request.match_info["number"], request.query.get("mchid", ""))
        return 200, self._orders.told(order)

    def _answers(self, act: Act) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.Response:
            body = await request.text()
            try:
                self._signing.authenticate(
                    request.method, request.raw_path.removeprefix("/wechat"), request.headers, body
                )
                given = _json(body)
                with self._till.transaction():
                    status, answer = act(request, given)
            except WeChatError as error:
                status, answer = error.status, error.body
            if isinstance(answer, bytes):  # a file goes out unsigned
                return web.Response(body=answer, content_type="application/octet-stream")
            payload = b"" if answer is None else json.dumps(answer).encode()
            headers = self._signing.headers_for(payload)
            return web.Response(status=status, body=payload, content_type="application/json", headers=headers)

        return self._till.faulty(handle)


def _json(body: str) -> Any:
    try:
        return json.loads(body) if body else {}
    except ValueError:
        raise wrong("The body is not JSON.") from None

"""Adyen's HTTP, challenges and webhooks."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import aiohttp
from aiohttp import web

from gateway_sandbox.adyen.books import AdyenError, Books
from gateway_sandbox.adyen.report import report
from gateway_sandbox.adyen.stored import Stored
from gateway_sandbox.ledger import Object
from gateway_sandbox.provider import Envelope, Till

ACCOUNT = "UsherTEST"
SIGNED = (
    "pspReference", "originalReference", "merchantAccountCode", "merchantReference", "value", "currency", "eventCode",
    "success",
)  # fmt: skip


class Adyen:
    """A `Provider`."""

    name = "adyen"

    def __init__(self, till: Till, credentials: Mapping[str, str]) -> None:
        self._till, self._credentials = till, credentials
        self._books, self._stored = Books(till), Stored(till)

    @staticmethod
    def make_credentials(url: str) -> Mapping[str, str]:
        """Those of a test account."""
        return {
            "url": url,
            "api_key": f"AQE{secrets.token_urlsafe(48)}",
            "client_key": f"test_{secrets.token_hex(16).upper()}",
            "merchant_account": ACCOUNT,
            "environment": "test",
            "webhook_secret": secrets.token_hex(32).upper(),
            "reports_url": f"{url}/reports/download",
            "report_user": "report@Company.Usher",
            "report_password": secrets.token_urlsafe(24),
            "report_time_zone": "UTC",
        }

    def routes(self) -> Sequence[web.RouteDef]:
        """What the SDK calls, and the report."""
        below = f"/{self.name}/v72/payments"
        changes = [
            web.post(f"{below}/{{id}}/{kind}", self._api(partial(self._change, kind)))
            for kind in ("captures", "refunds", "cancels")
        ]
        return [
            web.post(below, self._api(self._create)),
            web.post(f"{below}/details", self._api(self._details)),
            *changes,
            web.post(f"/{self.name}/v72/storedPaymentMethods", self._api(self._store)),
            web.get(f"/{self.name}/v72/storedPaymentMethods", self._api(self._list_stored)),
            web.delete(f"/{self.name}/v72/storedPaymentMethods/{{id}}", self._api(self._delete_stored)),
            web.get(f"/{self.name}/reports/download/MerchantAccount/{ACCOUNT}/{{file}}", self._report),
        ]

    def envelope(self, notice: Object) -> Envelope:
        """Each item is signed over eight of its fields; the rest of it is not."""
        item = {**notice["item"], "merchantAccountCode": ACCOUNT}
        fields = {**item, **item["amount"]}
        text = ":".join(str(fields.get(name, "")) for name in SIGNED)
        secret = bytes.fromhex(self._credentials["webhook_secret"].partition(",")[0])
        signature = base64.b64encode(hmac.new(secret, text.encode(), hashlib.sha256).digest()).decode()
        told = {
            "additionalData": {"hmacSignature": signature},
            **item,
            "eventDate": notice["time"],
            "paymentMethod": "visa",
            "reason": "",
        }
        body = {"live": "false", "notificationItems": [{"NotificationRequestItem": told}]}
        return Envelope(json.dumps(body).encode(), {"Content-Type": "application/json"})

    def tick(self) -> None:
        """Captures, refunds and cancellations come to their end."""
        self._books.settle(time.time())

    def pay(self, id: str, passes: bool) -> str:
        """The challenge of 3-D Secure."""
        return self._books.decide(id, passes)

    def dispute(self, id: str, verdict: str, amount: int | None) -> None:
        """Of a payment."""
        self._books.dispute(id, verdict, amount)

    def shown(self, id: str) -> str:
        """Amount in minor units, as Adyen has it."""
        try:
            amount = self._books.payment(id)["amount"]
        except AdyenError as error:
            raise KeyError(id) from error
        return f"{amount['value']} {amount['currency']} (minor units) to Usher"

    def _api(self, act: Callable[[web.Request, dict[str, Any]], tuple[int, Any]]) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.Response:
            try:
                if request.headers.get("X-API-Key") != self._credentials["api_key"]:
                    raise AdyenError(401, "000", "HTTP Status Response - Unauthorized", "security")
                given = json.loads(await request.text() or "{}")
                if "merchantAccount" in given and given["merchantAccount"] != ACCOUNT:
                    raise AdyenError(403, "901", "Invalid Merchant Account", "security")
                with self._till.transaction():
                    status, body = self._once(request, given, lambda: act(request, given))
                    return web.json_response(body, status=status)
            except AdyenError as error:
                return error.response()
            except ValueError:
                return AdyenError(400, "702", "Bad request").response()

        return self._till.faulty(handle)

    def _once(self, request: web.Request, given: Any, act: Callable[[], tuple[int, Any]]) -> tuple[int, Any]:
        """Keys count for the whole company account; Adyen answers as before, or that the key is taken."""
        key = request.headers.get("Idempotency-Key")
        if not key:
            return act()
        if len(key) > 64:
            raise AdyenError(422, "703", "The idempotency key is too long")
        status, body, same = self._till.once(key, request.path, given, act)
        if not same:
            raise AdyenError(422, "704", "request already processed or in progress")
        return status, body

    async def _report(self, request: web.Request) -> web.Response:
        user = aiohttp.encode_basic_auth(self._credentials["report_user"], self._credentials["report_password"])
        if request.headers.get("Authorization") != user:
            return web.Response(status=401)
        text = report(self._till, ACCOUNT, request.match_info["file"])
        return web.Response(status=404) if text is None else web.Response(text=text, content_type="text/csv")

    def _create(self, request: web.Request, given: dict[str, Any]) -> tuple[int, Any]:  # noqa: ARG002
        if "merchantAccount" not in given:
            raise AdyenError(403, "901", "Invalid Merchant Account", "security")
        return 200, self._books.create(self._stored.paid_with(given))

    def _store(self, request: web.Request, given: dict[str, Any]) -> tuple[int, Any]:  # noqa: ARG002
        return 201, self._stored.create(given)

    def _list_stored(self, request: web.Request, given: dict[str, Any]) -> tuple[int, Any]:  # noqa: ARG002
        return 200, self._stored.listed(request.query)

    def _delete_stored(self, request: web.Request, given: dict[str, Any]) -> tuple[int, Any]:  # noqa: ARG002
        self._stored.delete(request.match_info["id"], request.query)
        return 200, {}

    def _details(self, request: web.Request, given: dict[str, Any]) -> tuple[int, Any]:  # noqa: ARG002
        return 200, self._books.details(given)

    def _change(self, kind: str, request: web.Request, given: dict[str, Any]) -> tuple[int, Any]:
        return 201, self._books.change(kind, request.match_info["id"], given)

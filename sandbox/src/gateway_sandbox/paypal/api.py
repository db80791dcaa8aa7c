"""PayPal's side of HTTP: tokens, request ids, error bodies, signed webhooks."""

import base64
import hmac
import json
import secrets
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from gateway_sandbox.ledger import Object
from gateway_sandbox.paypal.certificates import FOLDER, SUBJECT, make_certificate, signed_headers
from gateway_sandbox.paypal.disputes import Disputes
from gateway_sandbox.paypal.errors import PayPalError, invalid
from gateway_sandbox.paypal.orders import Orders, moment
from gateway_sandbox.paypal.payments import Payments
from gateway_sandbox.provider import Envelope, Till

Act = Callable[[str, Any], tuple[int, Object]]
TOKEN_SECONDS = 32_400


class PayPal:
    """A Provider."""

    name = "paypal"

    def __init__(self, till: Till, credentials: Mapping[str, str]) -> None:
        self._till, self._credentials = till, credentials
        self._orders = Orders(till, credentials["url"])
        self._disputes = Disputes(till, self._orders)
        self._payments = Payments(till, self._orders, self._disputes.lines)

    @staticmethod
    def make_credentials(url: str) -> Mapping[str, str]:
        """An application with one webhook."""
        key, certificate = make_certificate()
        return {
            "url": url,
            "client_id": f"A{secrets.token_urlsafe(40)}",
            "client_secret": f"E{secrets.token_urlsafe(40)}",
            "webhook_id": secrets.token_hex(9)[:17].upper(),
            "certificates": f"{url}{FOLDER}",
            "certificate_subject": SUBJECT,
            "far_key": key,
            "far_certificate": certificate,
            "far_token": f"A21AA{secrets.token_urlsafe(32)}",
        }

    def routes(self) -> Sequence[web.RouteDef]:
        """What the SDK calls for us, and the certificate."""
        orders, payments = self._orders, self._payments
        return [
            web.post(f"/{self.name}/v1/oauth2/token", self._token),
            web.get(f"/{self.name}{FOLDER}CERT-sandbox", self._certificate),
            self._route("POST", "v2/checkout/orders", lambda _, given: orders.create(given)),
            self._route("GET", "v2/checkout/orders/{id}", lambda id, _: orders.get(id)),
            self._route("PATCH", "v2/checkout/orders/{id}", orders.patch),
            self._route("POST", "v2/checkout/orders/{id}/capture", lambda id, _: payments.capture_order(id)),
            self._route("POST", "v2/checkout/orders/{id}/authorize", lambda id, _: payments.authorize_order(id)),
            self._route("POST", "v2/payments/authorizations/{id}/capture", payments.capture),
            self._route("POST", "v2/payments/authorizations/{id}/void", lambda id, _: payments.void(id)),
            self._route("POST", "v2/payments/captures/{id}/refund", payments.refund),
            self._route("GET", "v1/reporting/transactions", lambda _, given: payments.search(given)),
        ]

    def envelope(self, notice: Object) -> Envelope:
        """Signed with the certificate that the header names."""
        event = {"id": f"WH-{notice['id']}", **{key: notice[key] for key in notice if key not in ("id", "object")}}
        body = json.dumps(_clean(event), separators=(",", ":")).encode()
        return Envelope(body, signed_headers(body, self._credentials, str(uuid.uuid4()), moment()))

    def tick(self) -> None:
        """Pending refunds end."""
        self._payments.settle()

    def pay(self, id: str, passes: bool) -> str:
        """The payer approves; "Decline" is the payer's bank, which is asked when the merchant captures."""
        return self._orders.approve(id, passes)

    def dispute(self, id: str, verdict: str, amount: int | None) -> None:
        """Of an order's capture."""
        self._disputes.decide(id, verdict, amount)

    def shown(self, id: str) -> str:
        """Amount and description."""
        order = self._till.load("order", id)
        if order is None:
            raise KeyError(id)
        unit = order["purchase_units"][0]
        return f"{unit['amount']['value']} {unit['amount']['currency_code']}: {unit.get('description', '')}"

    async def _token(self, request: web.Request) -> web.Response:
        known = f"{self._credentials['client_id']}:{self._credentials['client_secret']}".encode()
        given = request.headers.get("Authorization", "").removeprefix("Basic ")
        if not hmac.compare_digest(given.encode(), base64.b64encode(known)):
            body = {"error": "invalid_client", "error_description": "Client Authentication failed"}
            return web.json_response(body, status=401)
        if (await request.post()).get("grant_type") != "client_credentials":
            return web.json_response({"error": "unsupported_grant_type"}, status=400)
        token = self._credentials["far_token"]
        return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS})

    async def _certificate(self, _: web.Request) -> web.Response:
        return web.Response(text=self._credentials["far_certificate"], content_type="application/x-pem-file")

    def _route(self, method: str, path: str, act: Act) -> web.RouteDef:
        async def handle(request: web.Request) -> web.Response:
            sent = await request.text()
            with self._till.transaction():
                try:
                    self._authorize(request)
                    given = dict(request.query) if method == "GET" else _json(sent)
                    status, body = self._act(request, act, given)
                except PayPalError as error:
                    status, body = error.status, error.body
            return web.Response(status=204) if status == 204 else web.json_response(_clean(body), status=status)

        return web.route(method, f"/{self.name}/{path}", self._till.faulty(handle))

    def _act(self, request: web.Request, act: Act, given: Any) -> tuple[int, Object]:
        """Under a request id what was done is answered again, with 200; a refusal is not kept."""
        id, key = request.match_info.get("id", ""), request.headers.get("PayPal-Request-Id")
        if request.method != "POST" or not key:
            return act(id, given)
        key = f"{request.path}|{key}"
        again = self._till.ledger.answer(key) is not None
        status, body, same = self._till.once(key, request.path, given, lambda: act(id, given))
        if not same:
            text = "A request with this PayPal-Request-Id was made with another body."
            raise PayPalError(409, "RESOURCE_CONFLICT", "DUPLICATE_REQUEST_ID", text)
        return (200 if again else status), body

    def _authorize(self, request: web.Request) -> None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(token.encode(), self._credentials["far_token"].encode()):
            raise PayPalError(401, "AUTHENTICATION_FAILURE", "INVALID_TOKEN", "Authentication failed.")


def _json(sent: str) -> Any:
    try:
        return json.loads(sent or "{}")
    except ValueError:
        raise invalid("MALFORMED_REQUEST_JSON", "The request JSON is not well formed.") from None


def _clean(body: Any) -> Any:
    """Without what only this side knows."""
    if isinstance(body, dict):
        return {key: _clean(value) for key, value in body.items() if not key.startswith("far_")}
    return [_clean(each) for each in body] if isinstance(body, list) else body

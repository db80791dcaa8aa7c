"""Square's side of HTTP: access tokens, idempotency keys, error bodies, signed webhooks."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from aiohttp import web

from gateway_sandbox.ledger import Object
from gateway_sandbox.provider import Envelope, Till
from gateway_sandbox.square.cards import Cards, token_of
from gateway_sandbox.square.disputes import Disputes
from gateway_sandbox.square.errors import SquareError, invalid, unauthorized
from gateway_sandbox.square.payments import Payments
from gateway_sandbox.square.refunds import Refunds

Act = Callable[[str, Mapping[str, Any]], Object]


TOLD_OF = ("payment", "refund", "dispute")


class Square:
    """A Provider."""

    name = "square"

    def __init__(self, till: Till, credentials: Mapping[str, str]) -> None:
        self._till, self._credentials = till, credentials
        self._payments = Payments(
            till,
            location=credentials["location_id"],
            currency=credentials["currency"],
            token_of=partial(token_of, till),
        )
        self._cards = Cards(till)
        self._refunds = Refunds(till, self._payments)
        self._disputes = Disputes(till, self._payments)

    @staticmethod
    def make_credentials(url: str) -> Mapping[str, str]:
        """A merchant in the United States with one location."""
        return {
            "url": url,
            "access_token": f"EAAA{secrets.token_urlsafe(32)}",
            "application_id": f"sandbox-sq0idb-{secrets.token_urlsafe(12)}",
            "location_id": f"L{secrets.token_hex(6).upper()}",
            "currency": "USD",
            "webhook_secret": secrets.token_urlsafe(16),
        }

    def routes(self) -> Sequence[web.RouteDef]:
        """Those of the Payments, Refunds, Customers and Cards APIs that the SDK calls for us."""
        payments, refunds, cards = self._payments, self._refunds, self._cards
        return [
            self._route("POST", "payments", lambda _, given: payments.create(given), once=True),
            self._route("GET", "payments", lambda _, given: payments.listed(given)),
            self._route("POST", "payments/cancel", lambda _, given: payments.cancel_by_key(given)),
            self._route("GET", "payments/{id}", lambda id, _: payments.get(id)),
            self._route("PUT", "payments/{id}", payments.update, once=True),
            self._route("POST", "payments/{id}/complete", lambda id, _: payments.complete(id)),
            self._route("POST", "payments/{id}/cancel", lambda id, _: payments.cancel(id)),
            self._route("POST", "refunds", lambda _, given: refunds.create(given), once=True),
            self._route("GET", "refunds", lambda _, given: refunds.listed(given)),
            self._route("GET", "refunds/{id}", lambda id, _: refunds.get(id)),
            self._route("GET", "disputes", lambda _, given: self._disputes.listed()),  # noqa: ARG005 - routes are called alike
            self._route("POST", "customers", lambda _, given: cards.customer(given), once=True),
            self._route("POST", "cards", lambda _, given: cards.create(given), once=True),
            self._route("GET", "cards", lambda _, given: cards.listed(given)),
            self._route("POST", "cards/{id}/disable", lambda id, _: cards.disable(id)),
        ]

    def envelope(self, notice: Object) -> Envelope:
        """HMAC-SHA256 over the address and the body; no time is signed but the event's own."""
        data = {**notice["data"], "object": {kind: notice[kind] for kind in TOLD_OF if kind in notice}}
        event = {"merchant_id": "ML", "type": notice["type"], "event_id": notice["id"]}
        body = json.dumps({**event, "created_at": notice["created_at"], "data": data}, separators=(",", ":")).encode()
        signed = self._till.webhook_url.encode() + body
        digest = hmac.new(self._credentials["webhook_secret"].encode(), signed, hashlib.sha256).digest()
        headers = {
            "Content-Type": "application/json",
            "X-Square-Hmacsha256-Signature": base64.b64encode(digest).decode(),
            "Square-Environment": "Sandbox",
        }
        return Envelope(body, headers)

    def tick(self) -> None:
        """Pending refunds end."""
        self._refunds.settle()

    def dispute(self, id: str, verdict: str, amount: int | None) -> None:
        """Of a payment."""
        self._disputes.decide(id, verdict, amount)

    def pay(self, id: str, passes: bool) -> str:  # noqa: ARG002
        """Payers of Square never come here: 3-D Secure is over before there is a token."""
        raise KeyError(id)

    def shown(self, id: str) -> str:
        """No order is agreed to here."""
        raise KeyError(id)

    def _route(self, method: str, path: str, act: Act, *, once: bool = False) -> web.RouteDef:
        async def handle(request: web.Request) -> web.Response:
            sent = await request.text()
            try:
                self._authorize(request)
                given = _object(sent) if method in ("POST", "PUT") else dict(request.query)
                with self._till.transaction():
                    status, body = self._act(request, act, given, once=once)
            except SquareError as error:
                status, body = error.status, error.body
            return web.json_response(body, status=status)

        return web.route(method, f"/{self.name}/v2/{path}", self._till.faulty(handle))

    def _act(self, request: web.Request, act: Act, given: Mapping[str, Any], *, once: bool) -> tuple[int, Object]:
        def answer() -> tuple[int, Object]:
            try:
                return 200, act(request.match_info.get("id", ""), given)
            except SquareError as error:
                return error.status, error.body

        key = given.get("idempotency_key")
        if not once or not isinstance(key, str):
            return answer()
        status, body, same = self._till.once(f"{request.path}|{key}", request.path, given, answer)
        if not same:
            raise invalid(
                "IDEMPOTENCY_KEY_REUSED", "Different request parameters used for the same idempotency_key: " + key
            )
        return status, body

    def _authorize(self, request: web.Request) -> None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(token.encode(), self._credentials["access_token"].encode()):
            raise unauthorized()
        if not request.headers.get("Square-Version"):
            raise invalid("INVALID_SQUARE_VERSION_FORMAT", "A Square-Version is needed.")


def _object(sent: str) -> Mapping[str, Any]:
    try:
        given = json.loads(sent or "{}")
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise invalid("EXPECTED_JSON_BODY", "Expected a JSON object.")
    return given

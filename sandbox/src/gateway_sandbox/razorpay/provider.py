"""Razorpay's HTTP, checkout and webhooks."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from gateway_sandbox.ledger import Object
from gateway_sandbox.provider import Envelope, Till
from gateway_sandbox.razorpay.books import Books, collection, shown
from gateway_sandbox.razorpay.disputes import Disputes
from gateway_sandbox.razorpay.errors import RazorpayError

Act = Callable[[web.Request, dict[str, Any]], Any]


class Razorpay:
    """A `Provider`."""

    name = "razorpay"

    def __init__(self, till: Till, credentials: Mapping[str, str]) -> None:
        self._till, self._credentials = till, credentials
        self._books = Books(till, credentials["key_secret"])
        self._disputes = Disputes(self._books)

    @staticmethod
    def make_credentials(url: str) -> Mapping[str, str]:
        """Keys in Razorpay's form."""
        return {
            "url": url,
            "key_id": f"rzp_test_{secrets.token_hex(7)}",
            "key_secret": secrets.token_hex(12),
            "webhook_secret": secrets.token_hex(16),
        }

    def routes(self) -> Sequence[web.RouteDef]:
        """Faults are of what changes something."""
        below = f"/{self.name}/v1"
        faulty = self._till.faulty
        return [
            web.post(f"{below}/orders", faulty(self._api(self._make_order))),
            web.get(f"{below}/orders", self._api(self._orders)),
            web.get(f"{below}/orders/{{id}}", self._api(self._order)),
            web.patch(f"{below}/orders/{{id}}", faulty(self._api(self._edit))),
            web.get(f"{below}/orders/{{id}}/payments", self._api(self._payments_of)),
            web.get(f"{below}/payments", self._api(self._payments)),
            web.get(f"{below}/payments/{{id}}", self._api(self._payment)),
            web.post(f"{below}/payments/{{id}}/capture", faulty(self._api(self._capture))),
            web.post(f"{below}/payments/{{id}}/refund", faulty(self._api(self._refund))),
            web.get(f"{below}/payments/{{id}}/refunds", self._api(self._refunds_of)),
            web.get(f"{below}/refunds", self._api(self._refunds)),
            web.get(f"{below}/disputes", self._api(self._listed_disputes)),
            web.post(f"{below}/payments/create/ajax", self._checkout),
        ]

    def envelope(self, notice: Object) -> Envelope:
        """Signed over the body with the webhook's secret."""
        entities = notice["entities"]
        body = json.dumps({
            "entity": "event", "account_id": "acc_sandbox", "event": notice["event"], "contains": [*entities],
            "payload": {name: {"entity": each} for name, each in entities.items()}, "created_at": notice["created_at"],
        }).encode()  # fmt: skip
        secret = self._credentials["webhook_secret"].partition(",")[0]
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "X-Razorpay-Signature": signature,
            "X-Razorpay-Event-Id": notice["id"],
        }
        return Envelope(body, headers)

    def tick(self) -> None:
        """Refunds come to their end."""
        self._books.settle(time.time())

    def pay(self, id: str, passes: bool) -> str:
        """As the checkout does, by UPI."""
        self._books.attempt(id, "upi", "success@razorpay" if passes else "failure@razorpay")
        return ""

    def dispute(self, id: str, verdict: str, amount: int | None) -> None:
        """Of an order's payment."""
        self._disputes.decide(id, verdict, amount)

    def shown(self, id: str) -> str:
        """Amount in the smallest unit, as Razorpay has it."""
        try:
            order = self._books.order(id)
        except RazorpayError as error:
            raise KeyError(id) from error
        return f"{order['amount']} {order['currency']} (smallest units) to Usher"

    def _api(self, act: Act) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.Response:
            try:
                self._authenticate(request)
                given = json.loads(await request.text() or "{}")
                with self._till.transaction():
                    return web.json_response(act(request, given))
            except RazorpayError as error:
                return error.response()
            except ValueError:
                return RazorpayError("The request body is no JSON.").response()

        return handle

    def _authenticate(self, request: web.Request) -> None:
        wanted = f"{self._credentials['key_id']}:{self._credentials['key_secret']}".encode()
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given, f"Basic {base64.b64encode(wanted).decode()}"):
            raise RazorpayError("Authentication failed", status=401, reason="NA")

    def _make_order(self, request: web.Request, given: dict[str, Any]) -> Object:  # noqa: ARG002
        return self._books.shown_order(self._books.make_order(given), expanded=False)

    def _orders(self, request: web.Request, given: dict[str, Any]) -> Object:  # noqa: ARG002
        receipt = request.query.get("receipt", "")
        expanded = request.query.get("expand[]") == "payments"
        found = self._till.page("order", parent=receipt)
        return collection([self._books.shown_order(each, expanded=expanded) for each in _page(request, found)])

    def _order(self, request: web.Request, given: dict[str, Any]) -> Object:  # noqa: ARG002
        expanded = request.query.get("expand[]") == "payments"
        return self._books.shown_order(self._books.order(request.match_info["id"]), expanded=expanded)

    def _edit(self, request: web.Request, given: dict[str, Any]) -> Object:
        return self._books.shown_order(self._books.edit(request.match_info["id"], given), expanded=False)

    def _payments_of(self, request: web.Request, given: dict[str, Any]) -> Object:  # noqa: ARG002
        return collection(self._books.payments_of(request.match_info["id"]))

    def _payments(self, request: web.Request, given: dict[str, Any]) -> Object:  # noqa: ARG002
        return collection([shown(each, "payment") for each in _page(request, self._till.page("payment"))])

    def _payment(self, request: web.Request, given: dict[str, Any]) -> Object:  # noqa: ARG002
        return shown(self._books.payment(request.match_info["id"]), "payment")

    def _capture(self, request: web.Request, given: dict[str, Any]) -> Object:
        made = self._books.capture(request.match_info["id"], given.get("amount"), given.get("currency", "INR"))
        return shown(made, "payment")

    def _refund(self, request: web.Request, given: dict[str, Any]) -> Object:
        id, key = request.match_info["id"], request.headers.get("X-Refund-Idempotency")
        if key is None:
            return shown(self._books.refund(id, given), "refund")
        if len(key) < 10:
            raise RazorpayError("The idempotency key must be at least 10 characters.")
        _, body, same = self._till.once(
            key, f"refund/{id}", given, lambda: (200, shown(self._books.refund(id, given), "refund"))
        )
        if not same:
            raise RazorpayError("Different request body sent with the same idempotency key.")
        answered: Object = body
        return answered

    def _refunds_of(self, request: web.Request, given: dict[str, Any]) -> Object:  # noqa: ARG002
        found = self._till.page("rfnd", parent=request.match_info["id"])
        return collection([shown(each, "refund") for each in _page(request, found)])

    def _refunds(self, request: web.Request, given: dict[str, Any]) -> Object:  # noqa: ARG002
        return collection([shown(each, "refund") for each in _page(request, self._till.page("rfnd"))])

    def _listed_disputes(self, request: web.Request, given: dict[str, Any]) -> Object:  # noqa: ARG002 - routes are called alike
        return collection(list(_page(request, self._disputes.listed())))

    async def _checkout(self, request: web.Request) -> web.Response:
        """What the checkout in the payer's browser does: form fields key_id, order_id, method and vpa."""
        given = await request.post()
        try:
            if given.get("key_id") != self._credentials["key_id"]:
                raise RazorpayError("Authentication failed", status=401, reason="NA")
            order = str(given.get("order_id", ""))
            with self._till.transaction():
                payment, signature = self._books.attempt(order, "upi", str(given.get("vpa", "")))
        except RazorpayError as error:
            return error.response()
        self._till.acted()
        if payment["status"] == "failed":
            failed = RazorpayError("Payment failed", reason=payment["error_reason"])
            failed.metadata = {"payment_id": payment["id"], "order_id": order}
            return failed.response()
        handed = {"razorpay_payment_id": payment["id"], "razorpay_order_id": order, "razorpay_signature": signature}
        return web.json_response(handed)


def _page(request: web.Request, found: Sequence[Object]) -> Sequence[Object]:
    """`from`, `to`, `skip` and `count` as Razorpay has them."""
    since, until = int(request.query.get("from", 0)), int(request.query.get("to", 2**40))
    skip, count = int(request.query.get("skip", 0)), int(request.query.get("count", 10))
    return [each for each in found if since <= each["created_at"] <= until][skip : skip + count]

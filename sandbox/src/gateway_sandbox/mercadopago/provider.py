"""Mercado Pago's HTTP, challenges and webhooks."""

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from gateway_sandbox.ledger import Object
from gateway_sandbox.mercadopago.books import Books, MercadoPagoError, shown_refund
from gateway_sandbox.provider import Envelope, Till

Act = Callable[[web.Request, dict[str, Any]], tuple[int, Any]]


class MercadoPago:
    """A `Provider`."""

    name = "mercadopago"

    def __init__(self, till: Till, credentials: Mapping[str, str]) -> None:
        self._till, self._credentials = till, credentials
        self._books = Books(till, credentials["currency"])

    @staticmethod
    def make_credentials(url: str) -> Mapping[str, str]:
        """Those of an account in Brazil."""
        return {
            "url": url,
            "access_token": f"TEST-{secrets.token_hex(16)}",
            "public_key": f"TEST-{secrets.token_hex(8)}",
            "currency": "BRL",
            "webhook_secret": secrets.token_hex(32),
        }

    def routes(self) -> Sequence[web.RouteDef]:
        """Faults are of what changes something."""
        below = f"/{self.name}/v1/payments"
        faulty = self._till.faulty
        return [
            web.post(below, faulty(self._api(self._create, once=True))),
            web.get(f"{below}/search", self._api(self._search)),
            web.get(f"{below}/{{id}}", self._api(self._get)),
            web.put(f"{below}/{{id}}", faulty(self._api(self._update))),
            web.post(f"{below}/{{id}}/refunds", faulty(self._api(self._refund, once=True))),
            web.get(f"{below}/{{id}}/refunds", self._api(self._refunds)),
        ]

    def envelope(self, notice: Object) -> Envelope:
        """Signed over the query's data.id, the request's id and the time in milliseconds; the body is not signed."""
        body = {
            "id": int(hashlib.sha256(notice["id"].encode()).hexdigest()[:10], 16),
            "live_mode": False, "type": "payment",
            "date_created": notice["date"], "user_id": 1, "api_version": "v1", "action": notice["action"],
            "data": {"id": notice["payment"]},
        }  # fmt: skip
        now, request = int(time.time() * 1000), notice["id"]
        manifest = f"id:{notice['payment']};request-id:{request};ts:{now};"
        secret = self._credentials["webhook_secret"].partition(",")[0]
        signature = hmac.new(secret.encode(), manifest.encode(), hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "x-signature": f"ts={now},v1={signature}",
            "x-request-id": request,
        }
        return Envelope(json.dumps(body).encode(), headers, f"data.id={notice['payment']}&type=payment")

    def tick(self) -> None:
        """Refunds come to their end."""
        self._books.settle(time.time())

    def pay(self, id: str, passes: bool) -> str:
        """The challenge of 3-D Secure; its page says so to the shop's, which it is a frame of."""
        self._books.decide(id, passes)
        return ""

    def dispute(self, id: str, verdict: str, amount: int | None) -> None:  # noqa: ARG002 - of all of it
        """Of a payment."""
        self._books.dispute(id, verdict)

    def shown(self, id: str) -> str:
        """Of a payment that waits for its payer."""
        try:
            payment = self._books.payment(id)
        except MercadoPagoError as error:
            raise KeyError(id) from error
        return f"{payment['transaction_amount']} {payment['currency_id']} to Usher"

    def _api(self, act: Act, *, once: bool = False) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.Response:
            try:
                if request.headers.get("Authorization") != f"Bearer {self._credentials['access_token']}":
                    raise MercadoPagoError(401, 5, "Must provide your access_token to proceed", "unauthorized")
                given = json.loads(await request.text() or "{}")
                with self._till.transaction():
                    status, body = self._once(request, given, act) if once else act(request, given)
                    return web.json_response(body, status=status)
            except MercadoPagoError as error:
                return error.response()
            except ValueError:
                return MercadoPagoError(400, 1, "Invalid JSON").response()

        return handle

    def _once(self, request: web.Request, given: dict[str, Any], act: Act) -> tuple[int, Any]:
        key = request.headers.get("x-idempotency-key")
        if not key:
            raise MercadoPagoError(400, 4292, "Header X-Idempotency-Key can't be null")
        status, body, same = self._till.once(key, request.path, given, lambda: act(request, given))
        if not same:
            raise MercadoPagoError(400, 3, "X-Idempotency-Key was used for another request")
        return status, body

    def _create(self, request: web.Request, given: dict[str, Any]) -> tuple[int, Any]:  # noqa: ARG002
        return 201, self._books.shown(self._books.create(given))

    def _search(self, request: web.Request, given: dict[str, Any]) -> tuple[int, Any]:  # noqa: ARG002
        asked = request.query
        found = self._till.page("payment", parent=asked.get("external_reference", ""))
        if asked.get("criteria", "asc") == "asc":
            found = found[::-1]
        if asked.get("range") == "date_last_updated":
            found = [each for each in found if each["date_last_updated"] >= asked["begin_date"]]
        skip, limit = int(asked.get("offset", 0)), int(asked.get("limit", 30))
        paging = {"total": len(found), "limit": limit, "offset": skip}
        results = [self._books.shown(each) for each in found[skip : skip + limit]]
        return 200, {"paging": paging, "results": results}

    def _get(self, request: web.Request, given: dict[str, Any]) -> tuple[int, Any]:  # noqa: ARG002
        return 200, self._books.shown(self._books.payment(request.match_info["id"]))

    def _update(self, request: web.Request, given: dict[str, Any]) -> tuple[int, Any]:
        return 200, self._books.shown(self._books.update(request.match_info["id"], given))

    def _refund(self, request: web.Request, given: dict[str, Any]) -> tuple[int, Any]:
        return 201, shown_refund(self._books.refund(request.match_info["id"], given))

    def _refunds(self, request: web.Request, given: dict[str, Any]) -> tuple[int, Any]:  # noqa: ARG002
        found = self._books.refunds_of(self._books.payment(request.match_info["id"])["id"])
        return 200, [shown_refund(each) for each in found][::-1]

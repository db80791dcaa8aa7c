"""Stripe's side of HTTP: keys, idempotency, request ids, error bodies (https://docs.stripe.com/api)."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from gateway_sandbox import endpoints, parameters
from gateway_sandbox.endpoints import Endpoint
from gateway_sandbox.errors import StripeError, invalid, unauthorized
from gateway_sandbox.ids import new_id
from gateway_sandbox.ledger import Answer, Ledger
from gateway_sandbox.network import API_VERSION, Network
from gateway_sandbox.parameters import Parameters
from gateway_sandbox.switches import Switches
from gateway_sandbox.webhooks import SUBSCRIBED


@dataclass(slots=True)
class StripeHttp:
    """Answers everything under /v1.

    acted: told after each request that may have made events. url: of this server.
    """

    ledger: Ledger
    switches: Switches
    acted: Callable[[], None]
    url: str

    async def handle(self, request: web.Request) -> web.Response:
        """Act, wait as the switches say, answer."""
        request_id = new_id("req_")
        posted = request.method == "POST"
        if posted and self.switches.take("fail_requests"):
            failure = StripeError(500, "api_error", "An error occurred on the far side. Nothing was done.")
            return _response(request_id, 500, json.dumps({"error": failure.error}), {})
        drop = posted and self.switches.take("drop_answers")
        response = self._answer(request, request_id, await request.text())
        self.acted()
        await self.switches.wait()
        if drop and request.transport is not None:
            request.transport.abort()
        return response

    def _answer(self, request: web.Request, request_id: str, body: str) -> web.Response:
        headers: dict[str, str] = {}
        try:
            given = parameters.parse(body if request.method == "POST" else request.query_string)
            endpoint, identifier = endpoints.find(request.method, request.path)
            self._authorize(request, endpoint, identifier, given)
            status, text = self._act(request, request_id, endpoint, identifier, given, headers)
        except StripeError as error:
            status, text = error.status, _body_of(error)
        return _response(request_id, status, text, headers)

    def _act(
        self,
        request: web.Request,
        request_id: str,
        endpoint: Endpoint,
        identifier: str,
        given: Parameters,
        headers: dict[str, str],
    ) -> tuple[int, str]:
        key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
        if key is not None and not 0 < len(key) <= 255:
            raise StripeError(400, "idempotency_error", "Idempotency keys have 1 to 255 characters.")
        fingerprint = hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()
        with self.ledger.transaction():
            if key is not None:
                headers["Idempotency-Key"] = key
                if earlier := self.ledger.answer(key):
                    return _replayed(earlier, key, request.path, fingerprint, headers)
            network = Network(self.ledger, SUBSCRIBED, request=request_id, idempotency_key=key, pages=self.url)
            try:
                status, text = 200, json.dumps(endpoint.act(network, identifier, given), indent=2)
            except StripeError as error:
                if not error.kept:
                    raise
                status, text = error.status, _body_of(error)
            if key is not None:
                self.ledger.remember(key, Answer(request.path, fingerprint, request_id, status, text))
        return status, text

    def _authorize(self, request: web.Request, endpoint: Endpoint, identifier: str, given: Parameters) -> None:
        key = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        if not key:
            raise unauthorized("You did not provide an API key, as in 'Authorization: Bearer YOUR_SECRET_KEY'.")
        if re.fullmatch(r"pk_test_\w+", key) and endpoint.publishable:
            intent = self.ledger.load("payment_intent", identifier)
            secret = given.get("client_secret")
            if intent is None or secret != intent["client_secret"]:
                raise invalid("The client_secret provided does not match the PaymentIntent.", param="client_secret")
            return
        if not re.fullmatch(r"(sk|rk)_test_\w+", key):
            raise unauthorized(f"Invalid API Key provided: {key[:8]}****")


def _replayed(earlier: Answer, key: str, path: str, fingerprint: str, headers: dict[str, str]) -> tuple[int, str]:
    if (earlier.endpoint, earlier.fingerprint) != (path, fingerprint):
        raise StripeError(
            400,
            "idempotency_error",
            "Keys for idempotent requests can only be used with the same endpoint and parameters they were first used "
            f"with. Try using a key other than '{key}' if you meant to execute a different request.",
        )
    headers.update({"Idempotent-Replayed": "true", "Original-Request": earlier.request})
    return earlier.status, earlier.body


def _body_of(error: StripeError) -> str:
    return json.dumps({"error": error.error}, indent=2)


def _response(request_id: str, status: int, text: str, headers: dict[str, str]) -> web.Response:
    shown = {"Request-Id": request_id, "Stripe-Version": API_VERSION, **headers}
    return web.Response(status=status, text=text, content_type="application/json", headers=shown)

"""The sandbox's own endpoints under /_sandbox: switches, what a buyer's bank does, and counts for tests."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from gateway_sandbox import charges, payment_intents, refunds
from gateway_sandbox.books import totals
from gateway_sandbox.errors import StripeError
from gateway_sandbox.ledger import Ledger, Object
from gateway_sandbox.network import Network
from gateway_sandbox.switches import Switches
from gateway_sandbox.webhooks import SUBSCRIBED


@dataclass(slots=True)
class Controls:
    """No key is asked: it listens on the loopback address of a test machine only."""

    ledger: Ledger
    switches: Switches
    acted: Callable[[], None]
    serving: Callable[[], bool]

    def routes(self) -> list[web.RouteDef]:
        """For the application."""
        return [
            web.get("/_sandbox/health", self.health),
            web.get("/_sandbox/switches", self.show_switches),
            web.post("/_sandbox/switches", self.change_switches),
            web.get("/_sandbox/charges", self.charges),
            web.get("/_sandbox/totals", self.totals),
            # As the other providers have them.
            web.get("/_sandbox/stripe/switches", self.show_switches),
            web.post("/_sandbox/stripe/switches", self.change_switches),
            web.get("/_sandbox/stripe/charges", self.charges_of_order),
            web.get("/_sandbox/stripe/totals", self.totals_by_iso_code),
            web.post("/_sandbox/payment_intents/{id}/authenticate", self.authenticate),
            web.post("/_sandbox/payment_intents/{id}/dispute", self.dispute),
            web.post("/_sandbox/refunds/{id}/settle", self.settle),
        ]

    async def health(self, _: web.Request) -> web.Response:
        """200 while it answers and carries webhooks, else 503."""
        serving = self.serving()
        return web.json_response({"serving": serving}, status=200 if serving else 503)

    async def show_switches(self, _: web.Request) -> web.Response:
        """All switches."""
        return web.json_response(self.switches.shown())

    async def change_switches(self, request: web.Request) -> web.Response:
        """JSON object of those to set; answers all."""
        try:
            self.switches.change(await _json(request))
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        self.acted()
        return web.json_response(self.switches.shown())

    async def charges(self, request: web.Request) -> web.Response:
        """Every charge, newest first; `?payment_intent=` for one intent's."""
        found = self.ledger.page("charge", parent=request.query.get("payment_intent", ""))
        return web.json_response({"charges": found})

    async def charges_of_order(self, request: web.Request) -> web.Response:
        """Every charge, newest first; `?order=` for those whose metadata say that order."""
        order = request.query.get("order", "")
        found = [each for each in self.ledger.page("charge") if not order or each["metadata"].get("order") == order]
        return web.json_response({"charges": found})

    async def totals_by_iso_code(self, _: web.Request) -> web.Response:
        """As `totals`, with currencies in upper case."""
        found = {code.upper(): counts for code, counts in totals(self.ledger).items()}
        return web.json_response({"currencies": found, "webhooks": self.ledger.deliveries()})

    async def totals(self, _: web.Request) -> web.Response:
        """Counts and minor units by currency of what was taken and what was given back; events by delivery."""
        intents = Counter(intent["status"] for intent in self.ledger.page("payment_intent"))
        return web.json_response(
            {"currencies": totals(self.ledger), "payment_intents": intents, "webhooks": self.ledger.deliveries()}
        )

    async def authenticate(self, request: web.Request) -> web.Response:
        """The buyer passes 3-D Secure, or with {"passes": false} fails it."""
        passes = (await _json(request)).get("passes", True)
        return self._act(lambda network: payment_intents.authenticate(network, request.match_info["id"], passes))

    async def dispute(self, request: web.Request) -> web.Response:
        """The buyer asks the bank for the money back; with {"open": false} the seller won, with "won": false lost."""
        asked, id = await _json(request), request.match_info["id"]
        over = "won" if asked.get("won", True) else "lost"
        status = "needs_response" if asked.get("open", True) else over
        return self._act(lambda network: charges.dispute(network, network.find("payment_intent", id), status))

    async def settle(self, request: web.Request) -> web.Response:
        """A pending refund succeeds, or with {"succeeds": false} fails."""
        succeeds = (await _json(request)).get("succeeds", True)
        return self._act(lambda network: refunds.settle(network, request.match_info["id"], succeeds))

    def _act(self, act: Callable[[Network], Object]) -> web.Response:
        try:
            with self.ledger.transaction():
                answer = act(Network(self.ledger, SUBSCRIBED))
        except StripeError as error:
            return web.json_response({"error": error.error}, status=error.status)
        self.acted()
        return web.json_response(answer)


async def _json(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.text() or "{}")
    except ValueError as error:
        raise web.HTTPBadRequest(text=f"not JSON: {error}") from error
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="a JSON object is needed")
    return body

"""The page of the payer's bank that 3-D Secure leads to (https://docs.stripe.com/payments/3d-secure/authentication-flow)."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from gateway_sandbox import customers, payment_intents
from gateway_sandbox.ledger import Ledger, Object
from gateway_sandbox.network import Network
from gateway_sandbox.pages import BUTTONS, html
from gateway_sandbox.webhooks import SUBSCRIBED

NAME = "stripe"


@dataclass(slots=True)
class Challenges:
    """`/pay/stripe/{intent}`, where `next_action.redirect_to_url` of an intent sends the payer's browser."""

    ledger: Ledger
    acted: Callable[[], None]

    def routes(self) -> list[web.RouteDef]:
        """For the application, before the pages of the other providers."""
        return [web.get(f"/pay/{NAME}/{{id}}", self.page), web.post(f"/pay/{NAME}/{{id}}", self.answer)]

    async def page(self, request: web.Request) -> web.Response:
        """What the bank asks."""
        intent = self._waiting(request)
        if intent["object"] == "setup_intent":
            return html(NAME, "Keep the card for Usher", BUTTONS)
        return html(NAME, f"{intent['amount']} {intent['currency'].upper()} (minor units) to Usher", BUTTONS)

    async def answer(self, request: web.Request) -> web.Response:
        """`pays=yes` or `no`; back to where the merchant wants the payer, who brings no news that counts."""
        passes = (await request.post()).get("pays") == "yes"
        intent = self._waiting(request)
        back = str(intent["next_action"]["redirect_to_url"]["return_url"])
        with self.ledger.transaction():
            network = Network(self.ledger, SUBSCRIBED)
            if intent["object"] == "setup_intent":
                after = customers.authenticate(network, intent, passes)
            else:
                after = payment_intents.authenticate(network, intent["id"], passes)
        self.acted()
        told = urlencode({
            intent["object"]: intent["id"],
            f"{intent['object']}_client_secret": intent["client_secret"],
            "redirect_status": "failed" if after["status"] == "requires_payment_method" else "succeeded",
        })  # fmt: skip
        raise web.HTTPSeeOther(f"{back}{'&' if urlsplit(back).query else '?'}{told}")

    def _waiting(self, request: web.Request) -> Object:
        id = request.match_info["id"]
        intent = self.ledger.load("setup_intent" if id.startswith("seti_") else "payment_intent", id)
        if intent is None or (intent["next_action"] or {}).get("type") != "redirect_to_url":
            raise web.HTTPNotFound(text="nothing waits for the payer here")
        return intent

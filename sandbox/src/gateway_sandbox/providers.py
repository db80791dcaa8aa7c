"""The providers beside the card network: their credentials, their HTTP, their webhooks, and their pay pages."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from aiohttp import web

from gateway_sandbox.books import totals
from gateway_sandbox.pages import BUTTONS, html
from gateway_sandbox.provider import Disputing, Envelope, Provider, Till
from gateway_sandbox.webhooks import Courier

# Name → where its class is, imported when it is served.
PROVIDERS: Mapping[str, str] = {
    "adyen": "gateway_sandbox.adyen:Adyen",
    "alipay": "gateway_sandbox.alipay:Alipay",
    "mercadopago": "gateway_sandbox.mercadopago:MercadoPago",
    "paypal": "gateway_sandbox.paypal:PayPal",
    "razorpay": "gateway_sandbox.razorpay:Razorpay",
    "square": "gateway_sandbox.square:Square",
    "wechat": "gateway_sandbox.wechat:WeChat",
}
CREDENTIALS = "credentials.json"
VERDICTS = ("open", "lost", "won")
CARD_NETWORK = "stripe"
HERE = "{url}"


def provider_class(name: str) -> type[Provider]:
    """The class behind a name of PROVIDERS."""
    module, _, attribute = PROVIDERS[name].partition(":")
    kind: type[Provider] = getattr(import_module(module), attribute)
    return kind


def stripe_credentials(url: str) -> Mapping[str, str]:
    """Of a new merchant of the card network, which lives at the root. priority: before the others, all else equal."""
    return {
        "url": url,
        "api_key": f"sk_test_{secrets.token_hex(16)}",
        "publishable_key": f"pk_test_{secrets.token_hex(16)}",
        "webhook_secret": f"whsec_{secrets.token_hex(24)}",
        "priority": "1",
    }


def credentials(
    folder: Path, url: str, given: Mapping[str, Mapping[str, str]] | None = None
) -> Mapping[str, Mapping[str, str]]:
    """Provider → its credentials. Made once and kept in `folder`, with the merchant's half in `credentials.json`.

    They hold the address of this server, which is why it has to come back on the same one. given: those that a merchant
    has already, whole entries; HERE in them stands for that address.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "far_credentials.json"
    known: dict[str, dict[str, str]] = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    for name, each in (given or {}).items():
        known[name] = {key: value.replace(HERE, url) for key, value in each.items()}
    if CARD_NETWORK not in known:
        known[CARD_NETWORK] = dict(stripe_credentials(url))
    for name in PROVIDERS:
        if name not in known:
            known[name] = dict(provider_class(name).make_credentials(f"{url}/{name}"))
    _write(kept, known)
    merchant = {
        name: {key: value for key, value in each.items() if not key.startswith("far_")} for name, each in known.items()
    }
    _write(folder / CREDENTIALS, merchant)
    return known


def _write(path: Path, content: Any) -> None:
    """In one step, so that whoever reads it reads all of it."""
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(content, indent=1), "utf-8")
    draft.chmod(0o600)
    draft.replace(path)


@dataclass(slots=True)
class FarEnds:
    """All providers, by the address they are reached at. webhooks: base of the merchant's; "": notices are kept."""

    folder: Path
    url: str
    webhooks: str = ""
    tills: dict[str, Till] = field(default_factory=dict)
    providers: dict[str, Provider] = field(default_factory=dict)
    couriers: list[Courier] = field(default_factory=list)

    def __post_init__(self) -> None:
        known = credentials(self.folder, self.url)
        for name in PROVIDERS:
            told_at = f"{self.webhooks}/{name}" if self.webhooks else ""
            till = self.tills[name] = Till(name, self.folder, self.url, told_at)
            provider = self.providers[name] = provider_class(name)(till, known[name])
            courier = Courier(
                till.ledger,
                till.switches,
                told_at,
                partial(_notice_of, till, provider),
                provider.tick,
            )
            till.acted = courier.wake
            self.couriers.append(courier)

    def routes(self) -> Sequence[web.RouteDef]:
        """APIs, pay pages, and controls below `/_sandbox/<name>`."""
        apis = [route for provider in self.providers.values() for route in provider.routes()]
        return [
            *apis,
            web.get("/pay/{name}/{id}", self.page),
            web.post("/pay/{name}/{id}", self.pay),
            web.get("/_sandbox/{name}/switches", self.switches),
            web.post("/_sandbox/{name}/switches", self.switch),
            web.get("/_sandbox/{name}/totals", self.totals),
            web.get("/_sandbox/{name}/charges", self.charges),
            web.post("/_sandbox/{name}/payments/{id}/dispute", self.dispute),
        ]

    def close(self) -> None:
        """Let go of the books."""
        for till in self.tills.values():
            till.ledger.close()

    async def page(self, request: web.Request) -> web.Response:
        """What is to be paid, and the payer's choice."""
        return html(request.match_info["name"], self._shown(request), BUTTONS)

    async def pay(self, request: web.Request) -> web.Response:
        """`pays=yes` or `no`; on to where the order says, or a word of thanks."""
        name, id = request.match_info["name"], request.match_info["id"]
        shown, till = self._shown(request), self.tills[name]
        passes = (await request.post()).get("pays") == "yes"
        with till.transaction():
            back = self.providers[name].pay(id, passes)
        till.acted()
        if back:
            raise web.HTTPSeeOther(back)
        return html(name, shown, f"<p><b>{'Paid' if passes else 'Declined'}.</b> You may close this page.</p>")

    async def switches(self, request: web.Request) -> web.Response:
        """All switches of a provider."""
        return web.json_response(self._till(request).switches.shown())

    async def switch(self, request: web.Request) -> web.Response:
        """JSON object of those to set; answers all."""
        till = self._till(request)
        try:
            till.switches.change(json.loads(await request.text() or "{}"))
        except (ValueError, AttributeError) as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        till.acted()
        return web.json_response(till.switches.shown())

    async def totals(self, request: web.Request) -> web.Response:
        """As /_sandbox/totals, of one provider."""
        till = self._till(request)
        return web.json_response({"currencies": totals(till.ledger), "webhooks": till.ledger.deliveries()})

    async def charges(self, request: web.Request) -> web.Response:
        """Every charge, newest first; `?order=` for one order's."""
        return web.json_response({"charges": self._till(request).page("charge", request.query.get("order", ""))})

    async def dispute(self, request: web.Request) -> web.Response:
        """What the payer's bank does: {"verdict": "open", "lost" or "won"}, of {"amount"} of it."""
        till, provider = self._till(request), self.providers[request.match_info["name"]]
        asked = json.loads(await request.text() or "{}")
        if not isinstance(provider, Disputing) or asked.get("verdict") not in VERDICTS:
            raise web.HTTPBadRequest(text=f"of payments of {', '.join(_disputing())}: one of {', '.join(VERDICTS)}")
        try:
            with till.transaction():
                provider.dispute(request.match_info["id"], asked["verdict"], asked.get("amount"))
        except KeyError as error:
            raise web.HTTPNotFound(text="no such payment") from error
        till.acted()
        return web.json_response({})

    def _till(self, request: web.Request) -> Till:
        try:
            return self.tills[request.match_info["name"]]
        except KeyError as error:
            raise web.HTTPNotFound(text="no such provider") from error

    def _shown(self, request: web.Request) -> str:
        self._till(request)
        try:
            return self.providers[request.match_info["name"]].shown(request.match_info["id"])
        except KeyError as error:
            raise web.HTTPNotFound(text="no such order") from error


def _disputing() -> Sequence[str]:
    return [name for name in PROVIDERS if hasattr(provider_class(name), "dispute")]


def _notice_of(till: Till, provider: Provider, id: str) -> Envelope:
    return provider.envelope(till.load("notice", id) or {})

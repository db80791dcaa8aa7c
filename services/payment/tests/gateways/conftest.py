"""Every gateway's real SDK against the sandbox, and a payer's hands: a module `hands_<name>.py` beside this a gateway.

A module of hands has: METHOD (its main method), AMOUNT (Money), SIGNS_TIME (whether its webhooks carry a signed time),
SIGNED_BY_HEADERS (whether the signature is in headers), and where its method is MethodKind.TOKEN, TOKENS with what
"good" and "declined" payers' browsers would get.
TELLS_REFUSALS = False: of a payer who is refused the gateway says nothing; the next attempt may pay the same order.
"""

import importlib.util
import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from aiohttp import web

from domain_kit.money import Money
from payment_service.domain.gateways import Delivery, Intent, IntentState, MethodKind, Order
from payment_service.outbound.capability_files import capabilities_of

HERE = Path(__file__).parent
GATEWAYS = sorted(path.stem.removeprefix("hands_") for path in HERE.glob("hands_*.py"))


def hands_of(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"hands_{name}", HERE / f"hands_{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Inbox:
    """A merchant's address for webhooks that keeps what comes."""

    url: str
    deliveries: list[Delivery]


@dataclass
class Far:
    """One gateway over the sandbox, and what a payer and a test can do."""

    name: str
    gateway: Any
    hands: ModuleType
    url: str
    inbox: Inbox
    until: Callable[..., Any]

    @property
    def kind(self) -> MethodKind:
        return capabilities_of(self.name).methods[self.hands.METHOD].kind

    @property
    def tells_refusals(self) -> bool:
        return getattr(self.hands, "TELLS_REFUSALS", True)

    @property
    def amount(self) -> Money:
        amount: Money = self.hands.AMOUNT
        return amount

    def order(self, **fields: Any) -> Order:
        order = Order(
            key=secrets.token_hex(16),
            payment="payments/01jz0000000000000000000001",
            booking="events/01jz0000000000000000000001/bookings/01jz0000000000000000000001",
            amount=self.amount,
            method=self.hands.METHOD,
            description="Concert",
            return_uri="http://shop.example/back",
            create_time=datetime.now(UTC),
            buyer_country="",
            buyer_email="payer@usher.example",
        )
        return replace(order, **fields)

    async def agreed(self, order: Order, intent: Intent, *, passes: bool = True) -> Order:
        """The payer does what is to be done: the order with a token, or the decision on the gateway's page."""
        if self.kind is MethodKind.TOKEN:
            return replace(order, token=self.hands.TOKENS["good" if passes else "declined"])
        await self.decide(intent, passes=passes)
        return order

    async def decide(self, intent: Intent, *, passes: bool) -> None:
        """On the pay page, which is where both the redirect and the QR code lead."""
        assert intent.action is not None
        async with httpx.AsyncClient() as client:
            page = await client.get(intent.action.value)
            assert page.status_code == 200, page.text
            answer = await client.post(intent.action.value, data={"pays": "yes" if passes else "no"})
        assert answer.status_code in (200, 303), answer.text

    async def begun(self, **fields: Any) -> tuple[Order, Intent]:
        order = self.order(**fields)
        return order, await self.gateway.begin(order)

    async def paid(self, **fields: Any) -> tuple[Order, Intent]:
        """An order that the payer has paid, and how it stands."""
        order, intent = await self.begun(**fields)
        order = await self.agreed(order, intent)
        done = await self.finish(order, intent)
        assert done.state is IntentState.SUCCEEDED, done
        assert await self.charges(order) == 1
        return order, done

    async def finish(self, order: Order, intent: Intent) -> Intent:
        """What payment does until it is decided: confirm what is there to confirm, look at the rest."""
        if self.kind is MethodKind.TOKEN:
            intent = await self.gateway.confirm(order, intent.reference)
            if intent.action is not None:
                await self.decide(intent, passes=True)

        async def decided() -> bool:
            nonlocal intent
            found = await self.gateway.find(order, intent.reference)
            assert found is not None
            intent = found
            if intent.state is IntentState.APPROVED:
                intent = await self.gateway.confirm(order, intent.reference)
            return intent.state in (IntentState.SUCCEEDED, IntentState.CANCELLED) or intent.failure is not None

        if intent.state is not IntentState.SUCCEEDED and intent.failure is None:
            await self.until(decided)
        return intent

    async def charges(self, order: Order) -> int:
        """How often the sandbox has taken money for it."""
        found = (await self.control("charges", order=order.key))["charges"]
        return sum(charge["captured"] for charge in found)

    async def switch(self, **switches: Any) -> None:
        async with httpx.AsyncClient() as client:
            answer = await client.post(f"{self.url}/_sandbox/{self.name}/switches", json=switches)
        assert answer.status_code == 200, answer.text

    async def control(self, path: str, **query: str) -> Any:
        async with httpx.AsyncClient() as client:
            return (await client.get(f"{self.url}/_sandbox/{self.name}/{path}", params=query)).json()


@asynccontextmanager
async def listening(name: str) -> AsyncIterator[Inbox]:
    deliveries: list[Delivery] = []

    async def take(request: web.Request) -> web.Response:
        headers = {key.lower(): value for key, value in request.headers.items()}
        deliveries.append(Delivery(await request.read(), headers, str(request.url)))
        return web.Response(text="success")

    application = web.Application()
    application.router.add_post("/hooks/{name}", take)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield Inbox(f"http://127.0.0.1:{runner.addresses[0][1]}/hooks/stripe", deliveries)
    finally:
        await runner.cleanup()


@pytest.fixture(params=GATEWAYS)
async def far(request: pytest.FixtureRequest, tmp_path: Path, start_sandbox: Any, until: Any) -> AsyncIterator[Far]:
    """A sandbox of its own for each test: switches and webhooks of one are none of another's."""
    name = request.param
    async with listening(name) as inbox:
        with start_sandbox(tmp_path, inbox.url) as sandbox:
            credentials = json.loads((tmp_path / "credentials.json").read_text())[name]
            module = import_module(f"payment_service.outbound.gateways.{name}")
            async with module.open_gateway(credentials, timeout=5.0, webhook_url=f"{inbox.url[:-6]}{name}") as gateway:
                yield Far(name, gateway, hands_of(name), sandbox.url, inbox, until)

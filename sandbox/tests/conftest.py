"""A sandbox in this process, the real Stripe SDK pointed at it, and a shop that receives webhooks."""

import asyncio
import json
import signal
import subprocess
import sys
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import aiohttp
import pytest
import stripe
from aiohttp import web

from gateway_sandbox.server import serving
from testkit.web_inbox import answering_at

SALE = {
    "amount": 1999,
    "currency": "cad",
    "payment_method": "pm_card_visa",
    "confirm": True,
    "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
    "metadata": {"booking": "events/e/bookings/b"},
}


class Shop:
    """Verifies each webhook with the SDK; `refusals` many are answered 500 first."""

    def __init__(self, credentials: Path) -> None:
        self._credentials = credentials
        self.events: list[stripe.Event] = []
        self.refusals = 0
        self.attempts = 0
        self._news = asyncio.Condition()

    async def receive(self, request: web.Request) -> web.Response:
        payload = await request.read()
        secret = json.loads(self._credentials.read_text())["stripe"]["webhook_secret"]
        event = stripe.Webhook.construct_event(payload, request.headers["Stripe-Signature"], secret)
        async with self._news:
            self.attempts += 1
            refused = self.attempts <= self.refusals
            if not refused:
                self.events.append(event)
            self._news.notify_all()
        return web.Response(status=500 if refused else 200)

    async def has(self, count: int) -> list[str]:
        """Types in order of arrival, once there are `count`."""
        async with asyncio.timeout(10), self._news:
            await self._news.wait_for(lambda: len(self.events) >= count)
        return [event.type for event in self.events]


def sdk(url: str, session: aiohttp.ClientSession, key: str = "sk_test_usher", **options) -> stripe.StripeClient:
    http = stripe.AIOHTTPClient(timeout=aiohttp.ClientTimeout(total=60), session=session)
    return stripe.StripeClient(key, base_addresses={"api": url}, http_client=http, **options)


class Far:
    """The sandbox with its own endpoints."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.session = session
        self.stripe = self.client()

    def client(self, key: str = "sk_test_usher", **options) -> stripe.StripeClient:
        options.setdefault("max_network_retries", 0)
        return sdk(self.url, self.session, key, **options)

    async def get(self, path: str):
        async with self.session.get(f"{self.url}/_sandbox/{path}") as answer:
            return await answer.json()

    async def post(self, path: str, **body):
        async with self.session.post(f"{self.url}/_sandbox/{path}", json=body) as answer:
            return answer.status, await answer.text()

    async def switch(self, **switches) -> None:
        assert (await self.post("switches", **switches))[0] == 200


@pytest.fixture
async def shop(tmp_path):
    shop, application = Shop(tmp_path / "far" / "credentials.json"), web.Application()
    application.router.add_post("/hook", shop.receive)
    async with answering_at(application) as url:
        shop.url = f"{url}/hook"
        yield shop


@pytest.fixture
async def far(tmp_path, shop):
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(serving(tmp_path / "far", webhook_url=shop.url, refunds_settle_seconds=0))
        yield Far(url, await stack.enter_async_context(aiohttp.ClientSession()))


@pytest.fixture
def intents(far):
    return far.stripe.v1.payment_intents


@pytest.fixture
def sale():
    return {**SALE}


class Running:
    """Starts the sandbox as a process of its own; `last` is the most recent one."""

    last: subprocess.Popen

    @contextmanager
    def __call__(self, folder, *, webhook_url: str = "", stop: int = signal.SIGTERM):
        command = [sys.executable, "-P", "-m", "gateway_sandbox", "--data", str(folder / "far")]
        command += ["--webhook-url", webhook_url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as self.last:
            try:
                yield self.last.stdout.readline().split()[-1]
            finally:
                self.last.send_signal(stop)
                self.last.wait(10)

    def sdk(self, url: str, session: aiohttp.ClientSession) -> stripe.StripeClient:
        return sdk(url, session)


@pytest.fixture
def running_sandbox():
    return Running()

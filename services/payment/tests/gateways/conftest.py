"""Every gateway's real SDK against the sandbox, and a payer's hands: a module `hands_<name>.py` beside this a gateway.

A module of hands has: METHOD (its main method), AMOUNT (Money), SIGNS_TIME (whether its webhooks carry a signed time),
SIGNED_BY_HEADERS (whether the signature is in headers), and where its method is MethodKind.TOKEN, TOKENS with what
"good" and "declined" payers' browsers would get, or `browser(far, intent, passes)` where each gets another one.
It may have:
TELLS_REFUSALS = False: of a payer who is refused the gateway says nothing; the next attempt may pay the same order.
SAYS_WHAT = False: its webhooks name an order and not what became of it.
SIGNS_BODY = False: nothing of a webhook's body is signed, so nothing of it is to be read.
HEARS_WITH_TOKEN = True: an order is not told to the gateway before there is a token, so that one called off before is
held back by the payment that has called it off, not by the gateway.
FORGETS_CALLED_OFF = True: of an order that was called off before the payer was there nothing is kept, so that it is
said to wait for the payer, who cannot pay it.
CHALLENGED: a token whose bank wants to ask the payer.
REFUNDS_DECIDED_LATER = True: a refund that is too much is taken on too, and said to have failed afterwards.
"""

import importlib.util
import json
import secrets
import traceback
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from random import Random
from types import ModuleType, SimpleNamespace
from typing import Any

import aiohttp
import httpx
import pytest
from aiohttp import web

from domain_kit.money import Money
from payment_service.domain.gateways import Delivery, GatewayRefund, Intent, IntentState, MethodKind, Order
from payment_service.outbound.capability_files import capabilities_of
from testkit.web_inbox import answering_at

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
            if hasattr(self.hands, "browser"):
                return replace(order, token=await self.hands.browser(self, intent, passes))
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

    async def refunds(
        self, order: Order, done: Intent, made: Mapping[str, GatewayRefund]
    ) -> Mapping[str, GatewayRefund]:
        """What the gateway says when it is asked, and what it has said by itself."""
        references = {id: refund.reference for id, refund in made.items()}
        found = dict(await self.gateway.refunds_of(order, done.reference, references))
        for one in self.inbox.deliveries:
            for notice in self.gateway.read(one, datetime.now(UTC)):
                found.update(notice.refunds)
        return found

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
    async with answering_at(application) as url:
        yield Inbox(f"{url}/hooks/stripe", deliveries)


@asynccontextmanager
async def far_of(name: str, sandbox: Any, inbox: Inbox, until: Any) -> AsyncIterator[Far]:
    credentials = json.loads((sandbox.folder / "credentials.json").read_text())[name]
    module = import_module(f"payment_service.outbound.gateways.{name}")
    async with module.open_gateway(credentials, timeout=5.0, webhook_url=f"{inbox.url[:-6]}{name}") as gateway:
        yield Far(name, gateway, hands_of(name), sandbox.url, inbox, until)


@pytest.fixture(params=GATEWAYS)
async def far(request: pytest.FixtureRequest, tmp_path: Path, start_sandbox: Any, until: Any) -> AsyncIterator[Far]:
    """A sandbox of its own for each test: switches and webhooks of one are none of another's."""
    async with listening(request.param) as inbox:
        with start_sandbox(tmp_path, inbox.url) as sandbox:
            async with far_of(request.param, sandbox, inbox, until) as far:
                yield far


@pytest.fixture
async def quiet_far(request: pytest.FixtureRequest, sandbox: Any, until: Any) -> AsyncIterator[Far]:
    """A sandbox that all share, and no webhooks. Who throws a switch throws it back."""
    async with far_of(request.param, sandbox, Inbox("http://shop.example/hooks/stripe", []), until) as far:
        yield far
        await far.switch(drop_nth=0)


def mutations(good: Delivery, *, headers: Sequence[str] = (), query: bool = False) -> Iterator[Delivery]:
    """500 deliveries that differ from a good one in a character of the body, of a header, or of the query."""
    chance = Random(20)
    for _ in range(500):
        places = ["body", *headers, *(["query"] if query else [])]
        place = chance.choice(places)
        if place == "body":
            yield replace(good, body=_altered(good.body, chance))
        elif place == "query":
            path, _, asked = good.url.partition("?")
            yield replace(good, url=f"{path}?{_altered(asked.encode(), chance).decode('latin-1')}")
        else:
            value = _altered(good.headers[place].encode(), chance).decode("latin-1")
            yield replace(good, headers={**good.headers, place: value})


def _altered(text: bytes, chance: Random) -> bytes:
    at = chance.randrange(len(text))
    other = bytes([chance.choice([byte for byte in range(33, 127) if byte != text[at]])])
    return chance.choice(
        [text[:at] + other + text[at + 1 :], text[:at] + other + text[at:], text[:at] + text[at + 1 :]]
    )


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes every call get one answer, or fail; gives the addresses that are asked for."""

    def answer(status: int = 200, body: Any = None, *, error: Exception | None = None) -> list[str]:
        content, asked = body if isinstance(body, bytes) else json.dumps(body or {}).encode(), []

        @asynccontextmanager
        async def send(session: Any, method: str, url: Any, **options: Any) -> AsyncIterator[Any]:
            asked.append(str(url))
            if error is not None:
                raise error
            stream = SimpleNamespace(iter_any=partial(_pieces, content))
            yield SimpleNamespace(status=status, headers={}, reason="", content=stream, content_length=len(content))

        monkeypatch.setattr(aiohttp.ClientSession, "request", send)
        return asked

    return answer


def everything(error: BaseException, caplog: pytest.LogCaptureFixture) -> str:
    """All that a log may show of it: the traceback with what came before, and each record with its extras."""
    records = [str(vars(record)) for record in caplog.records]
    return "".join([*traceback.format_exception(error), str(vars(error)), caplog.text, *records])


@pytest.fixture
def tools() -> SimpleNamespace:
    """What tests of single gateways share."""
    return SimpleNamespace(mutations=mutations, everything=everything)


@pytest.fixture
def far_delivery() -> Callable[..., Delivery]:
    """A webhook made by hand."""
    return lambda body, headers, query="": Delivery(body, headers, f"http://shop.example/hook?{query}")

"""Every call that the Stripe adapter makes, judged by Stripe's own OpenAPI document."""

import ast
import inspect
import re
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe

from domain_kit.money import Money
from domain_kit.refusals import InvalidArgument
from payment_service.domain.gateways import Order
from payment_service.outbound.gateways import stripe as adapter
from payment_service.outbound.gateways import stripe_books, stripe_saved
from payment_service.outbound.gateways.stripe import StripeGateway, open_gateway
from payment_service.outbound.gateways.stripe_http import AiohttpTransport

pytestmark = [pytest.mark.stripe_mock, pytest.mark.timeout(600)]

NOW = datetime.now(UTC)
CREDENTIALS = {"api_key": "sk_test_123", "webhook_secret": "whsec_x"}


def an_order(**fields: Any) -> Order:
    given: dict[str, Any] = {
        "key": "0a" * 16,
        "payment": "payments/01jz0000000000000000000001",
        "booking": "events/01jz0000000000000000000001/bookings/01jz0000000000000000000001",
        "amount": Money(1999, "CAD"),
        "method": "card",
        "description": "Concert",
        "return_uri": "http://shop.example/back",
        "create_time": NOW,
        "token": "pm_card_visa",
    }
    return Order(**{**given, **fields})


class Heard:
    """What went over the wire: method and path, ids out of it, with the status of the answer."""

    def __init__(self) -> None:
        self.calls: dict[tuple[str, str], set[int]] = {}

    def note(self, method: str, url: str, status: int) -> None:
        path = re.sub(r"/(pi|seti|cus|pm|re|ch|txn)_\w+", "/{id}", url.partition("/v1")[2].partition("?")[0])
        self.calls.setdefault((method.upper(), path), set()).add(status)


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Heard:
    """Listens in."""
    heard, real = Heard(), AiohttpTransport.request_async

    async def listening(self: AiohttpTransport, method: str, url: str, headers: Any, post_data: Any = None) -> Any:
        answer = await real(self, method, url, headers, post_data)
        heard.note(method, url, answer[1])
        return answer

    monkeypatch.setattr(AiohttpTransport, "request_async", listening)
    return heard


@pytest.fixture
async def gateway(stripe_mock: str) -> AsyncIterator[StripeGateway]:
    async with open_gateway({**CREDENTIALS, "url": stripe_mock}, timeout=10.0) as gateway:
        yield gateway


async def every_call(gateway: StripeGateway) -> None:
    """Everything that the adapter can do, in each way that it says it."""
    await gateway.begin(an_order())
    await gateway.begin(an_order(capture=False))
    await gateway.confirm(an_order(), "pi_123")
    await gateway.find(an_order(), "pi_123")
    await gateway.find(an_order(), "")
    await gateway.cancel(an_order(), "pi_123")
    await gateway.capture(an_order(), "pi_123", Money(900, "CAD"))
    await gateway.refund(an_order(), "pi_123", Money(900, "CAD"), id="b" * 32)
    await gateway.refunds_of(an_order(), "pi_123", {"b" * 32: "re_123"})
    await gateway.confirm(an_order(token="pm_123", keeper="cus_123"), "pi_123")
    await gateway.keeper("users/01jz0000000000000000000001")
    await gateway.save("cus_123", "pm_card_visa", id="c" * 32, return_uri="http://shop.example/back")
    await gateway.saved("cus_123")
    await gateway.forget("cus_123", "pm_123")
    await gateway.entries(NOW - timedelta(days=1), NOW)


async def test_stripe_accepts_every_call(gateway: StripeGateway, heard: Heard) -> None:
    await every_call(gateway)
    assert {call: statuses for call, statuses in heard.calls.items() if statuses != {200}} == {}
    # Every place where the SDK is called was come by: a call that is new here must be made above too.
    modules = (adapter, stripe_books, stripe_saved)
    names = Counter(
        node.attr
        for module in modules
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Attribute) and (node.attr.endswith("_async") or node.attr in {"_post", "_asked"})
    )
    assert (len(heard.calls), names) == (
        14,
        {
            # create, confirm, cancel and capture an intent; retrieve it
            "_post": 4,
            "_asked": 2,
            "raw_request_async": 1,
            "create_async": 3,
            "detach_async": 1,
            "list_async": 5,
            "update_async": 1,
            "close_async": 1,
        },
    )


async def test_what_the_document_does_not_know_is_refused(gateway: StripeGateway, monkeypatch) -> None:
    """Else that every call is accepted would say nothing."""
    real = stripe.StripeClient.raw_request_async

    async def misspelt(self: Any, method: str, path: str, **params: Any) -> Any:
        return await real(self, method, path, **params, ammount=1)

    monkeypatch.setattr(stripe.StripeClient, "raw_request_async", misspelt)
    with pytest.raises(InvalidArgument, match="GATEWAY_REFUSED"):
        await gateway.begin(an_order())

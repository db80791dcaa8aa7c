"""Five thousand webhooks that were changed in something that is signed, over all gateways: each is refused."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from domain_kit.refusals import Unauthenticated
from payment_service.domain.gateways import Delivery

GATEWAYS = sorted(path.stem.removeprefix("hands_") for path in Path(__file__).parent.glob("hands_*.py"))
ALL, EACH = 5_000, 625
# What of a delivery is signed, or says how: parts of it, and names of headers.
SEALED = {
    "adyen": ("items",),
    "alipay": ("form",),
    "mercadopago": ("data.id", "x-signature", "x-request-id"),
    "paypal": (
        "body", "paypal-transmission-id", "paypal-transmission-time", "paypal-transmission-sig", "paypal-auth-algo",
        "paypal-cert-url",
    ),
    "razorpay": ("body", "x-razorpay-signature"),
    "square": ("body", "query", "x-square-hmacsha256-signature"),
    "stripe": ("body", "stripe-signature"),
    "wechat": (
        "body", "wechatpay-serial", "wechatpay-signature", "wechatpay-timestamp", "wechatpay-nonce",
        "wechatpay-signature-type",
    ),
}  # fmt: skip
ADYENS = ("pspReference", "originalReference", "merchantAccountCode", "merchantReference", "eventCode", "success")
Forge = Callable[[bytes, Random], bytes]


def forgeries(good: Delivery, places: tuple[str, ...], forge: Forge, chance: Random) -> Iterator[Delivery]:
    """Different ones without end, evenly over the places."""
    seen = {(good.body, good.url, *good.headers.values())}
    turn = 0
    while True:
        bad = _changed(good, places[turn % len(places)], lambda text: forge(text, chance), chance)
        turn += 1
        what = (bad.body, bad.url, *bad.headers.values())
        if what not in seen:
            seen.add(what)
            yield bad


def _changed(good: Delivery, place: str, other: Callable[[bytes], bytes], chance: Random) -> Delivery:
    def text(of: str) -> str:
        return other(of.encode()).decode("latin-1")

    if place == "body":
        return replace(good, body=other(good.body))
    if place == "query":
        return replace(good, url=f"{good.url}?{text('a')}={chance.randrange(10**6)}")
    if place == "data.id":
        path, _, query = good.url.partition("?")
        asked = dict(parse_qsl(query))
        return replace(good, url=f"{path}?{urlencode({**asked, 'data.id': text(asked['data.id'])})}")
    if place == "form":
        fields = dict(parse_qsl(good.body.decode(), keep_blank_values=True))
        name = chance.choice(list(fields))
        return replace(good, body=urlencode({**fields, name: text(fields[name])}, encoding="latin-1").encode())
    if place == "items":
        return replace(good, body=_other_item(good.body, text, chance))
    value = good.headers[place]
    kept = len(value)
    if place == "paypal-cert-url":  # whichever of PayPal's certificates it is: where they lie must not change
        kept = value.rindex("/")
    return replace(good, headers={**good.headers, place: text(value[:kept]) + value[kept:]})


def _other_item(body: bytes, text: Callable[[str], str], chance: Random) -> bytes:
    told: dict[str, Any] = json.loads(body)
    item = told["notificationItems"][0]["NotificationRequestItem"]
    field = chance.choice([*ADYENS, "value", "currency", "hmacSignature"])
    if field == "hmacSignature":
        item["additionalData"][field] = text(item["additionalData"][field])
    elif field == "value":
        item["amount"][field] += chance.choice([-1, 1]) * chance.randrange(1, 10**6)
    elif field == "currency":
        item["amount"][field] = text(item["amount"][field])
    else:
        item[field] = text(str(item.get(field) or ""))
    return json.dumps(told).encode()


async def test_whatever_is_changed_in_a_webhook_it_is_refused(far: Any, until: Any, forge: Forge) -> None:
    """INVARIANT: nobody but the gateway says that an order is to be looked at."""
    await far.paid()

    async def told() -> bool:
        return bool(far.inbox.deliveries)

    await until(told)
    good, now = far.inbox.deliveries[-1], datetime.now(UTC)
    assert far.gateway.read(good, now)
    refused = 0
    for bad in forgeries(good, SEALED[far.name], forge, Random(f"forged {far.name}")):
        try:
            said = far.gateway.read(bad, now)
        except Unauthenticated:
            refused += 1
        else:
            pytest.fail(f"believed: {bad} says {said}")
        if refused == EACH:
            break
    assert far.gateway.read(good, now), "nothing of it has made the good one bad"
    if far.hands.SIGNS_TIME:
        for moved in (timedelta(minutes=10), timedelta(minutes=-10)):
            with pytest.raises(Unauthenticated):
                far.gateway.read(good, now + moved)


def test_they_are_five_thousand_over_all_gateways() -> None:
    assert set(SEALED) == set(GATEWAYS)
    assert len(GATEWAYS) == 8
    assert EACH * len(GATEWAYS) >= ALL >= 5_000

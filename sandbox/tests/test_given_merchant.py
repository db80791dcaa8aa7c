"""In a cluster both sides are given the same credentials, and the sandbox is known by another address."""

import json
import socket

import aiohttp

from gateway_sandbox.server import serving

ADDRESS = "http://sandbox.example:8080"
STRIPE = {
    "url": ADDRESS, "api_key": "sk_test_given", "publishable_key": "pk_test_given", "webhook_secret": "whsec_given",
    "priority": "1",
}  # fmt: skip


async def test_a_merchant_there_is_already_keeps_its_credentials(tmp_path, shop, sale, running_sandbox):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path / "far"
    given = {"url": ADDRESS, "given": {"stripe": STRIPE}}
    async with serving(folder, webhook_url=shop.url, port=port, **given) as url, aiohttp.ClientSession() as session:
        assert url == ADDRESS
        known = json.loads((folder / "credentials.json").read_text())
        assert known["stripe"] == STRIPE
        assert known["square"]["url"] == f"{ADDRESS}/square", "those of others are made as ever"
        shop_side = running_sandbox.sdk(f"http://127.0.0.1:{port}", session)
        intent = await shop_side.v1.payment_intents.create_async(sale)
        await shop.has(1)
        assert {event.data.object["id"] for event in shop.events} == {intent.id}, (
            "signed with the secret that was given"
        )

"""INVARIANT: what was answered survives kill -9, and what was not told yet is told afterwards."""

import signal

import aiohttp
import pytest


async def test_charges_keys_and_untold_webhooks_survive_kill_9(tmp_path, running_sandbox, shop, sale):
    async def buy_five(url: str, session: aiohttp.ClientSession) -> list[str]:
        intents = running_sandbox.sdk(url, session).v1.payment_intents
        made = [await intents.create_async(sale, {"idempotency_key": f"k{n}"}) for n in range(5)]
        return [intent.id for intent in made]

    shop.refusals = 10**6
    async with aiohttp.ClientSession() as session:
        with running_sandbox(tmp_path, webhook_url=shop.url, stop=signal.SIGKILL) as url:
            made = await buy_five(url, session)
        shop.refusals = 0
        with running_sandbox(tmp_path, webhook_url=shop.url) as url:
            await shop.has(5)
            assert await buy_five(url, session) == made
            charges = await running_sandbox.sdk(url, session).v1.charges.list_async()
    assert [charge.payment_intent for charge in charges.data] == made[::-1]
    assert {event.data.object["id"] for event in shop.events} == set(made)


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly_when_asked(tmp_path, running_sandbox, stop):
    with running_sandbox(tmp_path, stop=stop):
        pass
    assert running_sandbox.last.returncode == 0

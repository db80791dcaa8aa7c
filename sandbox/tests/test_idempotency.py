"""A key buys one act, whatever happens to its answer."""

import asyncio

import aiohttp
import httpx
import pytest
import stripe


async def test_the_same_request_under_the_same_key_is_answered_again_without_another_charge(far, intents, sale):
    first = await intents.create_async(sale, {"idempotency_key": "k1"})
    again = await intents.create_async(sale, {"idempotency_key": "k1"})
    assert again == first
    assert again.last_response.headers["idempotent-replayed"] == "true"
    assert again.last_response.headers["original-request"] == first.last_response.headers["request-id"]
    assert "idempotent-replayed" not in first.last_response.headers
    assert (await far.get("totals"))["currencies"]["cad"]["charges"] == 1


@pytest.mark.parametrize("change", [{"amount": 2000}, {"metadata": {"booking": "other"}}])
async def test_another_request_under_the_same_key_is_refused(far, intents, sale, change):
    await intents.create_async(sale, {"idempotency_key": "k1"})
    with pytest.raises(stripe.IdempotencyError) as caught:
        await intents.create_async({**sale, **change}, {"idempotency_key": "k1"})
    assert caught.value.http_status == 400
    assert (await far.get("totals"))["currencies"]["cad"]["charges"] == 1


async def test_a_key_of_one_endpoint_is_refused_on_another(far, intents, sale):
    intent = await intents.create_async(sale, {"idempotency_key": "k1"})
    with pytest.raises(stripe.IdempotencyError):
        await far.stripe.v1.refunds.create_async({"payment_intent": intent.id}, {"idempotency_key": "k1"})


async def test_a_decline_is_repeated_from_memory_and_a_refused_request_may_be_corrected(far, intents, sale):
    declined = {**sale, "payment_method": "pm_card_chargeDeclined"}
    charges = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as caught:
            await intents.create_async(declined, {"idempotency_key": "k1"})
        charges.append(caught.value.error.charge)
    assert charges[0] == charges[1]
    with pytest.raises(stripe.InvalidRequestError):
        await intents.create_async({**sale, "amount": 0}, {"idempotency_key": "k2"})
    assert (await intents.create_async(sale, {"idempotency_key": "k2"})).status == "succeeded"


async def test_many_at_once_under_one_key_are_one_charge(far, intents, sale):
    answers = await asyncio.gather(*(intents.create_async(sale, {"idempotency_key": "k1"}) for _ in range(10)))
    assert len({answer.id for answer in answers}) == 1
    assert (await far.get("totals"))["currencies"]["cad"]["charges"] == 1


async def test_an_answer_lost_after_the_act_is_had_by_the_sdks_own_retry(far, sale):
    await far.switch(drop_answers=1)
    with pytest.raises(stripe.APIConnectionError):
        await far.stripe.v1.payment_intents.create_async(sale, {"idempotency_key": "k1"})
    await far.switch(drop_answers=1)
    stubborn = far.client(max_network_retries=2).v1.payment_intents
    intent = await stubborn.create_async(sale, {"idempotency_key": "k1"})
    assert intent.status == "succeeded"
    assert (await far.get("totals"))["currencies"]["cad"]["charges"] == 1


async def test_a_failing_far_end_did_nothing(far, intents, sale):
    await far.switch(fail_requests=1)
    with pytest.raises(stripe.APIError) as caught:
        await intents.create_async(sale)
    assert caught.value.http_status == 500
    assert (await far.get("totals"))["currencies"] == {}
    assert (await intents.create_async(sale)).status == "succeeded"


async def test_a_far_end_that_is_down_does_nothing_and_tells_nothing(far, shop, intents, sale):
    await intents.create_async({**sale, "confirm": False})
    await far.switch(down=True)
    for request in (intents.create_async(sale), intents.list_async()):
        with pytest.raises(stripe.APIConnectionError):
            await request
    assert (await far.get("totals"))["currencies"] == {}
    await far.switch(down=False)
    await intents.create_async(sale)
    assert await shop.has(1) == ["payment_intent.succeeded"]


async def test_down_is_one_provider_and_not_the_others(far):
    assert (await far.post("square/switches", down=True))[0] == 200
    with pytest.raises(aiohttp.ClientError):
        await far.session.get(f"{far.url}/square/v2/payments/1")
    async with far.session.get(f"{far.url}/paypal/v2/checkout/orders/1") as answer:
        assert answer.status == 401


async def test_the_nth_answer_is_lost_whatever_was_asked(far, intents, sale):
    await far.switch(drop_nth=2)
    made = await intents.create_async(sale)
    async with httpx.AsyncClient() as browser:  # aiohttp reads again by itself
        with pytest.raises(httpx.TransportError):
            await browser.get(f"{far.url}/v1/payment_intents/{made.id}")
    assert (await intents.retrieve_async(made.id)).status == "succeeded"
    await far.switch(drop_nth=1)
    with pytest.raises(stripe.APIConnectionError):
        await intents.create_async(sale)
    assert (await far.get("totals"))["currencies"]["cad"]["charges"] == 2
    assert not (await far.get("switches"))["drop_nth"]


async def test_a_slow_answer_comes_after_the_act(far, intents, sale):
    await far.switch(delay_seconds=30)
    task = asyncio.create_task(intents.create_async(sale))
    while not (await far.get("totals"))["currencies"]:
        await asyncio.sleep(0.01)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_whole_number_of_seconds_does_not_keep_others_out_afterwards(far):
    await far.switch(delay_seconds=2)
    await far.switch(delay_seconds=0.5)
    assert (await far.get("switches"))["delay_seconds"] == 0.5


@pytest.mark.parametrize(
    "wrong", [{"delay_seconds": "1"}, {"explode": True}, {"drop_answers": -1}, {"drop_answers": True}]
)
async def test_an_unknown_switch_or_value_is_refused_and_changes_nothing(far, wrong):
    before = await far.get("switches")
    status, text = await far.post("switches", hold_webhooks=True, **wrong)
    assert (status, next(iter(wrong)) in text) == (400, True)
    assert await far.get("switches") == before

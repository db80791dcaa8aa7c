"""Webhooks verify with the SDK and keep coming until the shop has them; order and number are not promised."""

import asyncio

import pytest
import stripe

from gateway_sandbox.webhooks import signature


async def test_each_fact_is_told_with_the_object_as_it_was(far, shop, intents, sale):
    intent = await intents.create_async(sale)
    await far.stripe.v1.refunds.create_async({"payment_intent": intent.id})
    assert sorted(await shop.has(3)) == ["charge.refunded", "payment_intent.succeeded", "refund.updated"]
    event = next(each for each in shop.events if each.type == "payment_intent.succeeded")
    assert (event.data.object["id"], event.data.object["status"]) == (intent.id, "succeeded")
    assert event.data.object["metadata"]["booking"] == "events/e/bookings/b"
    assert await far.stripe.v1.events.retrieve_async(event.id) == event


async def test_a_failed_payment_and_a_canceled_one_are_told(shop, intents, sale):
    with pytest.raises(stripe.CardError) as caught:
        await intents.create_async({**sale, "payment_method": "pm_card_chargeDeclined"})
    assert await shop.has(1) == ["payment_intent.payment_failed"]
    await intents.cancel_async(caught.value.error.payment_intent["id"])
    assert (await shop.has(2))[1] == "payment_intent.canceled"


async def test_a_webhook_is_sent_until_it_is_taken(far, shop, intents, sale):
    shop.refusals = 3
    await intents.create_async(sale)
    await shop.has(1)
    assert shop.attempts == 4
    assert len({event.id for event in shop.events}) == 1


async def test_duplicates_have_one_id(far, shop, intents, sale):
    await far.switch(duplicate_webhooks=True)
    await intents.create_async(sale)
    await shop.has(2)
    assert len({event.id for event in shop.events}) == 1


async def test_reordered_webhooks_come_last_first(far, shop, intents, sale):
    await far.switch(reorder_webhooks=True)
    made = [(await intents.create_async(sale)).id for _ in range(3)]
    await shop.has(3)
    assert [event.data.object["id"] for event in shop.events] == made[::-1]


async def test_held_webhooks_come_when_they_are_let_go(far, shop, intents, sale):
    await far.switch(hold_webhooks=True)
    await intents.create_async(sale)
    await asyncio.sleep(0.05)
    assert (shop.events, (await far.get("totals"))["webhooks"]) == ([], {"delivered": 0, "pending": 1})
    await far.switch(hold_webhooks=False)
    assert await shop.has(1) == ["payment_intent.succeeded"]


async def test_a_burst_arrives_whole(shop, intents, sale):
    await asyncio.gather(*(intents.create_async(sale) for _ in range(50)))
    await shop.has(50)
    assert len({event.data.object["id"] for event in shop.events}) == 50


def test_a_tampered_body_or_an_old_signature_does_not_verify():
    payload = b'{"object": "event", "id": "evt_1"}'
    for body, signed in ((payload + b" ", signature("s", payload, 2**31)), (payload, signature("s", payload, 1))):
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body, signed, "s")

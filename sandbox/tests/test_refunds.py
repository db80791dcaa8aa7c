"""Money goes back once, never more than was taken, and the shop hears of it."""

import pytest
import stripe


@pytest.fixture
def refunds(far):
    return far.stripe.v1.refunds


async def test_parts_and_then_the_rest_are_refunded_and_nothing_beyond(far, intents, refunds, sale):
    intent = await intents.create_async(sale)
    part = await refunds.create_async({"payment_intent": intent.id, "amount": 500, "reason": "requested_by_customer"})
    assert (part.status, part.amount, part.payment_intent) == ("succeeded", 500, intent.id)
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        await refunds.create_async({"payment_intent": intent.id, "amount": 1500})
    rest = await refunds.create_async({"charge": intent.latest_charge})
    assert rest.amount == 1499
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await refunds.create_async({"payment_intent": intent.id})
    assert caught.value.code == "charge_already_refunded"
    assert await refunds.retrieve_async(part.id) == part
    assert [each.id for each in (await refunds.list_async({"payment_intent": intent.id})).data] == [rest.id, part.id]
    totals = (await far.get("totals"))["currencies"]["cad"]
    assert totals == {"charges": 1, "charged": 1999, "declined": 0, "refunds": 2, "refunded": 1999}


async def test_what_was_never_taken_cannot_be_refunded(intents, refunds, sale):
    waiting = await intents.create_async({**sale, "confirm": False})
    reserved = await intents.create_async({**sale, "capture_method": "manual"})
    for intent in (waiting, reserved):
        with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
            await refunds.create_async({"payment_intent": intent.id})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await refunds.create_async({})
    assert caught.value.code == "parameter_missing"


@pytest.mark.parametrize(("card", "ending"), [("pm_card_pendingRefund", "succeeded"), ("pm_card_refundFail", "failed")])
async def test_a_slow_refund_is_pending_and_ends_as_its_card_says(far, shop, intents, refunds, sale, card, ending):
    intent = await intents.create_async({**sale, "payment_method": card})
    refund = await refunds.create_async({"payment_intent": intent.id})
    assert refund.status == "pending"
    while "refund.updated" not in await shop.has(len(shop.events) + 1):
        pass
    assert (await refunds.retrieve_async(refund.id)).status == ending
    refunded = (await far.get("totals"))["currencies"]["cad"]["refunded"]
    assert refunded == (1999 if ending == "succeeded" else 0)

"""The real SDK pays, is declined, captures, cancels and reads back."""

import pytest
import stripe


async def test_a_good_card_is_charged_once_and_read_back_the_same(far, intents, sale):
    intent = await intents.create_async(sale)
    assert (intent.status, intent.amount_received, intent.currency) == ("succeeded", 1999, "cad")
    assert intent.metadata["booking"] == "events/e/bookings/b"
    assert await intents.retrieve_async(intent.id) == intent
    expanded = await intents.retrieve_async(intent.id, {"expand": ["latest_charge"]})
    assert (expanded.latest_charge.id, expanded.latest_charge.captured) == (intent.latest_charge, True)
    (charge,) = (await far.get("charges"))["charges"]
    assert (charge["id"], charge["amount_captured"], charge["paid"]) == (intent.latest_charge, 1999, True)
    method = await far.stripe.v1.payment_methods.retrieve_async(intent.payment_method)
    assert (method.card.brand, method.card.last4) == ("visa", "4242")


async def test_an_intent_can_be_made_first_and_confirmed_later(intents, sale):
    intent = await intents.create_async({**sale, "confirm": False, "payment_method": ""})
    assert intent.status == "requires_payment_method"
    updated = await intents.update_async(intent.id, {"amount": 2500, "metadata": {"booking": "", "seat": "A1"}})
    assert (updated.amount, updated.metadata.to_dict()) == (2500, {"seat": "A1"})
    confirmed = await intents.confirm_async(intent.id, {"payment_method": "pm_card_mastercard"})
    assert (confirmed.status, confirmed.amount_received) == ("succeeded", 2500)


@pytest.mark.parametrize(
    ("method", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
    ],
)
async def test_a_declined_card_is_a_card_error_and_another_may_follow(far, intents, sale, method, code, decline_code):
    with pytest.raises(stripe.CardError) as caught:
        await intents.create_async({**sale, "payment_method": method})
    error = caught.value
    assert (error.http_status, error.code, error.error.decline_code) == (402, code, decline_code)
    intent = await intents.retrieve_async(error.error.payment_intent["id"])
    assert (intent.status, intent.payment_method) == ("requires_payment_method", None)
    assert intent.last_payment_error.decline_code == decline_code
    paid = await intents.confirm_async(intent.id, {"payment_method": "pm_card_visa"})
    assert (paid.status, paid.last_payment_error) == ("succeeded", None)
    totals = (await far.get("totals"))["currencies"]["cad"]
    assert (totals["charges"], totals["declined"]) == (1, 1)


async def test_manual_capture_reserves_takes_a_part_and_releases_the_rest(far, intents, sale):
    intent = await intents.create_async({**sale, "capture_method": "manual"})
    assert (intent.status, intent.amount_capturable) == ("requires_capture", 1999)
    assert (await far.get("totals"))["currencies"]["cad"]["charged"] == 0
    with pytest.raises(stripe.InvalidRequestError, match="greater"):
        await intents.capture_async(intent.id, {"amount_to_capture": 2000})
    taken = await intents.capture_async(intent.id, {"amount_to_capture": 1500})
    assert (taken.status, taken.amount_received, taken.amount_capturable) == ("succeeded", 1500, 0)
    assert (await far.get("totals"))["currencies"]["cad"]["charged"] == 1500


async def test_a_canceled_intent_takes_no_money_and_cannot_be_confirmed(far, intents, sale):
    intent = await intents.create_async({**sale, "capture_method": "manual"})
    canceled = await intents.cancel_async(intent.id, {"cancellation_reason": "abandoned"})
    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "abandoned")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await intents.confirm_async(intent.id)
    assert caught.value.code == "payment_intent_unexpected_state"
    assert (await far.get("totals"))["currencies"]["cad"]["charges"] == 0


async def test_a_succeeded_intent_cannot_be_canceled_and_the_error_holds_it(intents, sale):
    intent = await intents.create_async(sale)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await intents.cancel_async(intent.id)
    assert caught.value.error.payment_intent["status"] == "succeeded"


@pytest.mark.parametrize(("passes", "status"), [(True, "succeeded"), (False, "requires_payment_method")])
async def test_a_card_that_needs_its_owner_waits_for_the_bank(far, intents, sale, shop, passes, status):
    intent = await intents.create_async({**sale, "payment_method": "pm_card_authenticationRequired"})
    assert (intent.status, intent.next_action.type) == ("requires_action", "use_stripe_sdk")
    await far.post(f"payment_intents/{intent.id}/authenticate", passes=passes)
    assert (await intents.retrieve_async(intent.id)).status == status
    assert len(await shop.has(2)) == 2


async def test_off_session_such_a_card_is_declined(intents, sale):
    with pytest.raises(stripe.CardError) as caught:
        await intents.create_async({**sale, "payment_method": "pm_card_authenticationRequired", "off_session": True})
    assert caught.value.code == "authentication_required"


async def test_a_browser_confirms_with_the_client_secret_and_nothing_else(far, intents, sale):
    intent = await intents.create_async({**sale, "confirm": False})
    browser = far.client("pk_test_usher").v1.payment_intents
    for wrong in ({}, {"client_secret": "guess"}):
        with pytest.raises(stripe.InvalidRequestError):
            await browser.confirm_async(intent.id, wrong)
    with pytest.raises(stripe.AuthenticationError):
        await browser.cancel_async(intent.id)
    confirmed = await browser.confirm_async(intent.id, {"client_secret": intent.client_secret})
    assert confirmed.status == "succeeded"


@pytest.mark.parametrize(
    ("change", "param", "code"),
    [
        ({"amount": None}, "amount", "parameter_missing"),
        ({"amount": "ten"}, "amount", "parameter_invalid_integer"),
        ({"amount": 0}, "amount", "parameter_invalid_integer"),
        ({"currency": "dollars"}, "currency", None),
        ({"capture_method": "later"}, "capture_method", None),
        ({"colour": "red"}, "colour", "parameter_unknown"),
        ({"payment_method": "pm_nothing"}, "payment_method", "resource_missing"),
        ({"automatic_payment_methods": {"enabled": True}}, None, None),
    ],
)
async def test_a_wrong_request_is_refused_by_name_and_does_nothing(far, intents, sale, change, param, code):
    given = {key: value for key, value in {**sale, **change}.items() if value is not None}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await intents.create_async(given)
    assert (caught.value.http_status, caught.value.param, caught.value.code) == (400, param, code)
    assert (await far.get("totals"))["payment_intents"] == {}


async def test_an_unknown_intent_is_a_404_and_a_wrong_key_a_401(far, intents):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await intents.retrieve_async("pi_nothing")
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.AuthenticationError):
        await far.client("sk_live_x").v1.payment_intents.retrieve_async("pi_nothing")
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL"):
        await far.stripe.v1.products.create_async({"name": "A ticket"})


async def test_lists_are_read_page_by_page_newest_first(intents, sale):
    made = [(await intents.create_async({**sale, "amount": 1000 + n})).id for n in range(5)]
    page = await intents.list_async({"limit": 2})
    assert page.has_more
    assert [intent.id async for intent in page.auto_paging_iter()] == made[::-1]


def test_the_synchronous_client_works_too(tmp_path, running_sandbox, sale):
    with running_sandbox(tmp_path) as url:
        client = stripe.StripeClient("sk_test_usher", base_addresses={"api": url})
        assert client.v1.payment_intents.create(sale).status == "succeeded"


async def test_a_dispute_shows_on_the_charge_and_is_told_until_it_is_won(far, shop, intents, sale):
    intent = await intents.create_async(sale)
    asked = {"payment_intent": intent.id}
    assert (await intents.retrieve_async(intent.id, {"expand": ["latest_charge"]})).latest_charge.disputed is False
    for said, status, fee in [({"open": True}, "needs_response", 0), ({"open": False}, "won", 0)]:
        assert (await far.post(f"payment_intents/{intent.id}/dispute", **said))[0] == 200
        seen = await intents.retrieve_async(intent.id, {"expand": ["latest_charge"]})
        (told,) = (await far.stripe.v1.disputes.list_async(asked)).data
        fees = sum(each.fee for each in told.balance_transactions)
        assert (seen.latest_charge.disputed, told.status, fees) == (True, status, fee)
    assert {"charge.dispute.created", "charge.dispute.closed"} <= set(await shop.has(3))

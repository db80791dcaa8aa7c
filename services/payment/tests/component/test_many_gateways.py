"""Real SDKs side by side: the next one takes over, and each one's webhooks come in at one address."""

import httpx
import pytest

from usher.payment.v1 import payment_pb2
from usher.payment.v1 import payment_service_pb2 as pb

SUCCEEDED, PENDING, CLOSED = (
    payment_pb2.PAYMENT_STATE_SUCCEEDED, payment_pb2.PAYMENT_STATE_PENDING, payment_pb2.PAYMENT_ATTEMPT_STATE_CLOSED,
)  # fmt: skip


async def captured(running, gateway: str) -> int:
    charges = (await running.sandbox.get(f"{gateway}/charges"))["charges"]
    return sum(each["captured"] for each in charges)


async def test_a_gateway_that_fails_is_followed_by_another_and_one_charge_is_made(everywhere, until) -> None:
    """INVARIANT: two gateways, one charge."""
    buyer = everywhere.buyer()
    payment = await buyer.payment(currency="USD")
    assert payment.gateway == "stripe"
    await everywhere.sandbox.post("stripe/switches", fail_requests=3)
    moved = await buyer.confirm(payment.name, "pm_card_visa", request_id="once")
    assert (moved.state, moved.gateway, moved.method) == (PENDING, "square", "card")
    assert moved.attempts[0].state == CLOSED
    assert moved.client_parameters
    assert (await buyer.confirm(payment.name, "pm_card_visa", request_id="once")).gateway == "square"
    paid = await buyer.confirm(payment.name, "cnon:card-nonce-ok")
    assert paid.state == SUCCEEDED
    late = httpx.post(
        f"{everywhere.sandbox.url}/v1/payment_intents/{payment.gateway_reference}/confirm",
        headers={"authorization": "Bearer pk_test_browser"},
        data={"client_secret": payment.client_secret, "payment_method": "pm_card_visa", "return_url": "http://shop"},
    )
    assert late.status_code == 400
    assert [await captured(everywhere, name) for name in ("stripe", "square")] == [0, 1]


async def test_a_decline_stays_where_it_is_and_another_card_is_another_order(everywhere) -> None:
    buyer = everywhere.buyer()
    payment = await buyer.payment(currency="USD", gateway="square")
    assert payment.gateway == "square"
    declined = await buyer.confirm(payment.name, "cnon:card-nonce-declined")
    assert (declined.state, declined.gateway) == (payment_pb2.PAYMENT_STATE_FAILED, "square")
    paid = await buyer.confirm(payment.name, "cnon:card-nonce-ok")
    assert (paid.state, len(paid.attempts)) == (SUCCEEDED, 2)
    assert {each.gateway for each in paid.attempts} == {"square"}
    assert await captured(everywhere, "square") == 1


@pytest.mark.parametrize("passes", [True, False])
async def test_a_payer_who_decides_on_the_gateways_page_is_heard_by_webhook(everywhere, until, passes: bool) -> None:
    buyer = everywhere.buyer()
    payment = await buyer.payment(currency="EUR", method="paypal")
    assert payment.action.kind == payment_pb2.PAYMENT_ACTION_KIND_REDIRECT
    assert payment.next_action_uri == payment.action.value
    async with httpx.AsyncClient() as browser:
        await browser.post(payment.action.value, data={"pays": "yes" if passes else "no"})

    async def decided() -> bool:
        state = (await buyer.get(payment.name)).state
        return state in (SUCCEEDED, payment_pb2.PAYMENT_STATE_FAILED)

    await until(decided)
    assert ((await buyer.get(payment.name)).state == SUCCEEDED) == passes
    assert await captured(everywhere, "paypal") == int(passes)


async def test_ways_to_pay_are_those_of_all_gateways(everywhere) -> None:
    buyer = everywhere.buyer()
    booking = everywhere.booking.held(buyer.name, currency="USD").name
    request = pb.ListPaymentMethodsRequest(parent=booking)
    answer = await buyer.stub.ListPaymentMethods(request, metadata=buyer.metadata)
    methods = {each.method: list(each.gateways) for each in answer.payment_methods}
    assert methods["card"][0] == "stripe"
    assert "square" in methods["card"]
    assert methods["paypal"] == ["paypal"]

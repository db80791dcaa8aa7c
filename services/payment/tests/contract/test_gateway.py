"""What every payment gateway does, on the one in memory and on Stripe's SDK against the card network's sandbox."""

from collections.abc import AsyncIterator

import pytest

from domain_kit.ids import new_id
from domain_kit.money import Money
from domain_kit.refusals import NotFound, Unavailable
from payment_service.domain.gateway import IntentState, Progress
from payment_service.outbound.stripe_gateway import open_stripe

AMOUNT = Money(1999, "CAD")


@pytest.fixture(params=["fake", "stripe"])
async def far(request, world, until) -> AsyncIterator["Far"]:
    if request.param == "fake":
        yield Far(world.gateway, world.gateway, until)
        return
    sandbox = request.getfixturevalue("sandbox")
    async with open_stripe(
        sandbox.url, "sk_test_x", timeout=5, return_url="http://shop", webhook_secrets=["s"]
    ) as gateway:
        yield Far(gateway, sandbox, until)


class Far:
    """A gateway and the hands that move what is behind it."""

    def __init__(self, gateway, behind, until) -> None:
        self.gateway, self.behind, self.until = gateway, behind, until

    async def intent(self, key: str = "") -> str:
        made = await self.gateway.create_intent(
            AMOUNT, payment="payments/p", booking="events/e/bookings/b", key=key or new_id()
        )
        assert (made.state, made.failure) == (IntentState.OPEN, None)
        assert made.client_secret
        return made.reference

    async def paid(self, method: str = "pm_card_visa") -> str:
        reference = await self.intent()
        assert (await self.confirm(reference, method)).state is IntentState.SUCCEEDED
        return reference

    async def confirm(self, reference: str, method: str = "pm_card_visa", key: str = ""):
        return await self.gateway.confirm_intent(reference, method, key=key or new_id())

    async def progress(self, reference: str, id: str) -> Progress:
        return (await self.gateway.refunds_of(reference))[id].progress


async def test_one_key_makes_one_intent(far: Far) -> None:
    key = new_id()
    assert await far.intent(key) == await far.intent(key) != await far.intent()


async def test_a_good_card_is_charged_once_however_often_it_is_confirmed(far: Far) -> None:
    reference = await far.intent()
    first = await far.confirm(reference, key=reference + "-1")
    assert first.state is IntentState.SUCCEEDED
    assert await far.confirm(reference, key=reference + "-1") == first
    assert (await far.confirm(reference, key=reference + "-2")).state is IntentState.SUCCEEDED
    assert await far.behind.captures(reference) == 1


async def test_a_decline_leaves_the_intent_open_with_the_reason_and_a_new_trace(far: Far) -> None:
    reference = await far.intent()
    before = await far.gateway.retrieve_intent(reference)
    declined = await far.confirm(reference, "pm_card_chargeDeclined")
    assert (declined.state, declined.failure.code) == (IntentState.OPEN, "card_declined")
    assert declined.failure.message == "Your card was declined."
    assert declined.trace != before.trace
    assert await far.gateway.retrieve_intent(reference) == declined
    again = await far.confirm(reference, "pm_card_chargeDeclined")
    assert again.trace != declined.trace
    assert (await far.confirm(reference)).state is IntentState.SUCCEEDED


async def test_an_unknown_method_is_refused_and_nothing_is_charged(far: Far) -> None:
    reference = await far.intent()
    await far.confirm(reference, "pm_card_chargeDeclined")
    refused = await far.confirm(reference, "pm_unknown")
    assert (refused.state, refused.failure.code) == (IntentState.OPEN, "resource_missing")
    assert await far.behind.captures(reference) == 0


@pytest.mark.parametrize("passes", [True, False])
async def test_authentication_is_asked_for_and_decides(far: Far, passes: bool) -> None:
    reference = await far.intent()
    asked = await far.confirm(reference, "pm_card_authenticationRequired")
    assert asked.state is IntentState.ACTION_REQUIRED
    assert asked.next_action_uri.startswith("http")
    await far.behind.authenticate(reference, passes)
    after = await far.gateway.retrieve_intent(reference)
    assert after.state is (IntentState.SUCCEEDED if passes else IntentState.OPEN)
    assert after.trace != asked.trace
    assert (after.failure is None) == passes


async def test_what_was_called_off_cannot_be_paid(far: Far) -> None:
    reference = await far.intent()
    assert (await far.gateway.cancel_intent(reference, key=reference)).state is IntentState.CANCELLED
    assert (await far.gateway.cancel_intent(reference, key=reference)).state is IntentState.CANCELLED
    assert (await far.confirm(reference)).state is IntentState.CANCELLED
    assert await far.behind.captures(reference) == 0


async def test_what_is_paid_cannot_be_called_off(far: Far) -> None:
    reference = await far.paid()
    assert (await far.gateway.cancel_intent(reference, key=reference)).state is IntentState.SUCCEEDED


async def test_one_refund_id_pays_back_once_and_too_much_fails(far: Far) -> None:
    reference = await far.paid()
    first = await far.gateway.refund(reference, Money(1000, "CAD"), id=reference + "r1")
    assert first.progress is Progress.SUCCEEDED
    assert await far.gateway.refund(reference, Money(1000, "CAD"), id=reference + "r1") == first
    assert (await far.gateway.refund(reference, Money(1000, "CAD"), id=reference + "r2")).progress is Progress.FAILED
    assert await far.gateway.refunds_of(reference) == {reference + "r1": first}


async def test_a_refund_may_take_its_time(far: Far) -> None:
    reference = await far.paid("pm_card_pendingRefund")
    assert (await far.gateway.refund(reference, AMOUNT, id=reference + "r1")).progress is Progress.PENDING

    async def finished() -> bool:
        if hasattr(far.behind, "finish_refunds"):
            await far.behind.finish_refunds(reference)
        return await far.progress(reference, reference + "r1") is Progress.SUCCEEDED

    await far.until(finished)


async def test_a_lost_answer_is_unavailable_and_the_intent_tells_what_happened(far: Far) -> None:
    reference = await far.intent()
    await far.behind.lose_answers(1)
    with pytest.raises(Unavailable):
        await far.confirm(reference, key=reference + "-1")
    assert (await far.gateway.retrieve_intent(reference)).state is IntentState.SUCCEEDED
    assert (await far.confirm(reference, key=reference + "-1")).state is IntentState.SUCCEEDED
    assert await far.behind.captures(reference) == 1


async def test_an_unknown_intent_is_not_found(far: Far) -> None:
    with pytest.raises(NotFound):
        await far.gateway.retrieve_intent("pi_nowhere")

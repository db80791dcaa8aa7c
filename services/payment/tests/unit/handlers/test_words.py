"""Gateways that cannot be asked what became of things, and say it by webhook alone."""

import pytest

from payment_service.domain.gateways import Failure, GatewayRefund, Intent, IntentState, Notice, Progress
from payment_service.domain.payment import Payment, refund_key
from payment_service.domain.payment_settings import PaymentSettings
from payment_service.domain.refund import RefundState
from payment_service.domain.states import State
from payment_service.handlers.receive_notice import receive_notice

VISA, SLOW = "pm_card_visa", "pm_card_pendingRefund"
AGREED, TAKEN = Intent("psp", IntentState.AUTHORIZED, trace="1"), Intent("psp", IntentState.SUCCEEDED, trace="2")
REFUSED = Intent("psp", IntentState.OPEN, failure=Failure("refused", "No."), trace="3")


@pytest.fixture
def silent(shop, monkeypatch):
    """A shop whose gateway says nothing when it is asked."""

    async def nothing(*_given: object) -> dict:
        return {}

    async def nobody(*_given: object) -> None:
        return None

    monkeypatch.setattr(shop.world.gateway, "find", nobody)
    monkeypatch.setattr(shop.world.gateway, "refunds_of", nothing)
    return shop


async def hear(shop, payment: Payment, id: str, **said: object) -> Payment:
    w = shop.world
    notice = Notice(id, payment.current.key, **said)
    await receive_notice(w.payments, w.gateways, "stripe", notice, clock=w.now)
    return await w.payments.get(payment.name)


@pytest.mark.parametrize(
    ("said", "state"), [(AGREED, State.SUCCEEDED), (TAKEN, State.SUCCEEDED), (REFUSED, State.FAILED)]
)
async def test_its_word_counts(silent, said: Intent, state: State) -> None:
    payment = await silent.create()
    for _ in range(2):
        assert (await hear(silent, payment, "evt", intent=said)).state is state


async def test_that_the_bank_has_agreed_is_not_that_money_was_taken_where_it_is_only_reserved(silent) -> None:
    silent.world.gateways.settings = PaymentSettings(reserve=True)
    payment = await silent.create()
    assert (await hear(silent, payment, "evt", intent=AGREED)).state is State.AUTHORIZED


async def test_words_may_come_late_and_in_any_order(silent) -> None:
    payment = await silent.create()
    assert (await hear(silent, payment, "evt_2", intent=TAKEN)).state is State.SUCCEEDED
    for number, late in enumerate([AGREED, REFUSED, TAKEN]):
        assert (await hear(silent, payment, f"late_{number}", intent=late)).state is State.SUCCEEDED
    assert silent.facts(payment).count("PaymentSucceeded") == 1


async def test_a_gateway_that_can_be_asked_knows_best(shop) -> None:
    payment = await shop.paid()
    assert (await hear(shop, payment, "evt", intent=REFUSED)).state is State.SUCCEEDED


@pytest.mark.parametrize(
    ("progress", "state"), [(Progress.SUCCEEDED, RefundState.COMPLETED), (Progress.FAILED, RefundState.FAILED)]
)
async def test_what_became_of_a_refund_may_be_a_word(silent, progress: Progress, state: RefundState) -> None:
    payment = await hear(silent, await silent.create(), "evt", intent=TAKEN)
    silent.world.gateway.methods[payment.attempts[0].former[0]] = SLOW
    silent.world.gateway.methods["psp"] = SLOW
    silent.world.gateway.amounts["psp"], silent.world.gateway.charges["psp"] = 1999, 1
    pending = await silent.refund(payment, 500)
    assert pending.refunds[0].state is RefundState.PENDING
    told = {refund_key(pending, pending.refunds[0]): GatewayRefund("re", progress)}
    for _ in range(2):
        after = await hear(silent, payment, "evt_refund", refunds=told)
        assert after.refunds[0].state is state


async def test_a_refund_is_known_by_the_gateways_reference_from_when_it_was_taken_on(silent) -> None:
    """Whatever id the word has; and it is not sent again to a gateway that has forgotten its key."""
    payment = await hear(silent, await silent.create(), "evt", intent=TAKEN)
    gateway = silent.world.gateway
    gateway.methods["psp"], gateway.amounts["psp"], gateway.charges["psp"] = SLOW, 1999, 1
    pending = (await silent.refund(payment, 500)).refunds[0]
    assert (pending.state, pending.gateway_reference) == (RefundState.PENDING, f"re_{refund_key(payment, pending)}")
    sent = gateway.calls["refund"]
    assert (await silent.settle(payment)).refunds == (pending,)
    assert gateway.calls["refund"] == sent
    told = {"somebody else's id": GatewayRefund(pending.gateway_reference, Progress.SUCCEEDED)}
    after = await hear(silent, payment, "evt_refund", refunds=told)
    assert (after.refunds[0].state, silent.facts(after)[-2:]) == (
        RefundState.COMPLETED, ["RefundAccepted", "RefundCompleted"],
    )  # fmt: skip

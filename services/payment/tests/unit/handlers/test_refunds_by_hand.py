"""Money by hand goes back by hand: it is on its way until somebody says that it went out."""

from dataclasses import replace

import pytest

from domain_kit.refusals import FailedPrecondition, NotFound
from payment_service.domain.capabilities import Method
from payment_service.domain.gateways import MethodKind
from payment_service.domain.refund import RefundState
from payment_service.domain.states import State
from payment_service.outbound.gateways.door import Door


@pytest.fixture
def by_hand(shop, monkeypatch):
    """A shop that is paid at the door alone."""
    gateways = shop.world.gateways
    at_door = {"pay_at_door": Method("pay_at_door", MethodKind.INSTRUCTIONS)}
    gateways.can["door"] = replace(gateways.can["stripe"], gateway="door", methods=at_door)
    monkeypatch.setattr(gateways, "all", {"door": Door("")})
    return shop


async def paid(shop):
    return await shop.receive(await shop.create())


async def test_it_is_on_its_way_until_somebody_says_that_it_went_out(by_hand) -> None:
    """INVARIANT: a refund by hand is never COMPLETED before people said so, however often it is looked at."""
    refunded = await by_hand.refund(await paid(by_hand))
    for _ in range(3):
        refunded = await by_hand.settle(refunded)
        assert (refunded.state, refunded.refunds[0].state) == (State.SUCCEEDED, RefundState.PENDING)
    assert refunded.refunds[0].gateway_reference.startswith("door-")
    assert refunded.work is None, "there is nobody to ask"
    done = await by_hand.pay_back(refunded, refunded.refunds[0].id)
    assert (done.state, done.refunds[0].state) == (State.REFUNDED, RefundState.COMPLETED)
    assert by_hand.facts(done)[-2:] == ["RefundAccepted", "RefundCompleted"]


async def test_it_goes_out_once(by_hand) -> None:
    refunded = await by_hand.refund(await paid(by_hand), 500)
    id = refunded.refunds[0].id
    first = await by_hand.pay_back(refunded, id, "once")
    assert await by_hand.pay_back(refunded, id, "once") == first
    with pytest.raises(FailedPrecondition, match="REFUND_COMPLETED"):
        await by_hand.pay_back(refunded, id)
    with pytest.raises(NotFound, match="REFUND_NOT_FOUND"):
        await by_hand.pay_back(refunded, "nobody")


async def test_of_other_money_its_gateway_says_so(shop) -> None:
    refunded = await shop.refund(await shop.paid("pm_card_pendingRefund"))
    with pytest.raises(FailedPrecondition, match="NOT_PAID_BY_HAND"):
        await shop.pay_back(refunded, refunded.refunds[0].id)

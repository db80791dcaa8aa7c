"""What holds for every gateway that keeps ways to pay: kept once, used by its payer alone, and gone when removed."""

from dataclasses import replace

import pytest

from payment_service.domain.gateways import ActionKind, IntentState
from payment_service.outbound.capability_files import capabilities_of
from payment_service.outbound.gateway_registry import KNOWN

KEEPING = [name for name in KNOWN if capabilities_of(name).saved_methods]
PAYER, OTHER = "users/01jz0000000000000000000001", "users/01jz0000000000000000000002"

pytestmark = pytest.mark.parametrize("far", KEEPING, indirect=True)


async def kept(far, payer: str = PAYER, id: str = "a" * 32):
    keeper = await far.gateway.keeper(payer)
    made = await far.gateway.save(keeper, far.hands.TOKENS["good"], id=id, return_uri="http://shop.example/back")
    assert made.method is not None, made
    return keeper, made.method


async def test_what_is_kept_is_told_without_what_could_be_paid_with_elsewhere(far):
    keeper, method = await kept(far)
    assert (method.method, method.brand, len(method.ending), method.expires[:2]) == ("card", "visa", 4, "20")
    assert [each.reference for each in await far.gateway.saved(keeper)] == [method.reference]


async def test_one_wish_keeps_one_method_however_often_it_is_said(far):
    keeper, method = await kept(far)
    assert await kept(far) == (keeper, method)
    assert len(await far.gateway.saved(keeper)) == 1


async def test_its_payer_pays_with_it_and_once(far):
    keeper, method = await kept(far)
    order, intent = await far.begun()
    order = replace(order, token=method.reference, keeper=keeper)
    for _ in range(2):
        done = await far.gateway.confirm(order, intent.reference)
        assert (done.state, done.captured) == (IntentState.SUCCEEDED, order.amount)
    assert await far.charges(order) == 1


async def test_nobody_else_pays_with_it(far):
    """INVARIANT: what is kept for a payer is no use to another, nor to who only knows what it is called."""
    _, method = await kept(far)
    other = await far.gateway.keeper(OTHER)
    for keeper in (other, ""):
        order, intent = await far.begun()
        order = replace(order, token=method.reference, keeper=keeper)
        assert (await far.gateway.confirm(order, intent.reference)).failure is not None
        assert await far.charges(order) == 0
    assert list(await far.gateway.saved(other)) == []


async def test_what_was_removed_pays_nothing_any_more(far):
    keeper, method = await kept(far)
    for _ in range(2):
        await far.gateway.forget(keeper, method.reference)
    assert list(await far.gateway.saved(keeper)) == []
    order, intent = await far.begun()
    order = replace(order, token=method.reference, keeper=keeper)
    assert (await far.gateway.confirm(order, intent.reference)).failure is not None
    assert await far.charges(order) == 0


async def test_what_the_bank_declines_is_not_kept(far):
    keeper = await far.gateway.keeper(PAYER)
    made = await far.gateway.save(keeper, far.hands.TOKENS["declined"], id="b" * 32, return_uri="http://shop.example")
    assert (made.method, made.failure is not None) == (None, True)
    assert list(await far.gateway.saved(keeper)) == []


async def test_a_bank_that_asks_the_payer_first_is_answered_on_its_page(far):
    if not hasattr(far.hands, "CHALLENGED"):
        assert far.name in ("square", "adyen")  # before there is a token, or when it is paid with
        return
    keeper = await far.gateway.keeper(PAYER)
    for passes, count in ((False, 0), (True, 1)):
        id = str(count) * 32
        made = await far.gateway.save(keeper, far.hands.CHALLENGED, id=id, return_uri="http://shop.example/back")
        assert (made.method, made.action.kind) == (None, ActionKind.REDIRECT)
        await far.decide(made, passes=passes)
        assert len(await far.gateway.saved(keeper)) == count

"""A dispute is opened, won or lost; what is lost is gone from the books, and the payment says so."""

from dataclasses import replace
from unittest.mock import AsyncMock

import pytest

from domain_kit.money import Money
from payment_service.domain.gateways import Intent, IntentState, Notice
from payment_service.domain.refund import RefundState
from payment_service.domain.states import State
from payment_service.handlers.receive_notice import receive_notice

SLOW = "pm_card_pendingRefund"


async def heard(shop, payment, **says):
    """The gateway tells of a dispute, and that it has told."""
    w, reference = shop.world, payment.current.reference
    w.gateway.intents[reference] = replace(w.gateway.intents[reference], **says)
    notice = Notice(f"evt_{next(shop.ids)}", payment.current.key, reference)
    await receive_notice(w.payments, w.gateways, "stripe", notice, clock=w.now)
    return await w.payments.get(payment.name)


@pytest.mark.parametrize("first", [True, False])
async def test_a_lost_one_takes_what_is_left_also_when_it_is_all_that_is_ever_heard(shop, first: bool) -> None:
    payment = await shop.refund(await shop.paid(), 500)
    if first:
        assert (await heard(shop, payment, disputed=True)).state is State.DISPUTED
    for _ in range(2):
        lost = await heard(shop, payment, disputed=True, lost=True, dispute_fee=Money(1500, "CAD"))
        assert (lost.state, lost.refunded) == (State.REFUNDED, payment.amount)
    taken = lost.refunds[-1]
    assert (taken.charged_back, taken.amount, taken.fee) == (True, Money(1499, "CAD"), Money(1500, "CAD"))
    assert (taken.state, taken.requester) == (RefundState.COMPLETED, "gateways/stripe")
    assert shop.facts(lost)[-3:] == ["PaymentDisputed", "PaymentDisputeLost", "RefundCompleted"]


async def test_a_refund_on_its_way_is_not_lost_with_it(shop) -> None:
    payment = await shop.refund(await shop.paid(SLOW), 500)
    lost = await heard(shop, payment, disputed=True, lost=True)
    assert (lost.state, lost.refunds[-1].amount) == (State.PARTLY_REFUNDED, Money(1499, "CAD"))
    await shop.world.gateway.finish_refunds(payment.current.reference)
    assert (await shop.settle(lost)).state is State.REFUNDED


async def test_where_nothing_was_left_nothing_is_lost(shop) -> None:
    payment = await shop.refund(await shop.paid(SLOW))
    assert (await heard(shop, payment, disputed=True)).state is State.DISPUTED
    for _ in range(2):
        lost = await heard(shop, payment, disputed=True, lost=True)
        assert (lost.state, len(lost.refunds)) == (State.SUCCEEDED, 1)
    assert shop.facts(lost)[-1] == "PaymentDisputeLost"


async def test_one_that_was_lost_is_over_until_it_is_won_after_all(shop) -> None:
    payment = await shop.refund(await shop.paid(SLOW), 500)
    lost = await heard(shop, payment, disputed=True, lost=True)
    assert await heard(shop, payment, disputed=None, lost=False) == lost
    for _ in range(2):
        back = await heard(shop, payment, disputed=False)
        assert (back.state, back.refunds[-1].state) == (State.SUCCEEDED, RefundState.FAILED)
    assert shop.facts(back)[-3:] == ["PaymentDisputeLost", "RefundCompleted", "PaymentDisputeReversed"]
    again = await heard(shop, payment, disputed=True, lost=True)
    assert [each.id for each in again.refunds if each.charged_back] == ["chargeback", "chargeback-2"]


async def test_money_that_comes_back_stands_in_nobodys_way(shop) -> None:
    """After all of it was lost the booking may have been paid once more."""
    payment = await shop.paid()
    await heard(shop, payment, disputed=True, lost=True)
    other = await shop.paid()
    assert other.name != payment.name
    back = await heard(shop, payment, disputed=False)
    assert (back.state, back.open, (await shop.world.payments.get(other.name)).open) == (State.SUCCEEDED, False, True)


async def word(shop, payment, id: str, **says):
    """A gateway that cannot be asked says something of a dispute."""
    w, current = shop.world, payment.current
    said = Intent(current.reference, IntentState.SUCCEEDED, **{"dispute": "d", **says})
    notice = Notice(id, current.key, current.reference, intent=said)
    await receive_notice(w.payments, w.gateways, "stripe", notice, clock=w.now)
    return await w.payments.get(payment.name)


OPENED, WON, LOST = {"disputed": True}, {"disputed": False}, {"disputed": True, "lost": True}


@pytest.mark.parametrize("order", [(OPENED, WON), (WON, OPENED), (OPENED, WON, OPENED)])
async def test_words_of_a_dispute_may_come_in_any_order(shop, monkeypatch, order) -> None:
    payment = await shop.paid()
    monkeypatch.setattr(shop.world.gateway, "find", AsyncMock(return_value=None))
    for number, says in enumerate(order):
        after = await word(shop, payment, f"evt_{number}", **says)
    assert (after.state, [each.verdict.name for each in after.disputes]) == (State.SUCCEEDED, ["WON"])
    assert [each for each in shop.facts(after) if "Dispute" in each] == ["PaymentDisputed", "PaymentDisputeClosed"]


@pytest.mark.parametrize("says", [OPENED, LOST])
async def test_a_dispute_may_be_the_first_that_is_heard_of_money_that_came(shop, monkeypatch, says) -> None:
    payment = await shop.create()
    monkeypatch.setattr(shop.world.gateway, "find", AsyncMock(return_value=None))
    after = await word(shop, payment, "evt", **says)
    assert after.state is (State.REFUNDED if "lost" in says else State.DISPUTED)
    assert shop.facts(after)[1:3] == ["PaymentSucceeded", "PaymentDisputed"]


async def test_a_word_counts_where_the_gateway_is_asked_and_says_nothing_of_disputes(shop) -> None:
    payment = await shop.paid()
    assert (await word(shop, payment, "1", **OPENED)).state is State.DISPUTED
    assert (await heard(shop, payment)).state is State.DISPUTED
    assert (await word(shop, payment, "2", **LOST, dispute_stage=1)).state is State.REFUNDED


async def test_of_two_disputes_each_is_decided_by_itself(shop) -> None:
    payment = await shop.paid()
    part = {"disputed_amount": Money(500, "CAD")}
    await word(shop, payment, "1", **OPENED, dispute="a")
    await word(shop, payment, "2", **OPENED, dispute="b")
    assert (await word(shop, payment, "3", **WON, dispute="a")).state is State.DISPUTED
    lost = await word(shop, payment, "4", **LOST, dispute="b", **part)
    assert (lost.state, lost.refunded) == (State.PARTLY_REFUNDED, Money(500, "CAD"))
    assert (await word(shop, payment, "5", **OPENED, dispute="c")).state is State.DISPUTED
    back = await word(shop, payment, "6", **WON, dispute="b", dispute_stage=1)
    assert (back.state, back.left) == (State.DISPUTED, payment.amount)
    assert (await word(shop, payment, "7", **WON, dispute="c")).state is State.SUCCEEDED


async def test_news_that_move_no_money_are_remembered(shop) -> None:
    """Else an older word that comes after them would count."""
    payment = await shop.paid()
    for id, stage in (("1", 1), ("2", 3)):
        await word(shop, payment, id, **OPENED, dispute_stage=stage)
    late = await word(shop, payment, "3", **WON, dispute_stage=2)
    assert (late.state, late.disputes[0].stage) == (State.DISPUTED, 3)

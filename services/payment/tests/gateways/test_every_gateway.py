"""What holds for every gateway: an order is paid once, whatever is lost, repeated or refused."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain_kit.money import Money
from domain_kit.refusals import Unauthenticated, Unavailable
from payment_service.domain.gateways import ActionKind, IntentState, MethodKind, Progress
from payment_service.outbound.capability_files import capabilities_of


async def test_one_order_is_begun_once(far):
    order, first = await far.begun()
    assert (await far.gateway.begin(order)).reference == first.reference
    assert (await far.begun())[1].reference != first.reference
    wanted = {
        MethodKind.TOKEN: None, MethodKind.REDIRECT: ActionKind.REDIRECT, MethodKind.QR_CODE: ActionKind.QR_CODE,
    }  # fmt: skip
    assert (first.action and first.action.kind) == wanted[far.kind]
    assert first.failure is None
    assert await far.charges(order) == 0


async def test_an_order_is_paid_once_however_often_it_is_confirmed(far):
    order, done = await far.paid()
    assert done.captured == order.amount
    for _ in range(2):
        again = await far.gateway.confirm(order, done.reference)
        assert (again.state, again.reference) == (IntentState.SUCCEEDED, done.reference)
    found = await far.gateway.find(order, done.reference)
    assert (found.state, found.captured) == (IntentState.SUCCEEDED, order.amount)
    assert await far.charges(order) == 1


async def test_a_refusal_of_the_payer_is_told_and_nothing_is_taken(far):
    order, intent = await far.begun()
    order = await far.agreed(order, intent, passes=False)
    if far.tells_refusals:
        done = await far.finish(order, intent)
    else:
        found = await far.gateway.find(order, intent.reference)
        assert (found.state, found.action) == (IntentState.ACTION_REQUIRED, intent.action)
        done = await far.gateway.cancel(order, intent.reference)
    assert done.state in (IntentState.OPEN, IntentState.CANCELLED)
    assert done.failure is not None or done.state is IntentState.CANCELLED
    assert await far.charges(order) == 0
    other, _ = await far.paid()
    assert await far.charges(order) == 0
    assert other.key != order.key


async def test_what_was_called_off_is_never_paid(far):
    order, intent = await far.begun()
    for _ in range(2):
        assert (await far.gateway.cancel(order, intent.reference)).state is IntentState.CANCELLED
    if getattr(far.hands, "HEARS_WITH_TOKEN", False):
        assert await far.gateway.find(order, "") is None
        return
    if far.kind is MethodKind.TOKEN:
        order = await far.agreed(order, intent)
        assert (await far.gateway.confirm(order, intent.reference)).state is not IntentState.SUCCEEDED
    if getattr(far.hands, "FORGETS_CALLED_OFF", False):
        await far.decide(intent, passes=True)
        assert (await far.gateway.cancel(order, intent.reference)).state is IntentState.CANCELLED
    else:
        found = await far.gateway.find(order, intent.reference)
        assert found is None or found.state is IntentState.CANCELLED or found.failure is not None
    assert await far.charges(order) == 0


async def test_a_part_of_what_is_reserved_is_taken_where_the_gateway_can(far):
    if not capabilities_of(far.name).partial_captures:
        assert far.name in ("alipay", "razorpay", "wechat")
        return
    order, intent = await far.begun(capture=False)
    order = await far.agreed(order, intent)
    if far.kind is MethodKind.TOKEN or intent.state is not IntentState.AUTHORIZED:
        intent = await far.gateway.confirm(order, intent.reference)
    assert (intent.state, await far.charges(order)) == (IntentState.AUTHORIZED, 0)
    part = Money(order.amount.minor_units // 200 * 100, order.amount.currency)
    for _ in range(2):
        intent = await far.gateway.capture(order, intent.reference, part)

    async def taken():
        told = [each.intent for one in far.inbox.deliveries for each in far.gateway.read(one, datetime.now(UTC))]
        asked = await far.gateway.find(replace(order, token=""), intent.reference)
        found = [each for each in (asked, *told) if each is not None and each.state is IntentState.SUCCEEDED]
        assert {each.captured for each in found} <= {part}
        return bool(found)

    await far.until(taken)
    assert (await far.control("totals"))["currencies"][part.currency]["charged"] == part.minor_units


async def test_what_is_paid_cannot_be_called_off(far):
    order, done = await far.paid()
    assert (await far.gateway.cancel(order, done.reference)).state is IntentState.SUCCEEDED
    assert (await far.gateway.find(order, done.reference)).state is IntentState.SUCCEEDED


async def test_an_order_that_the_gateway_never_got_is_not_found(far):
    assert await far.gateway.find(far.order(), "") is None


async def test_a_lost_answer_to_the_beginning_is_found_again(far):
    order = far.order()
    await far.switch(drop_answers=1)
    try:
        first = await far.gateway.begin(order)
    except Unavailable:
        first = None
    await far.switch(drop_answers=0)
    again = await far.gateway.begin(order)
    assert first is None or again.reference == first.reference
    order = await far.agreed(order, again)
    assert (await far.finish(order, again)).state is IntentState.SUCCEEDED
    assert await far.charges(order) == 1


async def test_a_lost_answer_to_the_confirmation_is_found_by_the_key_alone(far):
    order, intent = await far.begun()
    order = await far.agreed(order, intent)

    async def ready():
        found = await far.gateway.find(order, intent.reference)
        return far.kind is MethodKind.TOKEN or found.state in (IntentState.APPROVED, IntentState.SUCCEEDED)

    await far.until(ready)
    await far.switch(drop_answers=1)
    with pytest.raises(Unavailable):
        await far.gateway.confirm(order, intent.reference)
    await far.switch(drop_answers=0)
    found = await far.gateway.find(order, "")
    assert found is not None
    assert found.state is IntentState.SUCCEEDED
    assert (await far.gateway.confirm(order, found.reference)).state is IntentState.SUCCEEDED
    assert await far.charges(order) == 1


async def test_a_gateway_out_of_order_is_unavailable_and_nothing_is_taken(far):
    order, intent = await far.begun()
    order = await far.agreed(order, intent)
    await far.switch(fail_requests=3)
    with pytest.raises(Unavailable):
        await far.gateway.confirm(order, intent.reference)
    await far.switch(fail_requests=0)
    assert (await far.finish(order, intent)).state is IntentState.SUCCEEDED
    assert await far.charges(order) == 1


async def test_money_goes_back_once_in_parts_and_never_more_than_came(far):
    order, done = await far.paid()
    part = Money(order.amount.minor_units // 2 // 100 * 100, order.amount.currency)
    first = await far.gateway.refund(order, done.reference, part, id="a" * 32)
    assert first.progress is not Progress.FAILED
    assert (await far.gateway.refund(order, done.reference, part, id="a" * 32)).reference == first.reference
    too_much = await far.gateway.refund(order, done.reference, order.amount, id="b" * 32)
    later = getattr(far.hands, "REFUNDS_DECIDED_LATER", False)
    assert too_much.progress is (Progress.PENDING if later else Progress.FAILED)
    rest = order.amount - part
    last = await far.gateway.refund(order, done.reference, rest, id="c" * 32)

    async def settled():
        known = await far.refunds(order, done, {"a" * 32: first, "b" * 32: too_much, "c" * 32: last})
        assert known.get("b" * 32) is None or known["b" * 32].progress is Progress.FAILED
        return all(known.get(id * 32) and known[id * 32].progress is Progress.SUCCEEDED for id in "ac")

    await far.until(settled)
    totals = (await far.control("totals"))["currencies"][order.amount.currency]
    assert (totals["charged"], totals["refunded"]) == (order.amount.minor_units, order.amount.minor_units)


async def test_a_lost_answer_to_a_refund_pays_back_once(far):
    order, done = await far.paid()
    await far.switch(drop_answers=1)
    with pytest.raises(Unavailable):
        await far.gateway.refund(order, done.reference, order.amount, id="a" * 32)
    await far.switch(drop_answers=0)
    made = await far.gateway.refund(order, done.reference, order.amount, id="a" * 32)

    async def settled():
        known = await far.refunds(order, done, {"a" * 32: made})
        return "a" * 32 in known and known["a" * 32].progress is Progress.SUCCEEDED

    await far.until(settled)
    assert (await far.control("totals"))["currencies"][order.amount.currency]["refunded"] == order.amount.minor_units


async def test_a_webhook_names_the_order_and_whoever_changes_it_is_refused(far):
    order, done = await far.paid()
    now = datetime.now(UTC)

    async def told():
        notices = [each for one in far.inbox.deliveries for each in far.gateway.read(one, now)]
        return any(each.key == order.key or each.reference == done.reference for each in notices)

    await far.until(told)
    good = far.inbox.deliveries[-1]
    notices = far.gateway.read(good, now)
    assert all(each.id for each in notices)
    altered = good.body.replace(b"0", b"1", 1) if b"0" in good.body else good.body + b" "
    unsigned = replace(good, headers={"content-type": good.headers["content-type"]})
    if not getattr(far.hands, "SIGNS_BODY", True):
        assert far.gateway.read(replace(good, body=altered), now) == notices
        altered = good.body
    wrong = [replace(good, body=altered)] if altered != good.body else []
    for bad in (*wrong, *([unsigned] if far.hands.SIGNED_BY_HEADERS else [])):
        with pytest.raises(Unauthenticated):
            far.gateway.read(bad, now)
    if far.hands.SIGNS_TIME:
        for moved in (now + timedelta(hours=1), now - timedelta(hours=1)):
            with pytest.raises(Unauthenticated):
                far.gateway.read(good, moved)


async def test_a_notice_that_an_order_was_paid_says_so_and_one_of_its_refund_says_more(far):
    order, done = await far.paid()

    def told(*, paid):
        notices = [each for one in far.inbox.deliveries for each in far.gateway.read(one, datetime.now(UTC))]
        about = [each for each in notices if each.key == order.key or each.reference == done.reference]
        return [each.id for each in about if each.paid is paid]

    async def paid():
        return told(paid=True) or not getattr(far.hands, "SAYS_WHAT", True)

    await far.until(paid)
    before = set(told(paid=False))
    await far.gateway.refund(order, done.reference, order.amount, id="a" * 32)

    async def refunded():
        return set(told(paid=False)) - before

    await far.until(refunded)


async def test_a_webhook_that_is_sent_twice_has_one_id(far):
    await far.switch(duplicate_webhooks=True)
    await far.paid()

    async def came_twice():
        now = datetime.now(UTC)
        ids = [notice.id for one in far.inbox.deliveries for notice in far.gateway.read(one, now)]
        return any(ids.count(id) > 1 for id in ids)

    await far.until(came_twice)


async def test_what_the_gateway_does_not_take_is_refused_before_it_is_asked(far):
    with pytest.raises(Exception, match="cannot be charged"):
        far.gateway.check_amount(Money(far.amount.minor_units, "KPW"))

"""Disputes at every gateway that has them: opened, lost, won after all, by signed webhooks in any order."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import httpx
import pytest

from payment_service.domain.attempt import Attempt, Standing
from payment_service.domain.gateways import MethodKind
from payment_service.domain.payment import Payment
from payment_service.domain.payment_books import UNPRICED
from payment_service.domain.states import State
from payment_service.handlers.settle_payment import with_word
from payment_service.outbound.capability_files import capabilities_of
from payment_service.outbound.documents import to_document

DISPUTED = [name for name in ("adyen", "mercadopago", "paypal", "razorpay", "square") if capabilities_of(name).disputes]
BY_WORD = [name for name in DISPUTED if name != "mercadopago"]  # which says so when it is asked
of_each = pytest.mark.parametrize("far", DISPUTED, indirect=True)
by_word = pytest.mark.parametrize("far", BY_WORD, indirect=True)


def payment_of(order, reference: str, name: str) -> Payment:
    now = order.create_time
    attempt = Attempt(
        1, name, order.method, MethodKind.TOKEN, order.key, now, reference=reference, standing=Standing.PAID
    )  # fmt: skip
    made = Payment(order.payment, order.booking, "users/u", "organizers/o", order.amount, (attempt,), now, now)
    return replace(made, state=State.SUCCEEDED, paid_by=1, succeed_time=now)


async def decides(far, reference: str, verdict: str, **more) -> None:
    """The payer's bank does, and the gateway has told of it."""
    async with httpx.AsyncClient() as client:
        path = f"{far.url}/_sandbox/{far.name}/payments/{reference}/dispute"
        answer = await client.post(path, json={"verdict": verdict, **more})
    assert answer.status_code == 200, answer.text
    await all_told(far)


async def all_told(far) -> None:
    """No webhook is on its way."""

    async def told() -> bool:
        return not (await far.control("totals"))["webhooks"]["pending"]

    await far.until(told)


async def hears(far, payment: Payment, order, deliveries) -> tuple[Payment, int]:
    """As settling does, of each webhook: the gateway is asked, and its word counts where it does not know. The payment
    after it, and what has moved at the gateway by the books, in minor units.
    """
    moved = 0
    for delivery in deliveries:
        for notice in far.gateway.read(delivery, datetime.now(UTC)):
            found = await far.gateway.find(order, payment.current.reference)
            intent = found if notice.intent is None else with_word(payment, found, notice.intent)
            after, made = payment.heard({} if intent is None else {1: intent}, datetime.now(UTC))
            if made:
                after = replace(after, version=payment.version + 1)
                postings = [each for entry in UNPRICED.entries(payment, after) for each in entry.postings]
                moved += sum(each.amount.minor_units for each in postings if "clearing" in each.account.name)
                payment = after
    return payment, moved


@of_each
async def test_a_dispute_is_heard_lost_and_won_after_all(far) -> None:
    order, done = await far.paid()
    await all_told(far)
    payment, sum_of_all = payment_of(order, done.reference, far.name), 0
    for verdict, state in (("open", State.DISPUTED), ("lost", State.REFUNDED), ("won", State.SUCCEEDED)):
        seen = len(far.inbox.deliveries)
        await decides(far, done.reference, verdict)
        payment, moved = await hears(far, payment, order, far.inbox.deliveries[seen:])
        assert payment.state is state, verdict
        assert await hears(far, payment, order, far.inbox.deliveries[seen:]) == (payment, 0)
        sum_of_all += moved
        assert sum_of_all == (0 if verdict == "won" else -order.amount.minor_units)
    assert payment.left == order.amount


@by_word
async def test_its_words_in_any_order_and_doubled_end_alike(far) -> None:
    """INVARIANT: what was lost and won is in the books once, whatever its webhooks' order."""
    order, done = await far.paid()
    await all_told(far)
    seen = len(far.inbox.deliveries)
    for verdict in ("open", "lost", "won"):
        await decides(far, done.reference, verdict)

    for some in permutations(far.inbox.deliveries[seen:]):
        before = payment_of(order, done.reference, far.name)
        payment, moved = await hears(far, before, order, [*some, *some])
        assert (payment.state, payment.left, moved) == (State.SUCCEEDED, order.amount, 0)


@pytest.mark.parametrize("far", ["paypal"], indirect=True)
async def test_a_payment_is_known_by_its_capture(far) -> None:
    """Which is all that PayPal says of the payment in a dispute where it says nothing of ours."""
    order, done = await far.paid()
    await all_told(far)
    seen = len(far.inbox.deliveries)
    await decides(far, done.reference, "open")
    [about] = json.loads(far.inbox.deliveries[seen].body)["resource"]["disputed_transactions"]
    payment = payment_of(order, done.reference, far.name)
    attempt = replace(payment.current, standing=Standing.OPEN).heard(await far.gateway.find(order, done.reference))
    assert attempt.heard(done).former == attempt.former == (about["seller_transaction_id"],)
    known = replace(payment, attempts=(attempt,))
    assert known.attempt_with("", about["seller_transaction_id"]) == 1
    assert f"paypal|{about['seller_transaction_id']}" in to_document(known)["orders"]


@by_word
async def test_a_dispute_of_a_part_takes_that_part(far) -> None:
    order, done = await far.paid()
    await all_told(far)
    payment, seen = payment_of(order, done.reference, far.name), len(far.inbox.deliveries)
    await decides(far, done.reference, "open", amount=500)
    await decides(far, done.reference, "lost", amount=500)
    payment, _ = await hears(far, payment, order, far.inbox.deliveries[seen:])
    assert (payment.state, payment.refunded.minor_units) == (State.PARTLY_REFUNDED, 500)


@pytest.mark.parametrize("far", ["paypal", "razorpay", "square"], indirect=True)
async def test_a_dispute_is_on_its_books(far) -> None:
    order, done = await far.paid()
    await all_told(far)
    await decides(far, done.reference, "open")
    day = timedelta(days=1)
    entries = await far.gateway.entries(order.create_time - day, order.create_time + day)
    found = [each for each in entries if each.kind == "dispute"]
    assert [(each.amount, {each.key, each.reference} & {order.key, done.reference} != set()) for each in found] == [
        (order.amount, True)
    ]


@pytest.mark.parametrize("far", ["alipay", "wechat"], indirect=True)
async def test_who_has_no_chargebacks_has_none_in_the_sandbox_either(far) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{far.url}/_sandbox/{far.name}/payments/x/dispute", json={"verdict": "open"})
    assert answer.status_code == 400

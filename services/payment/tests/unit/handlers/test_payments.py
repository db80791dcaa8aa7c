"""The use cases on a gateway and a store in memory, with what can go wrong between two steps."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from google.type.money_pb2 import Money as MoneyMessage

from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, InvalidArgument, NotFound, PermissionDenied, Unavailable
from domain_kit.repository import Cause
from payment_service.domain.gateways import Notice
from payment_service.domain.payment import LOST_AFTER, Payment
from payment_service.domain.refund import RefundState
from payment_service.domain.states import State
from payment_service.handlers.confirm_payment import confirm_payment
from payment_service.handlers.receive_notice import receive_notice
from payment_service.handlers.settle_payment import settle_payment
from payment_service.inbound.in_hand import InHand
from payment_service.inbound.workers import SettlingWorker
from payment_service.outbound.repositories import MongoPayments
from usher.booking.v1 import booking_pb2
from usher.booking.v1 import domain_events_pb2 as booking_facts

BOOKING = "events/e/bookings/b"
VISA, DECLINED, SECURE, SLOW = (
    "pm_card_visa", "pm_card_chargeDeclined", "pm_card_authenticationRequired", "pm_card_pendingRefund",
)  # fmt: skip


async def test_a_booking_has_one_open_payment_however_many_ask_at_once(shop) -> None:
    payments = await asyncio.gather(*(shop.create() for _ in range(20)))
    assert len({payment.name for payment in payments}) == 1
    assert (await shop.create()).name == payments[0].name
    assert payments[0].current.client


async def test_asking_again_with_one_request_id_makes_no_second_intent(shop) -> None:
    first = await shop.create("once")
    assert await shop.create("once") == first
    assert shop.world.gateway.calls["begin"] == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"state": "CONFIRMED", "held_until": None}, "BOOKING_NOT_PAYABLE"),
        ({"held_until": "now"}, "BOOKING_NOT_PAYABLE"),
        ({"total": Money(0, "CAD")}, "NOTHING_OWED"),
        ({"missing_answers": ("events/e/questions/q",)}, "ANSWERS_REQUIRED"),
    ],
)
async def test_what_cannot_be_paid_gets_no_intent(shop, change: dict, reason: str) -> None:
    if change.get("held_until") == "now":
        change = {"held_until": shop.world.now()}
    shop.world.bookings.known[BOOKING] = replace(shop.world.bookings.known[BOOKING], **change)
    with pytest.raises(FailedPrecondition) as caught:
        await shop.create()
    assert caught.value.reason == reason
    assert not shop.world.gateway.intents


async def test_only_the_buyer_pays(shop) -> None:
    await shop.create()
    with pytest.raises(PermissionDenied):
        await shop.create(payer="users/other")


async def test_with_the_gateway_away_nothing_is_written(shop) -> None:
    shop.world.gateway.faults = ["after"]
    with pytest.raises(Unavailable):
        await shop.create("x")
    assert not shop.world.journal.rows
    assert (await shop.create("x")).state is State.PENDING


async def test_a_good_card_pays(shop) -> None:
    payment = await shop.paid()
    assert shop.facts(payment) == ["PaymentCreated", "PaymentAttempted", "PaymentSucceeded"]
    assert payment.succeed_time == shop.world.now()


async def test_after_a_decline_another_card_can_be_tried(shop) -> None:
    payment = await shop.confirm(await shop.create(), DECLINED)
    assert (payment.state, payment.current.failure.code) == (State.FAILED, "card_declined")
    assert (await shop.confirm(payment)).state is State.SUCCEEDED


async def test_a_repeat_gets_the_first_outcome_and_charges_nothing(shop) -> None:
    payment = await shop.create()
    first = await shop.confirm(payment, DECLINED, "once")
    await shop.confirm(payment, VISA, "twice")
    assert await shop.confirm(payment, DECLINED, "once") == first
    assert shop.world.gateway.charges.total() == 1


async def test_a_second_confirmation_under_way_is_refused(shop) -> None:
    payment = await shop.create()
    shop.world.gateway.faults = ["before"]
    with pytest.raises(Unavailable):
        await shop.confirm(payment, VISA, "first")
    with pytest.raises(FailedPrecondition) as caught:
        await shop.confirm(payment, VISA, "second")
    assert caught.value.reason == "PAYMENT_PROCESSING"
    assert (await shop.confirm(payment, VISA, "first")).state is State.SUCCEEDED


@pytest.mark.parametrize("request_id", ["", "same"])
async def test_twenty_confirmations_at_once_charge_once(shop, request_id: str) -> None:
    payment = await shop.create()
    answers = await asyncio.gather(
        *(shop.confirm(payment, VISA, request_id) for _ in range(20)), return_exceptions=True
    )
    assert shop.world.gateway.charges.total() == 1
    told = [answer for answer in answers if isinstance(answer, Payment)]
    assert {answer.state for answer in told} == {State.SUCCEEDED}
    assert len(told) == (20 if request_id else 1)
    assert shop.facts(payment).count("PaymentSucceeded") == 1


async def test_a_lost_answer_is_settled_by_asking(shop) -> None:
    payment = await shop.create()
    shop.world.gateway.faults = ["after"]
    with pytest.raises(Unavailable):
        await shop.confirm(payment, VISA, "x")
    assert (await shop.settle(payment)).state is State.SUCCEEDED
    assert (await shop.confirm(payment, VISA, "x")).state is State.SUCCEEDED
    assert shop.world.gateway.charges.total() == 1


async def test_an_attempt_that_never_arrived_is_lost_after_a_while(shop) -> None:
    payment = await shop.create()
    shop.world.gateway.faults = ["before"]
    with pytest.raises(Unavailable):
        await shop.confirm(payment)
    assert (await shop.settle(payment)).state is State.PROCESSING
    shop.world.time += LOST_AFTER
    lost = await shop.settle(payment)
    assert (lost.state, lost.current.failure.code) == (State.FAILED, "attempt_lost")
    assert (await shop.confirm(lost)).state is State.SUCCEEDED


async def test_the_payers_bank_is_asked_and_its_answer_is_heard(shop) -> None:
    payment = await shop.confirm(await shop.create(), SECURE)
    assert (payment.state, payment.current.action.value) == (State.REQUIRES_ACTION, "https://bank.example")
    await shop.world.gateway.authenticate(payment.current.reference, passes=True)
    settled = await shop.settle(payment)
    assert (settled.state, settled.current.action) == (State.SUCCEEDED, None)


async def test_notices_count_once_in_any_order(shop) -> None:
    w = shop.world
    payment = await shop.create()
    w.gateway.confirmed(payment.current.reference, DECLINED)
    w.gateway.confirmed(payment.current.reference, VISA)
    for notice in [*reversed(w.gateway.notices), *w.gateway.notices]:
        await receive_notice(w.payments, w.gateways, "stripe", notice, clock=w.now)
    assert shop.facts(payment) == ["PaymentCreated", "PaymentSucceeded"]
    calls = w.gateway.calls.total()
    await receive_notice(w.payments, w.gateways, "stripe", w.gateway.notices[-1], clock=w.now)
    assert w.gateway.calls.total() == calls


async def test_a_notice_that_comes_while_its_confirmation_is_under_way_asks_nobody(shop) -> None:
    w, waited = shop.world, []
    payment = await shop.create()
    reference = payment.current.reference

    async def heard(name: str) -> bool:
        waited.append(name)
        await shop.confirm(payment, VISA)
        return True

    early = Notice("evt_early", "", reference, paid=True)
    await receive_notice(w.payments, w.gateways, "stripe", early, clock=w.now, heard=heard)
    assert waited == [payment.name]
    assert shop.facts(payment) == ["PaymentCreated", "PaymentAttempted", "PaymentSucceeded"]
    calls = w.gateway.calls.total()
    await receive_notice(w.payments, w.gateways, "stripe", early, clock=w.now, heard=heard)
    assert (waited, w.gateway.calls.total()) == ([payment.name], calls), (
        "it is known to be paid, so nobody is waited for"
    )


async def test_a_confirmation_that_comes_while_a_notice_is_applied_has_its_answer(shop) -> None:
    w, telling = shop.world, InHand()
    payment = await shop.create()
    w.gateway.confirmed(payment.current.reference, VISA)
    asked = asyncio.Event()

    async def find(*given):
        asked.set()
        for _ in range(20):
            await asyncio.sleep(0)
        return await found(*given)

    found, w.gateway.find = w.gateway.find, find
    notice = Notice("evt_fast", "", payment.current.reference, paid=True)
    applying = asyncio.create_task(
        receive_notice(w.payments, w.gateways, "stripe", notice, clock=w.now, telling=telling.hold)
    )
    await asked.wait()
    assert (await shop.confirm(payment, VISA, notified=telling.heard)).state is State.SUCCEEDED
    await applying
    assert (w.gateway.charges.total(), shop.facts(payment)) == (1, ["PaymentCreated", "PaymentSucceeded"])


async def test_a_notice_of_money_that_the_confirmation_did_not_hear_of_is_looked_at(shop) -> None:
    w = shop.world
    payment = await shop.create()
    w.gateway.confirmed(payment.current.reference, VISA)

    async def heard(_: str) -> bool:
        return True

    late = Notice("evt_late", "", payment.current.reference, paid=True)
    await receive_notice(w.payments, w.gateways, "stripe", late, clock=w.now, heard=heard)
    assert shop.facts(payment) == ["PaymentCreated", "PaymentSucceeded"]


async def test_a_notice_about_an_unknown_intent_is_to_be_sent_again_and_one_about_none_is_taken(shop) -> None:
    w = shop.world
    with pytest.raises(NotFound):
        await receive_notice(w.payments, w.gateways, "stripe", Notice("evt_1", "", "pi_elsewhere"), clock=w.now)
    await receive_notice(w.payments, w.gateways, "stripe", Notice("evt_2"), clock=w.now)


async def test_parallel_refunds_never_pay_back_more_than_came(shop) -> None:
    payment = await shop.paid()
    answers = await asyncio.gather(*(shop.refund(payment, 500) for _ in range(10)), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, FailedPrecondition)]
    assert len(refused) == 7
    assert {each.metadata["refundable"] for each in refused} == {"4.99 CAD"}
    assert shop.world.gateway.paid_back(payment.current.reference) == 1500
    assert (await shop.refund(payment)).state is State.REFUNDED


async def test_a_repeated_refund_pays_back_once(shop) -> None:
    payment = await shop.paid()
    first = await shop.refund(payment, 100, "once")
    assert await shop.refund(payment, 100, "once") == first
    assert shop.world.gateway.paid_back(payment.current.reference) == 100


@pytest.mark.parametrize("fault", ["before", "after"])
async def test_a_refund_without_an_answer_is_pending_and_finished_later(shop, fault: str) -> None:
    payment = await shop.paid()
    shop.world.gateway.faults = [fault]
    pending = await shop.refund(payment, 100)
    assert pending.refunds[0].state is RefundState.PENDING
    settled = await shop.settle(payment)
    assert (settled.state, settled.refunds[0].state) == (State.PARTLY_REFUNDED, RefundState.COMPLETED)
    assert shop.world.gateway.paid_back(payment.current.reference) == 100


async def test_a_slow_refund_that_fails_leaves_the_money_with_us(shop) -> None:
    payment = await shop.refund(await shop.paid(SLOW))
    await shop.world.gateway.finish_refunds(payment.current.reference, succeeds=False)
    settled = await shop.settle(payment)
    assert (settled.state, settled.refundable) == (State.SUCCEEDED, settled.amount)


async def test_card_numbers_are_refused_before_anything_is_written(shop) -> None:
    payment = await shop.paid()
    rows = len(shop.world.journal.rows)
    with pytest.raises(InvalidArgument, match="CARD_NUMBER_REFUSED"):
        await shop.confirm(payment, "pm_4242424242424242")
    with pytest.raises(InvalidArgument, match="CARD_NUMBER_REFUSED"):
        await shop.refund(payment, reason="to 4242 4242 4242 4242")
    assert len(shop.world.journal.rows) == rows


def cancelled(payment: str = "", due: int | None = None) -> booking_facts.BookingCancelled:
    booking = booking_pb2.Booking(name=BOOKING, payment=payment)
    money = None if due is None else MoneyMessage(currency_code="CAD", units=due)
    return booking_facts.BookingCancelled(booking=booking, refund_due=money)


async def test_a_cancelled_booking_is_paid_back_once_what_it_is_due(shop) -> None:
    payment = await shop.paid()
    for _ in range(2):
        await shop.hear(cancelled(payment.name, due=10))
    after = await shop.world.payments.get(payment.name)
    assert [(each.id, each.amount, each.requester) for each in after.refunds] == [
        ("01event", Money(1000, "CAD"), "services/payment")
    ]
    assert after.state is State.PARTLY_REFUNDED


async def test_a_cancelled_booking_calls_its_open_payment_off(shop) -> None:
    payment = await shop.create()
    for _ in range(2):
        await shop.hear(cancelled())
    after = await shop.world.payments.get(payment.name)
    assert (after.state, after.open) == (State.CANCELLED, False)
    with pytest.raises(FailedPrecondition, match="PAYMENT_CANCELLED"):
        await shop.confirm(payment)


async def test_money_that_came_before_it_could_be_called_off_stays_until_it_is_unclaimed(shop) -> None:
    payment = await shop.create()
    shop.world.gateway.confirmed(payment.current.reference, VISA)
    await shop.hear(cancelled())
    assert (await shop.world.payments.get(payment.name)).state is State.SUCCEEDED
    unclaimed = booking_facts.PaymentUnclaimed(payment=payment.name, reason="BOOKING_CANCELLED")
    for _ in range(2):
        await shop.hear(unclaimed, "01OTHER")
    after = await shop.world.payments.get(payment.name)
    assert (after.state, len(after.refunds)) == (State.REFUNDED, 1)


async def test_the_worker_finds_what_is_open_and_rests_otherwise(shop) -> None:
    w = shop.world
    payment = await shop.create()
    w.gateway.faults = ["after"]
    with pytest.raises(Unavailable):
        await shop.confirm(payment)

    async def settle(name: str) -> Payment:
        return await settle_payment(w.payments, w.gateways, name, clock=w.now)

    worker = SettlingWorker(w.work, settle, w.now)
    assert await worker.do_due() == 0
    w.time += timedelta(seconds=2)
    asked = w.gateway.calls.total()
    with worker.confirmations.hold(payment.name):
        assert await worker.do_due() == 0
    assert w.gateway.calls.total() == asked
    w.gateway.faults = ["before"]
    assert await worker.do_due() == 1
    assert await worker.do_due() == 0
    w.time += timedelta(seconds=3)
    assert await worker.do_due() == 1
    assert (await w.payments.get(payment.name)).state is State.SUCCEEDED
    w.time += timedelta(days=1)
    assert await worker.do_due() == 0


async def test_a_notice_that_says_what_is_known_asks_nobody_and_writes_nothing(shop) -> None:
    w = shop.world
    paid = await shop.confirm(await shop.create())
    notice = replace(w.gateway.notices[-1], id="evt_paid", paid=True)
    calls = w.gateway.calls.total()
    await receive_notice(w.payments, w.gateways, "stripe", notice, clock=w.now)
    assert (w.gateway.calls.total(), await w.payments.get(paid.name)) == (calls, paid)


async def test_a_notice_that_says_that_another_order_was_paid_is_looked_into(shop) -> None:
    """INVARIANT: money that nobody knows of yet is never passed over."""
    w = shop.world
    payment = await shop.create()
    w.gateway.confirmed(payment.current.reference, VISA)
    notice = replace(w.gateway.notices[-1], paid=True)
    await receive_notice(w.payments, w.gateways, "stripe", notice, clock=w.now)
    assert (await w.payments.get(payment.name)).state is State.SUCCEEDED


async def test_a_confirmation_reads_nothing_where_this_process_wrote_the_payment_last(shop, monkeypatch) -> None:
    w = shop.world
    payment = await shop.create()
    reads = []
    monkeypatch.setattr(w.payments, "_read", reads.append)
    monkeypatch.setattr(w.payments, "answer_to", reads.append)
    assert (await shop.confirm(payment)).state is State.SUCCEEDED
    assert not reads


async def test_what_others_have_tried_meanwhile_counts_and_not_what_this_process_remembers(shop) -> None:
    """INVARIANT: an order is tried again only as the payment stands, whoever wrote it."""
    w = shop.world
    w.gateway.keeps_tries = False
    payment = await shop.create()
    other = MongoPayments(w.payments._journal)
    declined = await confirm_payment(
        other, w.gateways, payment.name, "pm_card_chargeDeclined", cause=Cause("theirs"), clock=w.now
    )
    assert declined.state is State.FAILED
    assert w.payments.written_last(payment.name).untried
    paid = await shop.confirm(payment)
    assert (paid.state, len(paid.attempts), paid.paid_by) == (State.SUCCEEDED, 2, 2)


async def test_a_repeated_confirmation_gets_its_answer_from_a_process_that_remembers_an_older_state(shop) -> None:
    w = shop.world
    payment = await shop.create()
    cause = Cause("the same")
    first = await confirm_payment(
        MongoPayments(w.payments._journal), w.gateways, payment.name, VISA, cause=cause, clock=w.now
    )
    again = await confirm_payment(w.payments, w.gateways, payment.name, VISA, cause=cause, clock=w.now)
    assert (again.state, again.version) == (first.state, first.version) == (State.SUCCEEDED, 3)
    assert w.gateway.charges.total() == 1

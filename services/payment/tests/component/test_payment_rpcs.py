"""The payment service called as clients call it: every interceptor, the real SDK, the card network's sandbox."""

import asyncio
import logging
import time

import pytest
import stripe
from google.api.httpbody_pb2 import HttpBody

from access import Role
from domain_kit.refusals import (
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Refusal,
    Unauthenticated,
    Unavailable,
)
from usher.booking.v1 import booking_pb2
from usher.payment.v1 import payment_pb2
from usher.payment.v1 import payment_service_pb2 as pb

SUCCEEDED, FAILED, REQUIRES_ACTION = (
    payment_pb2.PAYMENT_STATE_SUCCEEDED, payment_pb2.PAYMENT_STATE_FAILED, payment_pb2.PAYMENT_STATE_REQUIRES_ACTION,
)  # fmt: skip


async def test_a_booking_is_paid_for_exactly_what_it_owes(running, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    buyer = running.buyer()
    payment = await buyer.payment(units=42)
    paid = await buyer.confirm(payment.name)
    assert (paid.state, paid.amount.units, paid.payer) == (SUCCEEDED, 42, buyer.name)
    assert paid.gateway_reference.startswith("pi_")
    totals = await running.sandbox.get("totals")
    assert (totals["currencies"]["cad"]["charges"], totals["currencies"]["cad"]["charged"]) == (1, 4200)
    # telemetry.configure_logging never lets these below WARNING.
    ours = [each for each in caplog.records if not each.name.startswith(("pymongo", "stripe", "httpx"))]
    logged = "\n".join(each.getMessage() for each in ours)
    assert logged
    for secret in (payment.client_secret, "pm_card_visa", "sk_test", "whsec"):
        assert secret not in logged


async def test_who_may_see_what(running) -> None:
    buyer, stranger = running.buyer(), running.buyer()
    payment = await buyer.payment()
    assert payment.client_secret
    assert (await buyer.get(payment.name)).client_secret == payment.client_secret
    request = pb.GetPaymentRequest(name=payment.name)
    assert (await buyer.stub.GetPayment(request, metadata=buyer.member(Role.FINANCE))).client_secret == ""
    for metadata in (stranger.metadata, buyer.member(Role.CHECK_IN)):
        with pytest.raises(PermissionDenied):
            await buyer.stub.GetPayment(request, metadata=metadata)
    with pytest.raises(PermissionDenied):
        await stranger.confirm(payment.name)
    with pytest.raises(PermissionDenied):
        await stranger.payment(payment.booking)
    with pytest.raises(PermissionDenied):
        await buyer.stub.RefundPayment(pb.RefundPaymentRequest(name=payment.name), metadata=buyer.metadata)


async def test_a_member_who_may_read_a_booking_still_does_not_pay_it(running) -> None:
    buyer = running.buyer()
    booking = running.booking.held(buyer.name)
    request = pb.CreatePaymentRequest(payment=payment_pb2.Payment(booking=booking.name))
    with pytest.raises(PermissionDenied) as caught:
        await buyer.stub.CreatePayment(request, metadata=buyer.member(Role.MANAGER))
    assert caught.value.reason == "NOT_THE_BUYER"


async def test_what_cannot_be_paid_is_refused_with_its_reason(running) -> None:
    buyer = running.buyer()
    free, gone = running.booking.held(buyer.name, units=0), running.booking.held(buyer.name)
    gone.state = booking_pb2.BOOKING_STATE_CANCELLED
    uneven = running.booking.held(buyer.name, currency="KWD")
    uneven.total.nanos = 1_000_000
    for booking, kind, reason in [
        (free, FailedPrecondition, "NOTHING_OWED"),
        (gone, FailedPrecondition, "BOOKING_NOT_PAYABLE"),
        (uneven, InvalidArgument, "AMOUNT_NOT_CHARGEABLE"),
    ]:
        with pytest.raises(kind) as caught:
            await buyer.payment(booking.name, method="card")
        assert caught.value.reason == reason
    with pytest.raises(InvalidArgument) as missing:
        await buyer.stub.CreatePayment(pb.CreatePaymentRequest(payment={}), metadata=buyer.metadata)
    assert missing.value.violations[0].field == "payment.booking"


async def test_twenty_at_once_get_one_payment_of_a_booking(running) -> None:
    buyer = running.buyer()
    booking = running.booking.held(buyer.name)
    payments = await asyncio.gather(*(buyer.payment(booking.name) for _ in range(20)))
    assert len({payment.name for payment in payments}) == 1


async def test_a_decline_is_an_answer_and_another_card_may_be_tried(running) -> None:
    buyer = running.buyer()
    payment = await buyer.payment()
    declined = await buyer.confirm(payment.name, "pm_card_chargeDeclinedInsufficientFunds")
    assert (declined.state, declined.failure.code) == (FAILED, "card_declined")
    assert declined.failure.message == "Your card has insufficient funds."
    assert (await buyer.confirm(payment.name, "pm_nonsense")).failure.code == "resource_missing"
    assert (await buyer.confirm(payment.name)).state == SUCCEEDED
    with pytest.raises(FailedPrecondition) as caught:
        await buyer.confirm(payment.name)
    assert caught.value.reason == "PAYMENT_SUCCEEDED"


@pytest.mark.parametrize("request_id", ["same", ""])
async def test_twenty_confirmations_at_once_make_one_charge(running, request_id: str) -> None:
    """INVARIANT: one payment is charged once."""
    buyer = running.buyer()
    payment = await buyer.payment()
    answers = await asyncio.gather(
        *(buyer.confirm(payment.name, request_id=request_id) for _ in range(20)), return_exceptions=True
    )
    assert await running.sandbox.captures(payment.gateway_reference) == 1
    told = [answer for answer in answers if not isinstance(answer, Refusal)]
    assert {answer.state for answer in told} == {SUCCEEDED}
    assert len(told) == (20 if request_id else 1)
    assert len({answer.etag for answer in told}) == 1


async def test_the_payers_bank_decides_and_a_webhook_tells(running, until) -> None:
    buyer = running.buyer()
    payment = await buyer.payment()
    asked = await buyer.confirm(payment.name, "pm_card_authenticationRequired")
    assert (asked.state, asked.next_action_uri[:7]) == (REQUIRES_ACTION, "http://")
    await running.sandbox.authenticate(payment.gateway_reference, passes=True)

    async def paid() -> bool:
        return (await buyer.get(payment.name)).state == SUCCEEDED

    await until(paid)


async def test_a_webhook_with_any_other_signature_is_refused(running, until) -> None:
    buyer = running.buyer()
    before, body, signature = await running.untold_success(buyer, until)
    text, stamp = body.decode(), signature.partition(",")[0]
    forge = stripe.WebhookSignature.generate_signature_header
    wrong = [
        (body, ""),
        (body, "t=1"),
        (body, "nonsense"),
        (body, signature[:-1] + ("0" if signature[-1] != "0" else "1")),
        (body, signature.replace(stamp, "t=1")),
        (body.replace(b"succeeded", b"Succeeded", 1), signature),
        (body + b" ", signature),
        (b"\xff" + body, signature),
        (body, forge(text, "whsec_wrong")),
        (body, forge(text, running.secret, int(time.time()) - 600)),
    ]
    for place in range(0, len(body), max(1, len(body) // 20)):
        wrong.append((body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :], signature))
    for mutated, signed in wrong:
        with pytest.raises(Unauthenticated) as caught:
            await running.door.deliver(mutated, signed)
        assert caught.value.reason in ("WEBHOOK_SIGNATURE_INVALID", "WEBHOOK_TOO_OLD")
    assert (await buyer.get(before.name)).state == REQUIRES_ACTION
    with pytest.raises(InvalidArgument, match="WEBHOOK_BODY_INVALID"):
        await running.door.deliver(b"[]", forge("[]", running.secret))
    assert await running.door.deliver(body, forge(text, "whsec_old")) == b"{}"
    await until(lambda: paid(buyer, before.name))


async def paid(buyer, name: str) -> bool:
    return (await buyer.get(name)).state == SUCCEEDED


async def test_only_gateways_that_are_configured_and_tell_something_are_heard(running) -> None:
    stub = running.buyer().stub
    for gateway in ("paypal", "bank_transfer", "nobody"):
        with pytest.raises(NotFound, match="GATEWAY_UNKNOWN"):
            await stub.ReceiveWebhook(pb.ReceiveWebhookRequest(gateway=gateway))


async def test_a_webhook_that_is_faster_than_its_payment_or_about_another_shops_is_taken(running) -> None:
    body = '{"id": "evt_1", "data": {"object": {"object": "payment_intent", "id": "pi_elsewhere"}}}'
    signature = stripe.WebhookSignature.generate_signature_header(body, running.secret)
    assert await running.door.deliver(body.encode(), signature) == b"{}"


async def test_the_former_address_of_stripes_webhooks_is_still_heard(running, until) -> None:
    buyer = running.buyer()
    before, body, signature = await running.untold_success(buyer, until)
    request = HttpBody(content_type="application/json", data=body)
    answer = await buyer.stub.ReceiveStripeWebhook(request, metadata=(("stripe-signature", signature),))
    assert answer.data == b"{}"
    await until(lambda: paid(buyer, before.name))


async def test_lost_answers_are_settled_without_webhooks_and_charged_once(running, until) -> None:
    buyer = running.buyer()
    payment = await buyer.payment()
    await running.sandbox.post("switches", drop_answers=3, hold_webhooks=True)
    with pytest.raises(Unavailable) as caught:
        await buyer.confirm(payment.name, request_id="once")
    assert caught.value.reason == "GATEWAY_UNAVAILABLE"

    async def paid() -> bool:
        return (await buyer.get(payment.name)).state == SUCCEEDED

    await until(paid)
    assert (await buyer.confirm(payment.name, request_id="once")).state == SUCCEEDED
    assert await running.sandbox.captures(payment.gateway_reference) == 1


async def test_an_answer_that_comes_too_late_is_settled_and_charged_once(running, until) -> None:
    buyer = running.buyer()
    payment = await buyer.payment()
    await running.sandbox.post("switches", delay_seconds=3.0, hold_webhooks=True)
    with pytest.raises(Unavailable):
        await buyer.confirm(payment.name, request_id="once")
    await running.sandbox.post("switches", delay_seconds=0.0)

    async def paid() -> bool:
        return (await buyer.get(payment.name)).state == SUCCEEDED

    await until(paid)
    assert await running.sandbox.captures(payment.gateway_reference) == 1


async def test_a_gateway_that_fails_charges_nothing_and_the_same_request_goes_on(running) -> None:
    buyer = running.buyer()
    payment = await buyer.payment()
    await running.sandbox.post("switches", fail_requests=3)
    with pytest.raises(Unavailable):
        await buyer.confirm(payment.name, request_id="once")
    assert await running.sandbox.captures(payment.gateway_reference) == 0
    assert (await buyer.confirm(payment.name, request_id="once")).state == SUCCEEDED


async def test_webhooks_twice_and_in_any_order_change_nothing_more(running, until) -> None:
    buyer = running.buyer()
    await running.sandbox.post("switches", duplicate_webhooks=True, reorder_webhooks=True)
    payment = await buyer.payment()
    await buyer.confirm(payment.name, "pm_card_chargeDeclined")
    paid = await buyer.confirm(payment.name)

    async def all_delivered() -> bool:
        webhooks = (await running.sandbox.get("totals"))["webhooks"]
        return webhooks["pending"] == 0 and webhooks["delivered"] >= 2

    await until(all_delivered)
    assert (await buyer.get(payment.name)).etag == paid.etag


async def test_refunds_in_parts_up_to_what_came(running, until) -> None:
    buyer = running.buyer()
    payment = await buyer.confirm((await buyer.payment(units=20)).name)
    answers = await asyncio.gather(*(buyer.refund(payment.name, 8) for _ in range(5)), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, FailedPrecondition)]
    assert {(each.reason, each.metadata["refundable"]) for each in refused} == {("REFUND_EXCEEDS_CAPTURE", "4.00 CAD")}
    assert len(refused) == 3
    after = await buyer.refund(payment.name)
    assert (after.state, after.refunded_amount.units) == (payment_pb2.PAYMENT_STATE_REFUNDED, 20)
    assert {each.state for each in after.refunds} == {payment_pb2.REFUND_STATE_COMPLETED}
    assert (await running.sandbox.get("totals"))["currencies"]["cad"]["refunded"] == 2000


async def test_the_price_of_a_change_is_paid_by_a_second_payment_at_the_card_network(running, until) -> None:
    buyer = running.buyer()
    first = await buyer.confirm((await buyer.payment(units=20)).name)
    running.booking.changed(first.booking, 7, first.name)
    second = await buyer.confirm((await buyer.payment(first.booking)).name)
    assert (second.state, second.amount.units, second.booking) == (SUCCEEDED, 7, first.booking)
    part = await buyer.refund(second.name, 3)
    assert (part.state, part.refunded_amount.units) == (payment_pb2.PAYMENT_STATE_PARTLY_REFUNDED, 3)
    totals = (await running.sandbox.get("totals"))["currencies"]["cad"]
    assert (totals["charged"], totals["refunded"]) == (2700, 300)


async def test_a_refund_while_the_gateway_is_away_is_finished_later(running, until) -> None:
    buyer = running.buyer()
    payment = await buyer.confirm((await buyer.payment()).name)
    await running.sandbox.post("switches", drop_answers=3, hold_webhooks=True)
    pending = await buyer.refund(payment.name, 5)
    assert pending.refunds[0].state == payment_pb2.REFUND_STATE_PENDING

    async def completed() -> bool:
        return (await buyer.get(payment.name)).refunds[0].state == payment_pb2.REFUND_STATE_COMPLETED

    await until(completed)
    assert (await running.sandbox.get("totals"))["currencies"]["cad"]["refunded"] == 500


async def test_card_numbers_are_refused(running) -> None:
    buyer = running.buyer()
    payment = await buyer.payment()
    with pytest.raises(InvalidArgument) as caught:
        await buyer.confirm(payment.name, "pm_4242424242424242")
    assert (caught.value.reason, caught.value.violations[0].field) == ("CARD_NUMBER_REFUSED", "payment_method")


async def test_a_user_lists_what_they_paid_newest_first(running) -> None:
    buyer = running.buyer()
    made = [(await buyer.payment()).name for _ in range(3)]
    request = pb.ListUserPaymentsRequest(parent=buyer.name, page_size=2)
    first = await buyer.stub.ListUserPayments(request, metadata=buyer.metadata)
    request.page_token = first.next_page_token
    second = await buyer.stub.ListUserPayments(request, metadata=buyer.metadata)
    assert [each.name for each in [*first.payments, *second.payments]] == made[::-1]
    assert not second.next_page_token
    with pytest.raises(PermissionDenied):
        await buyer.stub.ListUserPayments(request, metadata=running.buyer().metadata)

"""Ways to pay, who may see and do what, and what organizers say, called as clients call it."""

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from access import Role
from domain_kit.refusals import (
    FailedPrecondition,
    InvalidArgument,
    PermissionDenied,
)
from usher.payment.v1 import payment_pb2
from usher.payment.v1 import payment_service_pb2 as pb

SUCCEEDED, REQUIRES_ACTION = payment_pb2.PAYMENT_STATE_SUCCEEDED, payment_pb2.PAYMENT_STATE_REQUIRES_ACTION


async def test_the_payments_of_a_booking_and_of_an_organizer_are_for_those_whom_they_concern(running) -> None:
    buyer = running.buyer()
    made = await buyer.payment()
    of_booking = pb.ListBookingPaymentsRequest(parent=made.booking)
    for metadata in (buyer.metadata, buyer.member(Role.FINANCE)):
        answer = await buyer.stub.ListBookingPayments(of_booking, metadata=metadata)
        assert [each.name for each in answer.payments] == [made.name]
    with pytest.raises(PermissionDenied):
        await buyer.stub.ListBookingPayments(of_booking, metadata=running.buyer().metadata)
    of_organizer = pb.ListOrganizerPaymentsRequest(parent=made.organizer)
    answer = await buyer.stub.ListOrganizerPayments(of_organizer, metadata=buyer.member(Role.FINANCE))
    assert [(each.name, each.client_secret, dict(each.client_parameters)) for each in answer.payments] == [
        (made.name, "", {})
    ]
    with pytest.raises(PermissionDenied):
        await buyer.stub.ListOrganizerPayments(of_organizer, metadata=buyer.metadata)


async def test_a_booking_says_how_it_can_be_paid_and_why_so(running) -> None:
    buyer = running.buyer()
    booking = running.booking.held(buyer.name).name
    methods = await buyer.stub.ListPaymentMethods(pb.ListPaymentMethodsRequest(parent=booking), metadata=buyer.metadata)
    assert [(each.method, list(each.gateways)) for each in methods.payment_methods] == [
        ("card", ["stripe"]), ("apple_pay", ["stripe"]), ("google_pay", ["stripe"]),
        ("bank_transfer", ["bank_transfer"]),
    ]  # fmt: skip
    routes = await buyer.stub.RoutePayment(
        pb.RoutePaymentRequest(parent=booking, method="card"), metadata=buyer.metadata
    )
    assert [(each.gateway, each.fee.units, each.fee.nanos) for each in routes.routes] == [("stripe", 0, 880_000_000)]
    assert "the platform's choice" in routes.routes[0].reasons
    assert [(each.gateway, each.reason) for each in routes.left_out] == [("bank_transfer", "NOT_TAKEN")]
    payment = await buyer.payment(booking)
    assert [each.gateway for each in payment.attempts[0].routes][:1] == ["stripe"]
    assert payment.client_parameters["publishable_key"].startswith("pk_test_")


async def test_money_by_bank_transfer_is_marked_by_who_may_say_so(running) -> None:
    buyer = running.buyer()
    payment = await buyer.payment(method="bank_transfer")
    assert (payment.state, payment.action.kind) == (
        REQUIRES_ACTION, payment_pb2.PAYMENT_ACTION_KIND_INSTRUCTIONS,
    )  # fmt: skip
    assert "DE02120300000000202051" in payment.action.value
    request = pb.MarkPaymentReceivedRequest(name=payment.name)
    with pytest.raises(PermissionDenied):
        await buyer.stub.MarkPaymentReceived(request, metadata=buyer.metadata)
    received = await buyer.stub.MarkPaymentReceived(request, metadata=buyer.member(Role.FINANCE))
    assert (received.state, received.attempts[0].state) == (SUCCEEDED, payment_pb2.PAYMENT_ATTEMPT_STATE_PAID)
    back = (await buyer.refund(payment.name)).refunds[0]
    assert back.state == payment_pb2.REFUND_STATE_PENDING
    paid = pb.MarkRefundPaidRequest(name=payment.name, refund_id=back.id)
    with pytest.raises(PermissionDenied):
        await buyer.stub.MarkRefundPaid(paid, metadata=buyer.metadata)
    gone = await buyer.stub.MarkRefundPaid(paid, metadata=buyer.member(Role.FINANCE))
    assert (gone.state, gone.refunds[0].state) == (
        payment_pb2.PAYMENT_STATE_REFUNDED, payment_pb2.REFUND_STATE_COMPLETED,
    )  # fmt: skip
    card = await buyer.payment()
    with pytest.raises(FailedPrecondition, match="NOT_PAID_BY_HAND"):
        await buyer.stub.MarkPaymentReceived(
            pb.MarkPaymentReceivedRequest(name=card.name), metadata=buyer.member(Role.FINANCE)
        )


async def test_a_payer_who_changes_to_another_way_pays_once(running) -> None:
    buyer = running.buyer()
    card = await buyer.payment()
    transfer = await buyer.payment(card.booking, method="bank_transfer")
    assert (transfer.gateway, (await buyer.get(card.name)).state) == (
        "bank_transfer", payment_pb2.PAYMENT_STATE_CANCELLED,
    )  # fmt: skip
    back = await buyer.confirm((await buyer.payment(card.booking, method="card")).name)
    assert back.state == SUCCEEDED
    assert (await buyer.get(transfer.name)).state == payment_pb2.PAYMENT_STATE_CANCELLED


async def test_a_payer_may_call_a_payment_off_until_it_is_paid(running) -> None:
    buyer = running.buyer()
    request = pb.CancelPaymentRequest(name=(await buyer.payment()).name, request_id="once")
    for _ in range(2):
        gone = await buyer.stub.CancelPayment(request, metadata=buyer.metadata)
        assert gone.state == payment_pb2.PAYMENT_STATE_CANCELLED
    done = await buyer.confirm((await buyer.payment()).name)
    with pytest.raises(FailedPrecondition, match="PAYMENT_SUCCEEDED"):
        await buyer.stub.CancelPayment(pb.CancelPaymentRequest(name=done.name), metadata=buyer.metadata)


async def test_a_dispute_is_heard_and_holds_refunds_up_until_it_is_over(running, until) -> None:
    buyer = running.buyer()
    paid = await buyer.confirm((await buyer.payment()).name)

    async def stands(state: int) -> None:
        async def there() -> bool:
            return (await buyer.get(paid.name)).state == state

        await until(there)

    await running.sandbox.post(f"payment_intents/{paid.gateway_reference}/dispute", open=True)
    await stands(payment_pb2.PAYMENT_STATE_DISPUTED)
    with pytest.raises(FailedPrecondition, match="PAYMENT_DISPUTED"):
        await buyer.refund(paid.name)
    await running.sandbox.post(f"payment_intents/{paid.gateway_reference}/dispute", open=False)
    await stands(SUCCEEDED)
    await running.sandbox.post(f"payment_intents/{paid.gateway_reference}/dispute", open=True)
    await stands(payment_pb2.PAYMENT_STATE_DISPUTED)
    await running.sandbox.post(f"payment_intents/{paid.gateway_reference}/dispute", open=False, won=False)
    await stands(payment_pb2.PAYMENT_STATE_REFUNDED)
    lost = (await buyer.get(paid.name)).refunds[0]
    assert (lost.charged_back, lost.amount, lost.dispute_fee.units) == (True, paid.amount, 15)


async def test_what_an_organizer_says_about_gateways_holds_from_the_next_payment(running) -> None:
    buyer = running.buyer()
    finance = buyer.member(Role.FINANCE)
    name = f"{running.booking.held(buyer.name).organizer}/paymentSettings"
    usual = await buyer.stub.GetPaymentSettings(pb.GetPaymentSettingsRequest(name=name), metadata=finance)
    wanted = payment_pb2.PaymentSettings(name=name, reserve_only=True, excluded_gateways=["paypal"], etag=usual.etag)
    request = pb.UpdatePaymentSettingsRequest(payment_settings=wanted, update_mask=FieldMask(paths=["reserve_only"]))
    with pytest.raises(PermissionDenied):
        await buyer.stub.UpdatePaymentSettings(request, metadata=buyer.metadata)
    said = await buyer.stub.UpdatePaymentSettings(request, metadata=finance)
    assert (said.reserve_only, list(said.excluded_gateways)) == (True, [])
    reserved = await buyer.confirm((await buyer.payment()).name)
    assert (reserved.state, await running.sandbox.captures(reserved.gateway_reference)) == (
        payment_pb2.PAYMENT_STATE_AUTHORIZED, 0,
    )  # fmt: skip
    taken = await buyer.stub.CapturePayment(pb.CapturePaymentRequest(name=reserved.name), metadata=finance)
    assert (taken.state, await running.sandbox.captures(reserved.gateway_reference)) == (SUCCEEDED, 1)


@pytest.mark.parametrize("field", ["payment_method", "reason", "method", "request_id"])
async def test_a_card_number_is_refused_in_any_field(running, field: str) -> None:
    buyer = running.buyer()
    payment = await buyer.payment()
    number = "4242424242424242"
    with pytest.raises(InvalidArgument, match="CARD_NUMBER_REFUSED") as caught:
        if field == "payment_method":
            await buyer.confirm(payment.name, number)
        elif field == "reason":
            refund = pb.RefundPaymentRequest(name=payment.name, reason=number)
            await buyer.stub.RefundPayment(refund, metadata=buyer.member(Role.FINANCE))
        else:
            await buyer.payment(**{field: number})
    assert number not in str(caught.value)


async def test_a_booking_in_yen_is_charged_and_paid_back_in_whole_yen(running) -> None:
    """JPY has no minor unit; the card network counts it so too."""
    buyer = running.buyer()
    payment = await buyer.payment(units=15998, currency="JPY")
    paid = await buyer.confirm(payment.name)
    assert (paid.state, paid.amount.currency_code, paid.amount.units) == (SUCCEEDED, "JPY", 15998)
    with pytest.raises(InvalidArgument, match="CURRENCY_MISMATCH"):
        await buyer.refund(payment.name, 10, currency="CAD")
    refunded = await buyer.refund(payment.name, 7999, currency="JPY")
    assert (refunded.state, refunded.refunded_amount.units) == (payment_pb2.PAYMENT_STATE_PARTLY_REFUNDED, 7999)
    totals = (await running.sandbox.get("totals"))["currencies"]
    assert (totals["jpy"]["charged"], totals["jpy"]["refunded"]) == (15998, 7999)


async def test_anybody_hears_in_which_currencies_an_organizer_can_be_paid(running) -> None:
    asked = pb.ListPaymentCurrenciesRequest(parent=f"organizers/{'a' * 26}")
    codes = (await running.buyer().stub.ListPaymentCurrencies(asked)).currency_codes
    assert {"JPY", "CAD"} <= set(codes)
    assert "CLF" not in codes
    assert list(codes) == sorted(codes)


async def test_a_currency_that_no_gateway_takes_is_said_to_be_that(running) -> None:
    buyer = running.buyer()
    booking = running.booking.held(buyer.name, currency="CLF").name
    for call, request in (
        (buyer.stub.ListPaymentMethods, pb.ListPaymentMethodsRequest(parent=booking)),
        (buyer.stub.CreatePayment, pb.CreatePaymentRequest(payment=payment_pb2.Payment(booking=booking))),
    ):
        with pytest.raises(FailedPrecondition) as caught:
            await call(request, metadata=buyer.metadata)
        assert (caught.value.reason, caught.value.metadata) == ("CURRENCY_NOT_TAKEN", {"currency_code": "CLF"})
    routes = await buyer.stub.RoutePayment(pb.RoutePaymentRequest(parent=booking), metadata=buyer.metadata)
    assert ({each.reason for each in routes.left_out}, list(routes.routes)) == ({"NOT_TAKEN"}, [])

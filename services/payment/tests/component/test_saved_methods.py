"""Ways to pay that are kept: with consent, for their payer alone, and until they are removed."""

import pytest

from domain_kit.refusals import FailedPrecondition, InvalidArgument, NotFound, PermissionDenied, Unavailable
from usher.payment.v1 import payment_pb2
from usher.payment.v1 import saved_payment_method_service_pb2 as pb
from usher.payment.v1.saved_payment_method_service_pb2_grpc import SavedPaymentMethodServiceStub

SUCCEEDED = payment_pb2.PAYMENT_STATE_SUCCEEDED


@pytest.fixture
def stub(everywhere) -> SavedPaymentMethodServiceStub:
    return SavedPaymentMethodServiceStub(everywhere.calls.channel)


async def save(stub, buyer, token="pm_card_visa", gateway="stripe", *, consent=True, parent="", request_id=""):
    request = pb.SavePaymentMethodRequest(
        parent=parent or buyer.name, gateway=gateway, payment_method=token, consent=consent, request_id=request_id
    )
    return await stub.SavePaymentMethod(request, metadata=buyer.metadata)


async def listed(stub, buyer):
    request = pb.ListSavedPaymentMethodsRequest(parent=buyer.name)
    return await stub.ListSavedPaymentMethods(request, metadata=buyer.metadata)


async def test_a_card_is_saved_paid_with_and_removed(everywhere, stub) -> None:
    buyer = everywhere.buyer()
    for _ in range(2):
        saved = (await save(stub, buyer, request_id="once")).saved_payment_method
    other = (await save(stub, buyer, "cnon:card-nonce-ok", "square")).saved_payment_method
    assert (saved.gateway, saved.method, saved.brand, saved.ending) == ("stripe", "card", "visa", "4242")
    assert saved.consent_time.seconds > 0
    shown = await listed(stub, buyer)
    assert {each.name for each in shown.saved_payment_methods} == {saved.name, other.name}
    paid = await buyer.confirm((await buyer.payment(currency="USD")).name, saved.name)
    assert (paid.state, paid.gateway) == (SUCCEEDED, "stripe")
    for each in (saved, other, saved):
        request = pb.DeleteSavedPaymentMethodRequest(name=each.name)
        await stub.DeleteSavedPaymentMethod(request, metadata=buyer.metadata)
    assert not (await listed(stub, buyer)).saved_payment_methods
    with pytest.raises(NotFound):
        await buyer.confirm((await buyer.payment(currency="USD")).name, saved.name)


async def test_nothing_is_kept_without_consent(everywhere, stub) -> None:
    buyer = everywhere.buyer()
    with pytest.raises(FailedPrecondition, match="CONSENT_REQUIRED"):
        await save(stub, buyer, consent=False)
    assert not (await listed(stub, buyer)).saved_payment_methods


async def test_a_gateway_that_keeps_nothing_says_so(everywhere, stub) -> None:
    with pytest.raises(FailedPrecondition, match="SAVING_NOT_TAKEN"):
        await save(stub, everywhere.buyer(), "token", "paypal")


async def test_what_the_bank_says_is_an_answer(everywhere, stub) -> None:
    buyer = everywhere.buyer()
    declined = await save(stub, buyer, "pm_card_chargeDeclined")
    assert (declined.failure.code, declined.HasField("saved_payment_method")) == ("card_declined", False)
    asked = await save(stub, buyer, "pm_card_authenticationRequired")
    assert asked.action.kind == payment_pb2.PAYMENT_ACTION_KIND_REDIRECT


async def test_a_saved_card_is_its_payers_alone(everywhere, stub) -> None:
    """INVARIANT: nobody pays with, sees or removes what is kept for another."""
    buyer, thief = everywhere.buyer(), everywhere.buyer()
    saved = (await save(stub, buyer)).saved_payment_method
    payment = await thief.payment(currency="USD")
    with pytest.raises(PermissionDenied):
        await thief.confirm(payment.name, saved.name)
    with pytest.raises(InvalidArgument, match="TOKEN_INVALID"):
        await thief.confirm(payment.name, "saved:cus_x:pm_x")
    with pytest.raises(PermissionDenied):
        await save(stub, thief, parent=buyer.name)
    with pytest.raises(PermissionDenied):
        await stub.DeleteSavedPaymentMethod(
            pb.DeleteSavedPaymentMethodRequest(name=saved.name), metadata=thief.metadata
        )
    with pytest.raises(PermissionDenied):
        await stub.ListSavedPaymentMethods(
            pb.ListSavedPaymentMethodsRequest(parent=buyer.name), metadata=thief.metadata
        )
    assert len((await listed(stub, buyer)).saved_payment_methods) == 1


async def test_what_another_gateway_keeps_is_named(everywhere, stub) -> None:
    buyer = everywhere.buyer()
    saved = (await save(stub, buyer, "cnon:card-nonce-ok", "square")).saved_payment_method
    payment = await buyer.payment(currency="USD")
    with pytest.raises(FailedPrecondition, match="SAVED_ELSEWHERE") as caught:
        await buyer.confirm(payment.name, saved.name)
    assert caught.value.metadata["gateway"] == "square"
    paid = await buyer.confirm((await buyer.payment(currency="USD", gateway="square")).name, saved.name)
    assert (paid.state, paid.gateway) == (SUCCEEDED, "square")


async def test_a_gateway_that_does_not_answer_is_named_and_nothing_is_taken_for_gone(everywhere, stub) -> None:
    buyer = everywhere.buyer()
    saved = (await save(stub, buyer, "cnon:card-nonce-ok", "square")).saved_payment_method
    await everywhere.sandbox.post("square/switches", fail_requests=9)
    shown = await listed(stub, buyer)
    assert (list(shown.saved_payment_methods), list(shown.silent_gateways)) == ([], ["square"])
    with pytest.raises(Unavailable):
        await stub.DeleteSavedPaymentMethod(
            pb.DeleteSavedPaymentMethodRequest(name=saved.name), metadata=buyer.metadata
        )


async def test_a_lost_answer_to_saving_keeps_one(everywhere, stub) -> None:
    buyer = everywhere.buyer()
    await save(stub, buyer, "pm_card_chargeDeclined")  # Stripe knows the payer by now
    await everywhere.sandbox.post("stripe/switches", drop_answers=1)
    saved = await save(stub, buyer, request_id="once")
    assert saved.saved_payment_method.name == (await listed(stub, buyer)).saved_payment_methods[0].name
    assert len((await listed(stub, buyer)).saved_payment_methods) == 1

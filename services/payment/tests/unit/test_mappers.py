"""Every field of a payment survives the way to the store, and is told on the wire to whom it concerns."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_kit.money import Money
from domain_kit.refusals import InvalidArgument
from mongo_store import as_stored
from payment_service.domain import domain_events
from payment_service.domain.gateway import Failure
from payment_service.domain.payment import Payment
from payment_service.domain.refund import Refund, RefundState
from payment_service.domain.states import State
from payment_service.outbound.documents import from_document, to_document
from payment_service.outbound.domain_events import MESSAGES, encode
from payment_service.outbound.stripe_money import stripe_amount
from payment_service.wire.bookings import owed_from_wire
from payment_service.wire.payments import payment_to_wire
from resource_api import etag_of, money_from_wire, money_to_wire, time_from_wire, time_to_wire
from usher.booking.v1 import booking_pb2
from usher.payment.v1 import domain_events_pb2, payment_pb2

IDS = st.text("0123456789abcdefghjkmnpqrstvwxyz", min_size=26, max_size=26)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
INSTANTS = (
    st.integers(86_400_000, 4_000_000_000_000)
    .map(lambda ms: datetime.fromtimestamp(ms / 1000, UTC))
    .map(lambda instant: instant.replace(microsecond=instant.microsecond // 1000 * 1000))
)
MONEY = st.builds(Money, st.integers(1, 2**40), st.just("KWD"))
REFUNDS = st.builds(
    Refund, IDS, MONEY, TEXTS, IDS, INSTANTS, st.sampled_from(RefundState), TEXTS, st.none() | INSTANTS
)  # fmt: skip
PAYMENTS = st.builds(
    Payment,
    name=IDS.map(lambda id: f"payments/{id}"),
    booking=IDS.map(lambda id: f"events/{id}/bookings/{id}"),
    payer=IDS.map(lambda id: f"users/{id}"),
    organizer=IDS.map(lambda id: f"organizers/{id}"),
    amount=MONEY,
    gateway=TEXTS,
    gateway_reference=TEXTS,
    client_secret=TEXTS.filter(bool),
    create_time=INSTANTS,
    update_time=INSTANTS,
    state=st.sampled_from(State),
    attempts=st.integers(0, 99),
    attempt_time=st.none() | INSTANTS,
    trace=TEXTS,
    next_action_uri=TEXTS,
    failure=st.none() | st.builds(Failure, TEXTS, TEXTS),
    refunds=st.lists(REFUNDS, max_size=3, unique_by=lambda refund: refund.id).map(tuple),
    succeed_time=st.none() | INSTANTS,
    called_off=st.booleans(),
    version=st.integers(1, 10**6),
)


@given(PAYMENTS)
def test_a_payment_survives_the_store(payment: Payment) -> None:
    document = as_stored(to_document(payment) | {"_id": payment.name, "version": payment.version})
    assert from_document(document) == payment


@given(PAYMENTS)
def test_every_field_of_the_message_is_told(payment: Payment) -> None:
    message = payment_to_wire(payment, viewer=payment.payer)
    same = {
        "name", "booking", "payer", "organizer", "gateway", "gateway_reference", "client_secret", "next_action_uri",
    }  # fmt: skip
    assert {field: getattr(message, field) for field in same} == {field: getattr(payment, field) for field in same}
    times = {"create_time", "update_time", "succeed_time"}
    for field in times:
        assert time_from_wire(getattr(message, field)) == getattr(payment, field)
    assert payment_pb2.PaymentState.Name(message.state) == f"PAYMENT_STATE_{payment.state.name}"
    assert money_from_wire(message.amount) == payment.amount
    assert money_from_wire(message.refunded_amount) == payment.refunded
    assert message.HasField("failure") == (payment.failure is not None)
    if payment.failure:
        assert (message.failure.code, message.failure.message) == (payment.failure.code, payment.failure.message)
    assert [_refund(each) for each in message.refunds] == list(payment.refunds)
    assert message.etag == etag_of(payment.version)
    told = same | times | {"state", "amount", "refunded_amount", "failure", "refunds", "etag"}
    assert {field.name for field in message.DESCRIPTOR.fields} == told


def _refund(message: payment_pb2.Refund) -> Refund:
    created = time_from_wire(message.create_time)
    assert created is not None
    return Refund(
        message.id,
        money_from_wire(message.amount),
        message.reason,
        message.requester,
        created,
        RefundState[payment_pb2.RefundState.Name(message.state).removeprefix("REFUND_STATE_")],
        message.gateway_reference,
        time_from_wire(message.complete_time),
    )


@given(PAYMENTS, IDS)
def test_only_the_payer_sees_the_client_secret(payment: Payment, other: str) -> None:
    for viewer in ("", payment.organizer, f"users/{other}x"):
        assert payment_to_wire(payment, viewer=viewer).client_secret == ""
    assert payment_to_wire(replace(payment, payer=""), viewer="").client_secret == ""


@given(PAYMENTS, REFUNDS)
def test_every_domain_event_is_told_with_the_full_state_and_without_the_secret(
    payment: Payment, refund: Refund
) -> None:
    payment = replace(payment, refunds=(refund,))
    for kind in MESSAGES:
        encoded = encode(kind(refund.id) if "Refund" in kind.__name__ else kind(), payment)
        message = getattr(domain_events_pb2, encoded.type.rpartition(".")[2]).FromString(encoded.payload)
        assert message.payment == payment_to_wire(payment)
        assert message.payment.client_secret == ""
        if "Refund" in kind.__name__:
            assert _refund(message.refund) == refund


def test_every_fact_of_the_domain_has_a_message() -> None:
    own = (each for each in vars(domain_events).values() if isinstance(each, type))
    assert {each for each in own if each.__module__ == domain_events.__name__} == set(MESSAGES)


@given(INSTANTS, MONEY, st.sampled_from(["HELD", "CONFIRMED", "CANCELLED", "EXPIRED"]))
def test_what_booking_says_is_read(until: datetime, total: Money, state: str) -> None:
    owed = owed_from_wire(
        booking_pb2.Booking(
            name="events/e/bookings/b",
            buyer="users/u",
            organizer="organizers/o",
            amount_due=money_to_wire(total),
            state=booking_pb2.BookingState.Value(f"BOOKING_STATE_{state}"),
            hold_expire_time=time_to_wire(until),
            missing_answers=["events/e/questions/q"],
        )
    )
    assert owed.missing_answers == ("events/e/questions/q",)
    assert (owed.booking, owed.buyer, owed.organizer) == ("events/e/bookings/b", "users/u", "organizers/o")
    assert (owed.total, owed.state) == (total, state)
    assert owed.held_until == (until if state == "HELD" else None)


def test_of_a_confirmed_booking_the_price_of_its_change_is_owed() -> None:
    until = datetime(2027, 1, 1, tzinfo=UTC)
    booking = booking_pb2.Booking(
        name="b",
        state=booking_pb2.BOOKING_STATE_CONFIRMED,
        total=money_to_wire(Money(2500, "EUR")),
        amount_due=money_to_wire(Money(700, "EUR")),
        hold_expire_time=time_to_wire(until),
        payment="payments/1",
        extra_payments=["payments/2"],
        pending_change=booking_pb2.PendingChange(),
    )
    owed = owed_from_wire(booking)
    assert (owed.total, owed.held_until) == (Money(700, "EUR"), until)
    assert (owed.claimed, owed.round) == (("payments/1", "payments/2"), 2)
    booking.ClearField("pending_change")
    assert owed_from_wire(booking).held_until is None


@pytest.mark.parametrize(
    ("money", "amount"),
    [
        (Money(1999, "CAD"), 1999),
        (Money(500, "JPY"), 500),
        (Money(5120, "KWD"), 5120),
        (Money(500, "ISK"), 50000),
        (Money(500, "UGX"), 50000),
        (Money(50000, "MGA"), 500),
        (Money(1999, "HUF"), 1999),
    ],
)
def test_amounts_are_sent_as_stripe_counts_them(money: Money, amount: int) -> None:
    assert stripe_amount(money) == amount


@pytest.mark.parametrize("money", [Money(5123, "KWD"), Money(50001, "MGA")])
def test_what_stripe_cannot_express_is_refused(money: Money) -> None:
    with pytest.raises(InvalidArgument) as caught:
        stripe_amount(money)
    assert (caught.value.reason, caught.value.violations[0].field) == ("AMOUNT_NOT_CHARGEABLE", "amount")

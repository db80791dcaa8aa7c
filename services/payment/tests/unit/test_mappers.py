"""Every field of a payment survives the way to the store, and is told on the wire to whom it concerns."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from domain_kit.money import Money
from mongo_store import as_stored
from payment_service.domain import domain_events
from payment_service.domain.attempt import Attempt, Standing
from payment_service.domain.disputes import Dispute, Verdict
from payment_service.domain.gateways import Action, ActionKind, Failure, FailureKind, MethodKind
from payment_service.domain.payment import Payment
from payment_service.domain.payment_settings import PaymentSettings
from payment_service.domain.refund import Refund, RefundState
from payment_service.domain.routing import Candidate
from payment_service.domain.states import State
from payment_service.outbound.documents import UNRECORDED, from_document, to_document
from payment_service.outbound.domain_events import MESSAGES, encode
from payment_service.wire.bookings import owed_from_wire
from payment_service.wire.payments import payment_to_wire, settings_from_wire, settings_to_wire
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
    Refund, IDS, MONEY, TEXTS, IDS, INSTANTS, st.sampled_from(RefundState), TEXTS, st.none() | INSTANTS,
    st.integers(1, 3), st.booleans(), st.none() | MONEY, TEXTS,
)  # fmt: skip
KINDS = st.sampled_from(MethodKind)
REASONS = st.lists(TEXTS, max_size=2).map(tuple)
FAILURES = st.none() | st.builds(Failure, TEXTS, TEXTS, st.sampled_from(FailureKind))
ATTEMPTS = st.builds(
    Attempt,
    number=st.just(1),
    gateway=TEXTS,
    method=TEXTS,
    kind=KINDS,
    key=IDS,
    begin_time=INSTANTS,
    reference=TEXTS,
    former=st.lists(TEXTS, max_size=2).map(tuple),
    client=st.dictionaries(TEXTS, TEXTS, max_size=2).map(lambda some: {**some, "client_secret": "s", "a.b$": "c"}),
    action=st.none() | st.builds(Action, st.sampled_from(ActionKind), TEXTS),
    failure=FAILURES,
    trace=TEXTS,
    tries=st.integers(0, 99),
    confirm_time=st.none() | INSTANTS,
    standing=st.sampled_from(Standing),
    route=st.lists(st.builds(Candidate, TEXTS, TEXTS, KINDS, MONEY, REASONS), max_size=2).map(tuple),
)
PAYMENTS = st.builds(
    Payment,
    name=IDS.map(lambda id: f"payments/{id}"),
    booking=IDS.map(lambda id: f"events/{id}/bookings/{id}"),
    payer=IDS.map(lambda id: f"users/{id}"),
    organizer=IDS.map(lambda id: f"organizers/{id}"),
    amount=MONEY,
    attempts=st.lists(ATTEMPTS, min_size=1, max_size=3).map(
        lambda some: tuple(replace(each, number=number) for number, each in enumerate(some, 1))
    ),
    create_time=INSTANTS,
    update_time=INSTANTS,
    state=st.sampled_from(State),
    paid_by=st.integers(0, 1),
    token=TEXTS,
    buyer_email=TEXTS,
    buyer_country=TEXTS,
    wanted_method=TEXTS,
    reserve=st.booleans(),
    refunds=st.lists(REFUNDS, max_size=3, unique_by=lambda refund: refund.id).map(tuple),
    succeed_time=st.none() | INSTANTS,
    called_off=st.booleans(),
    round=st.integers(0, 9),
    disputes=st.lists(
        st.builds(
            Dispute,
            TEXTS,
            st.integers(0, 10**15),
            st.sampled_from(Verdict),
            MONEY,
            st.none() | MONEY,
        ),
        max_size=2,
    ).map(tuple),
    version=st.integers(1, 10**6),
)


@given(PAYMENTS)
def test_a_payment_survives_the_store(payment: Payment) -> None:
    document = as_stored(to_document(payment) | {"_id": payment.name, "version": payment.version})
    assert from_document(document) == payment


@given(PAYMENTS)
def test_what_is_recorded_for_good_holds_neither_token_nor_address(payment: Payment) -> None:
    document = as_stored(to_document(payment) | {"_id": payment.name, "version": payment.version})
    recorded = {name: value for name, value in document.items() if name not in UNRECORDED}
    assert from_document(recorded) == replace(payment, token="", buyer_email="")


@given(st.builds(PaymentSettings, TEXTS, TEXTS, REASONS, REASONS, st.booleans(), st.booleans()))
def test_settings_survive_the_wire(settings: PaymentSettings) -> None:
    assert settings_from_wire(settings_to_wire(settings)) == settings


@given(PAYMENTS)
def test_every_field_of_the_message_is_told(payment: Payment) -> None:
    message = payment_to_wire(payment, viewer=payment.payer)
    current = payment.current
    same = {"name", "booking", "payer", "organizer"}
    assert {field: getattr(message, field) for field in same} == {field: getattr(payment, field) for field in same}
    assert (message.gateway, message.gateway_reference) == (current.gateway, current.reference)
    assert (message.method, dict(message.client_parameters)) == (current.method, current.client)
    assert message.client_secret == "s"
    action = current.action
    redirect = action is not None and action.kind is ActionKind.REDIRECT
    assert message.next_action_uri == (action.value if redirect else "")
    assert message.HasField("action") == (action is not None)
    if action:
        assert message.action.value == action.value
        assert payment_pb2.PaymentActionKind.Name(message.action.kind) == f"PAYMENT_ACTION_KIND_{action.kind.name}"
    assert [(each.number, each.gateway, each.method, each.gateway_reference) for each in message.attempts] == [
        (each.number, each.gateway, each.method, each.reference) for each in payment.attempts
    ]
    for told_of, attempt in zip(message.attempts, payment.attempts, strict=True):
        assert time_from_wire(told_of.begin_time) == attempt.begin_time
        assert time_from_wire(told_of.confirm_time) == attempt.confirm_time
        name = payment_pb2.PaymentAttemptState.Name(told_of.state)
        assert name == f"PAYMENT_ATTEMPT_STATE_{attempt.standing.name}"
        assert told_of.HasField("failure") == (attempt.failure is not None)
        assert [(each.gateway, each.method, tuple(each.reasons)) for each in told_of.routes] == [
            (each.gateway, each.method, each.reasons) for each in attempt.route
        ]
        assert [money_from_wire(each.fee) for each in told_of.routes] == [each.fee for each in attempt.route]
    times = {"create_time", "update_time", "succeed_time"}
    for field in times:
        assert time_from_wire(getattr(message, field)) == getattr(payment, field)
    assert payment_pb2.PaymentState.Name(message.state) == f"PAYMENT_STATE_{payment.state.name}"
    assert money_from_wire(message.amount) == payment.amount
    assert money_from_wire(message.refunded_amount) == payment.refunded
    failure = current.failure
    assert message.HasField("failure") == (failure is not None)
    if failure:
        assert (message.failure.code, message.failure.message) == (failure.code, failure.message)
    assert [_refund(each) for each in message.refunds] == [replace(each, dispute="") for each in payment.refunds]
    assert [each.surplus for each in message.refunds] == [
        payment.paid_by == 1 and each.attempt != 1 for each in payment.refunds
    ]
    assert message.etag == etag_of(payment.version)
    told = same | times | {
        "state", "amount", "refunded_amount", "failure", "refunds", "etag", "gateway", "gateway_reference", "method",
        "client_parameters", "client_secret", "next_action_uri", "action", "attempts",
    }  # fmt: skip
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
        message.attempt,
        message.charged_back,
        money_from_wire(message.dispute_fee) if message.HasField("dispute_fee") else None,
    )


@given(PAYMENTS, IDS)
def test_only_the_payer_sees_the_client_secret(payment: Payment, other: str) -> None:
    for viewer in ("", payment.organizer, f"users/{other}x"):
        message = payment_to_wire(payment, viewer=viewer)
        assert (message.client_secret, dict(message.client_parameters)) == ("", {})
    assert payment_to_wire(replace(payment, payer=""), viewer="").client_secret == ""


@given(PAYMENTS, REFUNDS)
def test_every_domain_event_is_told_with_the_full_state_and_without_the_secret(
    payment: Payment, refund: Refund
) -> None:
    payment = replace(payment, refunds=(refund,))
    for kind in MESSAGES:
        about_refund = "id" in kind.__dataclass_fields__
        encoded = encode(kind(refund.id) if about_refund else kind(), payment)
        message = getattr(domain_events_pb2, encoded.type.rpartition(".")[2]).FromString(encoded.payload)
        assert message.payment == payment_to_wire(payment)
        assert message.payment.client_secret == ""
        if about_refund:
            assert _refund(message.refund) == replace(refund, dispute="")


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
            contact=booking_pb2.BuyerContact(email="buyer@usher.example"),
        )
    )
    assert owed.buyer_email == "buyer@usher.example"
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

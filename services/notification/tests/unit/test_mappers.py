"""Every field of a notification survives the store and is told on the wire."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from notification_service.domain import domain_events
from notification_service.domain.letter import Admission, Letter, Occasion
from notification_service.domain.notification import Notification, State
from notification_service.outbound.documents import from_document, to_document
from notification_service.outbound.domain_events import MESSAGES, encode
from notification_service.wire.notifications import notification_to_wire
from usher.notification.v1 import domain_events_pb2

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
INSTANTS = st.integers(86_400_000, 4_000_000_000_000).map(lambda ms: datetime.fromtimestamp(ms // 1000, UTC))
OCCASIONS = st.builds(Occasion, TEXTS, TEXTS, INSTANTS, INSTANTS, TEXTS, TEXTS, TEXTS)
LETTERS = st.builds(
    Letter,
    template=TEXTS,
    language_code=TEXTS,
    values=st.lists(st.tuples(TEXTS, TEXTS), max_size=3).map(tuple),
    amounts=st.lists(st.tuples(TEXTS, st.integers(0, 2**40), TEXTS), max_size=2).map(tuple),
    occasion=st.none() | OCCASIONS,
    admissions=st.lists(st.builds(Admission, TEXTS, TEXTS), max_size=3).map(tuple),
    moments=st.lists(st.tuples(TEXTS, INSTANTS), max_size=2).map(tuple),
    invoice=st.binary(max_size=20),
)
NOTIFICATIONS = st.builds(
    Notification,
    name=TEXTS,
    user=TEXTS,
    recipient=TEXTS,
    cause=TEXTS,
    resource=TEXTS,
    letter=LETTERS,
    create_time=INSTANTS,
    state=st.sampled_from(State),
    attempts=st.integers(0, 99),
    deliver_time=st.none() | INSTANTS,
    failure=TEXTS,
    version=st.integers(1, 99),
)


@given(NOTIFICATIONS)
def test_a_notification_survives_the_store(notification: Notification) -> None:
    document = to_document(notification) | {"_id": notification.name, "version": notification.version}
    assert from_document(document) == notification


@given(NOTIFICATIONS, TEXTS)
def test_every_field_of_the_message_is_told(notification: Notification, subject: str) -> None:
    message = notification_to_wire(notification, subject)
    assert (message.name, message.template, message.cause, message.resource) == (
        notification.name,
        notification.letter.template,
        notification.cause,
        notification.resource,
    )
    assert (message.subject, message.recipient, message.attempts, message.failure) == (
        subject,
        notification.recipient,
        notification.attempts,
        notification.failure,
    )
    assert message.HasField("deliver_time") == (notification.deliver_time is not None)


@given(NOTIFICATIONS)
def test_every_fact_is_told_with_the_state_and_without_the_subject_line(notification: Notification) -> None:
    declared = {
        each
        for each in vars(domain_events).values()
        if isinstance(each, type) and each.__module__ == domain_events.__name__
    }
    assert declared == set(MESSAGES)
    for kind in MESSAGES:
        encoded = encode(kind(), notification)
        message = getattr(domain_events_pb2, encoded.type.rpartition(".")[2]).FromString(encoded.payload)
        assert message.notification == notification_to_wire(notification, "")

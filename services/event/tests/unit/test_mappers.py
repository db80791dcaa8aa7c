"""Every field of an event survives the way to the store and to the wire and back."""

from dataclasses import fields, replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from domain_kit.money import Money
from event_service.domain import domain_events
from event_service.domain.details import EventDetails, Venue
from event_service.domain.event import Event, State
from event_service.domain.offer import CapacityPool, TicketType
from event_service.outbound.documents import from_document, to_document
from event_service.outbound.domain_events import MESSAGES, encode
from event_service.wire.events import details_from_wire, details_to_wire, event_to_wire
from event_service.wire.offer import (
    capacity_pool_from_wire,
    capacity_pool_to_wire,
    ticket_type_from_wire,
    ticket_type_to_wire,
)
from usher.event.v1 import domain_events_pb2

IDS = st.text("0123456789abcdefghjkmnpqrstvwxyz", min_size=26, max_size=26)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
# From 1970-01-02 on: the wire cannot tell the first instant of 1970 from an absent one.
INSTANTS = (
    st.integers(86_400_000, 4_000_000_000_000)
    .map(lambda ms: datetime.fromtimestamp(ms / 1000, UTC))
    .map(lambda instant: instant.replace(microsecond=instant.microsecond // 1000 * 1000))
)
DEGREES = st.floats(-90, 90)
VENUES = st.builds(Venue, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, DEGREES, DEGREES) | st.builds(Venue, TEXTS)
DETAILS = st.builds(
    EventDetails,
    title=TEXTS,
    start_time=st.none() | INSTANTS,
    end_time=st.none() | INSTANTS,
    time_zone=TEXTS,
    description=TEXTS,
    venue=st.none() | VENUES,
    online=st.booleans(),
    category=TEXTS,
    tags=st.lists(TEXTS, max_size=3).map(tuple),
    language_code=TEXTS,
    homepage_uri=TEXTS,
)
MONEY = st.builds(Money, st.integers(0, 2**40), st.sampled_from(["CAD", "JPY", "KWD"]))
POOLS = st.builds(CapacityPool, IDS, TEXTS, st.integers(0, 10**7), st.integers(1, 99))
TICKET_TYPES = st.builds(
    TicketType,
    id=IDS,
    display_name=TEXTS,
    price=st.none() | MONEY,
    pools=st.lists(IDS, max_size=3).map(tuple),
    description=TEXTS,
    sale_start_time=st.none() | INSTANTS,
    sale_end_time=st.none() | INSTANTS,
    min_per_booking=st.integers(0, 100),
    max_per_booking=st.integers(0, 100),
    revision=st.integers(1, 99),
)
EVENTS = st.builds(
    Event,
    name=IDS.map(lambda id: f"events/{id}"),
    organizer=IDS.map(lambda id: f"organizers/{id}"),
    details=DETAILS,
    create_time=INSTANTS,
    update_time=INSTANTS,
    state=st.sampled_from(State),
    ticket_types=st.lists(TICKET_TYPES, max_size=2).map(tuple),
    capacity_pools=st.lists(POOLS, max_size=2).map(tuple),
    publish_time=st.none() | INSTANTS,
    cancel_time=st.none() | INSTANTS,
    cancel_reason=TEXTS,
    delete_time=st.none() | INSTANTS,
    version=st.integers(1, 10**6),
)


@given(EVENTS)
def test_an_event_survives_the_store(event: Event) -> None:
    document = to_document(event) | {"_id": event.name, "version": event.version}
    assert from_document(document) == event


@given(DETAILS)
def test_details_survive_the_wire(details: EventDetails) -> None:
    assert details_from_wire(details_to_wire(details)) == details


@given(IDS, TICKET_TYPES)
def test_a_ticket_type_survives_the_wire(event: str, ticket_type: TicketType) -> None:
    message = ticket_type_to_wire(f"events/{event}", ticket_type)
    again = ticket_type_from_wire(f"events/{event}", ticket_type.id, message)
    assert replace(again, revision=ticket_type.revision) == ticket_type


@given(POOLS)
def test_a_pool_survives_the_wire(pool: CapacityPool) -> None:
    again = capacity_pool_from_wire(pool.id, capacity_pool_to_wire("events/x", pool))
    assert replace(again, revision=pool.revision) == pool


@given(EVENTS)
def test_every_field_of_the_message_is_told(event: Event) -> None:
    message = event_to_wire(event)
    told = {"name", "organizer", "state", "create_time", "update_time", "publish_time", "cancel_time", "cancel_reason"}
    told |= {"delete_time", "etag"} | {each.name for each in fields(EventDetails)}
    assert {field.name for field in message.DESCRIPTOR.fields} == told
    assert (message.name, message.organizer, message.cancel_reason) == (
        event.name,
        event.organizer,
        event.cancel_reason,
    )
    assert message.HasField("publish_time") == (event.publish_time is not None)


@given(EVENTS, TEXTS, IDS)
def test_every_domain_event_is_told_with_the_full_state(event: Event, text: str, id: str) -> None:
    for kind in MESSAGES:
        fact = kind(*[(text,) if each.name == "paths" else id for each in fields(kind)])
        encoded = encode(fact, event)
        message = getattr(domain_events_pb2, encoded.type.rpartition(".")[2]).FromString(encoded.payload)
        assert message.snapshot.event == event_to_wire(event)
        assert len(message.snapshot.ticket_types) == len(event.ticket_types)
        assert len(message.snapshot.capacity_pools) == len(event.capacity_pools)


def test_every_fact_of_the_domain_has_a_message() -> None:
    declared = {
        each
        for each in vars(domain_events).values()
        if isinstance(each, type) and each.__module__ == domain_events.__name__
    }
    assert declared == set(MESSAGES)

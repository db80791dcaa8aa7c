"""Every field of an event survives the way to the store and to the wire and back."""

from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_kit.money import Money
from domain_kit.refusals import ResourceExhausted
from event_service.domain import domain_events as facts
from event_service.domain.capacity_pool import CapacityPool
from event_service.domain.currencies import OfferedCurrency
from event_service.domain.details import EventDetails, Venue
from event_service.domain.discount import Discount
from event_service.domain.event import Event, State, draft
from event_service.domain.event_date import EventDate
from event_service.domain.offer import Offer
from event_service.domain.question import Question, QuestionKind, QuestionScope
from event_service.domain.seating import SeatingPlan, SeatRow, Section
from event_service.domain.terms import BookingTerms, RefundStep, ServiceFee, WaitingListTerms, WaitingRoomTerms
from event_service.domain.ticket_type import BundleItem, PricePhase, TicketKind, TicketType
from event_service.inbound import servicer
from event_service.inbound.parts import Mapping
from event_service.outbound.documents import from_document, to_document
from event_service.outbound.domain_events import LARGEST, MESSAGES, encode
from event_service.wire.events import details_from_wire, details_to_wire, event_to_wire, listed_event_to_wire
from event_service.wire.seating import seating_plan_from_wire, seating_plan_to_wire
from event_service.wire.snapshots import snapshot
from usher.event.v1 import domain_events_pb2

IDS = st.text("0123456789abcdefghjkmnpqrstvwxyz", min_size=26, max_size=26)
SOME_IDS = st.lists(IDS, max_size=3).map(tuple)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SOME_TEXTS = st.lists(TEXTS, max_size=3).map(tuple)
REVISIONS = st.integers(1, 99)
COUNTS = st.integers(0, 10**7)
BASIS_POINTS = st.integers(0, 10_000)
# From 1970-01-02 on: the wire cannot tell the first instant of 1970 from an absent one.
INSTANTS = (
    st.integers(86_400_000, 4_000_000_000_000)
    .map(lambda ms: datetime.fromtimestamp(ms / 1000, UTC))
    .map(lambda instant: instant.replace(microsecond=instant.microsecond // 1000 * 1000))
)
MAYBE_INSTANTS = st.none() | INSTANTS
DURATIONS = st.integers(1, 10**12).map(lambda ms: timedelta(milliseconds=ms))
MAYBE_DURATIONS = st.none() | DURATIONS
DEGREES = st.floats(-90, 90)
VENUES = st.builds(Venue, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, DEGREES, DEGREES) | st.builds(Venue, TEXTS)
MONEY = st.builds(Money, st.integers(0, 2**40), st.sampled_from(["CAD", "JPY", "KWD"]))
TERMS = st.builds(
    BookingTerms,
    refund_steps=st.lists(st.builds(RefundStep, st.just(timedelta()) | DURATIONS, BASIS_POINTS), max_size=3).map(tuple),
    refund_keeps_fees=st.booleans(),
    max_tickets_per_booking=COUNTS,
    max_tickets_per_person=COUNTS,
    change_allowed=st.booleans(),
    transfer_allowed=st.booleans(),
    resale_allowed=st.booleans(),
    service_fee=st.builds(ServiceFee, st.none() | MONEY, BASIS_POINTS),
    waiting_list=st.builds(WaitingListTerms, st.booleans(), MAYBE_DURATIONS, COUNTS),
    waiting_room=st.builds(WaitingRoomTerms, st.booleans(), COUNTS, MAYBE_DURATIONS),
    hold_duration=MAYBE_DURATIONS,
    ticket_logo=st.binary(max_size=20),
    approval_duration=MAYBE_DURATIONS,
    seats_left_alone_allowed=st.booleans(),
    payment_duration=MAYBE_DURATIONS,
)
DETAILS = st.builds(
    EventDetails,
    title=TEXTS,
    start_time=MAYBE_INSTANTS,
    end_time=MAYBE_INSTANTS,
    time_zone=TEXTS,
    description=TEXTS,
    venue=st.none() | VENUES,
    online=st.booleans(),
    category=TEXTS,
    tags=SOME_TEXTS,
    language_code=TEXTS,
    homepage_uri=TEXTS,
    booking_terms=st.just(BookingTerms()) | TERMS,
    currency_code=TEXTS,
    offered_currencies=st.lists(st.builds(OfferedCurrency, TEXTS, TEXTS, MAYBE_INSTANTS, TEXTS), max_size=3).map(tuple),
    max_rate_age=MAYBE_DURATIONS,
)
POOLS = st.builds(CapacityPool, IDS, TEXTS, COUNTS, REVISIONS, st.just("") | IDS, COUNTS)
DATES = st.builds(EventDate, IDS, MAYBE_INSTANTS, MAYBE_INSTANTS, TEXTS, st.booleans(), REVISIONS)
QUESTIONS = st.builds(
    Question,
    id=IDS,
    text=TEXTS,
    kind=st.none() | st.sampled_from(QuestionKind),
    choices=SOME_TEXTS,
    required=st.booleans(),
    scope=st.sampled_from(QuestionScope),
    ticket_types=SOME_IDS,
    revision=REVISIONS,
)
DISCOUNTS = st.builds(
    Discount,
    id=IDS,
    display_name=TEXTS,
    condition_quantity=COUNTS,
    benefit_quantity=COUNTS,
    percent_off_basis_points=BASIS_POINTS,
    condition_ticket_types=SOME_IDS,
    benefit_ticket_types=SOME_IDS,
    start_time=MAYBE_INSTANTS,
    end_time=MAYBE_INSTANTS,
    revision=REVISIONS,
)
ROWS = st.lists(st.builds(SeatRow, TEXTS, SOME_TEXTS, SOME_TEXTS), max_size=2).map(tuple)
SEATING_PLANS = st.builds(
    SeatingPlan, st.lists(st.builds(Section, TEXTS, TEXTS, ROWS), max_size=2).map(tuple), REVISIONS
)
TICKET_TYPES = st.builds(
    TicketType,
    id=IDS,
    display_name=TEXTS,
    price=st.none() | MONEY,
    pools=SOME_IDS,
    description=TEXTS,
    sale_start_time=MAYBE_INSTANTS,
    sale_end_time=MAYBE_INSTANTS,
    min_per_booking=st.integers(0, 100),
    max_per_booking=st.integers(0, 100),
    revision=REVISIONS,
    price_phases=st.lists(st.builds(PricePhase, MONEY, TEXTS, MAYBE_INSTANTS, COUNTS), max_size=2).map(tuple),
    hidden=st.booleans(),
    max_per_person=COUNTS,
    approval_required=st.booleans(),
    kind=st.sampled_from(TicketKind),
    add_on_to=SOME_IDS,
    bundle_items=st.lists(st.builds(BundleItem, IDS, COUNTS), max_size=2).map(tuple),
    tax_class=TEXTS,
    sections=SOME_TEXTS,
)
OFFERS = st.builds(
    Offer,
    ticket_types=st.lists(TICKET_TYPES, max_size=2).map(tuple),
    capacity_pools=st.lists(POOLS, max_size=2).map(tuple),
    dates=st.lists(DATES, max_size=2).map(tuple),
    questions=st.lists(QUESTIONS, max_size=2).map(tuple),
    discounts=st.lists(DISCOUNTS, max_size=2).map(tuple),
    seating_plan=SEATING_PLANS,
)
EVENTS = st.builds(
    Event,
    name=IDS.map(lambda id: f"events/{id}"),
    organizer=IDS.map(lambda id: f"organizers/{id}"),
    details=DETAILS,
    create_time=INSTANTS,
    update_time=INSTANTS,
    state=st.sampled_from(State),
    offer=OFFERS,
    publish_time=MAYBE_INSTANTS,
    cancel_time=MAYBE_INSTANTS,
    cancel_reason=TEXTS,
    delete_time=MAYBE_INSTANTS,
    unchecked=st.lists(st.sampled_from(["CAD", "EUR"]), max_size=2).map(tuple),
    version=st.integers(1, 10**6),
)
PARTS = [
    (servicer.TICKET_TYPES, TICKET_TYPES),
    (servicer.CAPACITY_POOLS, POOLS),
    (servicer.EVENT_DATES, DATES),
    (servicer.QUESTIONS, QUESTIONS),
    (servicer.DISCOUNTS, DISCOUNTS),
]


@given(EVENTS)
def test_an_event_survives_the_store(event: Event) -> None:
    document = to_document(event) | {"_id": event.name, "version": event.version}
    assert from_document(document) == event
    assert is_plain(document)


def is_plain(value: Any) -> bool:
    """Whether BSON has a type for it and what it holds."""
    if isinstance(value, dict):
        return all(is_plain(each) for each in value.values())
    if isinstance(value, list):
        return all(is_plain(each) for each in value)
    return isinstance(value, (str, bytes, int, float, datetime, type(None))) and not is_dataclass(value)


def test_an_event_stored_before_there_were_terms_dates_and_seats_is_read_with_their_defaults() -> None:
    details = {
        "title": "PyCon", "start_time": None, "end_time": None, "time_zone": "UTC", "description": "", "venue": None,
        "online": True, "category": "", "tags": ["a"], "language_code": "", "homepage_uri": "",
    }  # fmt: skip
    ticket_type = {
        "id": "a", "display_name": "A", "price": {"minor_units": 5, "currency": "CAD"}, "pools": ["p"],
        "description": "", "sale_start_time": None, "sale_end_time": None, "min_per_booking": 0, "max_per_booking": 2,
        "revision": 3,
    }  # fmt: skip
    now = datetime(2027, 1, 1, tzinfo=UTC)
    document = {
        "_id": "events/e", "version": 4, "organizer": "organizers/o", "state": "PUBLISHED", "details": details,
        "ticket_types": [ticket_type],
        "capacity_pools": [{"id": "p", "display_name": "P", "capacity": 9, "revision": 1}],
        "create_time": now, "update_time": now, "publish_time": now, "cancel_time": None, "cancel_reason": "",
        "delete_time": None,
    }  # fmt: skip
    sold = Offer(
        (TicketType("a", "A", Money(5, "CAD"), ("p",), max_per_booking=2, revision=3),), (CapacityPool("p", "P", 9),)
    )
    assert from_document(document) == Event(
        "events/e", "organizers/o", EventDetails("PyCon", None, None, "UTC", online=True, tags=("a",)), now, now,
        State.PUBLISHED, sold, publish_time=now, version=4,
    )  # fmt: skip


@given(DETAILS)
def test_details_survive_the_wire(details: EventDetails) -> None:
    assert details_from_wire(details_to_wire(details)) == details


@pytest.mark.parametrize(("mapping", "strategy"), PARTS, ids=[mapping.kind.__name__ for mapping, _ in PARTS])
def test_a_part_survives_the_wire(mapping: Mapping[Any, Any], strategy: st.SearchStrategy[Any]) -> None:
    @given(IDS, strategy)
    def survives(event: str, part: Any) -> None:
        message = mapping.to_wire(f"events/{event}", part)
        assert mapping.name.matches(message.name)
        again = mapping.from_wire(f"events/{event}", part.id, message)
        assert replace(again, revision=part.revision) == part

    survives()


@given(SEATING_PLANS)
def test_a_seating_plan_survives_the_wire(plan: SeatingPlan) -> None:
    again = seating_plan_from_wire(seating_plan_to_wire("events/x", plan))
    assert replace(again, revision=plan.revision) == plan


@pytest.mark.parametrize(("mapping", "strategy"), PARTS, ids=[mapping.kind.__name__ for mapping, _ in PARTS])
def test_a_reference_to_a_part_of_another_event_stays_foreign(
    mapping: Mapping[Any, Any], strategy: st.SearchStrategy[Any]
) -> None:
    @given(IDS, IDS, strategy)
    def stays(event: str, other: str, part: Any) -> None:
        again = mapping.from_wire(f"events/{event}", part.id, mapping.to_wire(f"events/{other}", part))
        for field in ("pools", "add_on_to", "ticket_types", "condition_ticket_types", "benefit_ticket_types"):
            if event != other and hasattr(again, field):
                assert all(each.startswith(f"events/{other}/") for each in getattr(again, field))
        if event != other and getattr(part, "date", ""):
            assert again.date == f"events/{other}/dates/{part.date}"

    stays()


@given(EVENTS)
def test_every_field_of_the_message_is_told(event: Event) -> None:
    message = event_to_wire(event)
    told = {"name", "organizer", "state", "create_time", "update_time", "publish_time", "cancel_time", "cancel_reason"}
    told |= {"delete_time", "etag", "unchecked_currency_codes"} | {each.name for each in fields(EventDetails)}
    assert {field.name for field in message.DESCRIPTOR.fields} == told
    assert (message.name, message.organizer, message.cancel_reason) == (
        event.name,
        event.organizer,
        event.cancel_reason,
    )
    assert message.HasField("publish_time") == (event.publish_time is not None)


@given(EVENTS)
def test_a_list_tells_everything_but_the_picture_on_tickets(event: Event) -> None:
    message = event_to_wire(event)
    listed = listed_event_to_wire(event)
    assert not listed.booking_terms.ticket_logo
    assert listed.HasField("booking_terms") == message.HasField("booking_terms")
    if message.HasField("booking_terms"):
        listed.booking_terms.ticket_logo = message.booking_terms.ticket_logo
    assert listed == message


@given(EVENTS)
def test_a_snapshot_holds_every_part(event: Event) -> None:
    message = snapshot(event)
    assert message.event == event_to_wire(event)
    for field in ("ticket_types", "capacity_pools", "dates", "questions", "discounts"):
        names = [each.name.rpartition("/")[2] for each in getattr(message, field)]
        assert names == [each.id for each in getattr(event.offer, field)]
    plan = event.offer.seating_plan
    assert message.HasField("seating_plan") == bool(plan.sections)
    assert seating_plan_from_wire(message.seating_plan).sections == plan.sections


@given(EVENTS, TEXTS, IDS)
def test_every_domain_event_is_told_with_the_full_state(event: Event, text: str, id: str) -> None:
    expected = snapshot(event)
    for kind in MESSAGES:
        fact = kind(*[(text,) if each.name == "paths" else id for each in fields(kind)])
        encoded = encode(fact, event)
        message = getattr(domain_events_pb2, encoded.type.rpartition(".")[2]).FromString(encoded.payload)
        assert message.snapshot == expected
        if any(each.name == "id" for each in fields(kind)):
            (named,) = [value for field, value in message.ListFields() if field.number == 2]
            assert named.startswith(f"{event.name}/")
            assert named.endswith(f"/{id}")


def test_every_fact_of_the_domain_has_a_message() -> None:
    declared = {
        each for each in vars(facts).values() if isinstance(each, type) and each.__module__ == facts.__name__
    }  # fmt: skip
    assert declared == set(MESSAGES)


def test_an_event_that_no_record_of_kafka_holds_is_refused_but_can_be_called_off() -> None:
    """INVARIANT: what was committed can be published; and however large, an event ends when its organizer says so."""
    now = datetime(2027, 1, 1, tzinfo=UTC)
    details = EventDetails("A", now, now.replace(day=2), "UTC", online=True)
    event, _ = draft("events/e", "organizers/o", details, now)
    wordy = tuple(Question(f"q{n}", "?", QuestionKind.CHOICE, ("x" * 20_000, "y")) for n in range(LARGEST // 20_000))
    event = replace(event, offer=Offer(questions=wordy))
    assert len(encode(facts.EventCancelled(""), event).payload) > LARGEST
    with pytest.raises(ResourceExhausted, match="EVENT_TOO_LARGE"):
        encode(facts.QuestionChanged("q1"), event)

"""Every field survives the way into the stores and out to the wire."""

from dataclasses import fields
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from domain_kit.money import Money
from elastic_store import Hit
from resource_api import money_to_wire, time_to_wire
from search_service.domain.listing import Availability, Details, EventState, Listing, Offer, Place, cheapest
from search_service.domain.query import SearchQuery
from search_service.inbound.consumers import EVENT_FACTS
from search_service.inbound.messages import availability_of, event_state_of, hit_message
from search_service.outbound import documents
from search_service.outbound.answers import found_of
from search_service.outbound.mapping import MAPPING, index_document
from testkit.projections import MemoryProjection
from usher.booking.v1 import booking_pb2
from usher.event.v1 import domain_events_pb2, event_pb2, ticket_type_pb2

NAME = "events/e"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
# From 1970-01-02 on: the wire cannot tell the first instant of 1970 from an absent one.
INSTANTS = st.integers(86_400_000, 4_000_000_000_000).map(
    lambda ms: datetime.fromtimestamp(ms / 1000, UTC).replace(microsecond=ms % 1000 * 1000)
)
DEGREES = st.floats(-90, 90)
PLACES = st.builds(Place, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, DEGREES, DEGREES) | st.builds(Place, TEXTS)
MONEY = st.builds(Money, st.integers(0, 2**40), st.sampled_from(["CAD", "JPY", "KWD"]))
DETAILS = st.builds(
    Details,
    organizer=TEXTS,
    title=TEXTS,
    description=TEXTS,
    start_time=INSTANTS,
    end_time=INSTANTS,
    time_zone=st.sampled_from(["Europe/Berlin", "Asia/Kolkata", "nowhere"]),
    place=PLACES,
    online=st.booleans(),
    category=TEXTS,
    tags=st.lists(TEXTS, max_size=3).map(tuple),
    offers=st.lists(st.builds(Offer, TEXTS, MONEY), max_size=3).map(tuple),
)
EVENTS = st.builds(EventState, st.just(NAME), st.integers(1, 99), st.none() | DETAILS)
AVAILABILITIES = st.builds(
    Availability, st.just(NAME), st.integers(1, 99), st.booleans(), st.frozensets(TEXTS, max_size=3),
    st.dictionaries(TEXTS, MONEY, max_size=3),
)  # fmt: skip


@given(EVENTS, AVAILABILITIES)
async def test_sources_come_back_from_the_store_as_they_were(event: EventState, availability: Availability) -> None:
    store = MemoryProjection()
    await store.follow(NAME, event.version, documents.event_document(event))
    assert documents.event_of(store.documents[NAME]) == event
    store = MemoryProjection()
    await store.follow(NAME, availability.version, documents.availability_document(availability))
    assert documents.availability_of(store.documents[NAME]) == availability


@given(DETAILS, st.integers(1, 99))
def test_a_published_event_is_read_with_every_field(details: Details, version: int) -> None:
    place = details.place
    event = event_pb2.Event(
        name=NAME,
        organizer=details.organizer,
        title=details.title,
        description=details.description,
        state=event_pb2.EVENT_STATE_PUBLISHED,
        start_time=time_to_wire(details.start_time),
        end_time=time_to_wire(details.end_time),
        time_zone=details.time_zone,
        online=details.online,
        category=details.category,
        tags=details.tags,
    )
    event.venue.display_name, event.venue.street_address = place.venue, place.street_address
    event.venue.city, event.venue.region, event.venue.country_code = place.city, place.region, place.country_code
    if place.latitude is not None and place.longitude is not None:
        event.venue.location.SetInParent()
        event.venue.location.latitude, event.venue.location.longitude = place.latitude, place.longitude
    snapshot = domain_events_pb2.EventSnapshot(event=event)
    for each in details.offers:
        snapshot.ticket_types.add(name=each.ticket_type, price=money_to_wire(each.price))
    assert event_state_of(snapshot, version) == EventState(NAME, version, details)


def test_of_an_event_that_is_not_published_only_the_name_is_kept() -> None:
    for state in (event_pb2.EVENT_STATE_DRAFT, event_pb2.EVENT_STATE_CANCELLED, event_pb2.EVENT_STATE_DELETED):
        snapshot = domain_events_pb2.EventSnapshot(event=event_pb2.Event(name=NAME, title="Secret", state=state))
        hidden = event_state_of(snapshot, 3)
        assert hidden == EventState(NAME, 3, None)
        assert index_document(Listing(NAME, hidden)) == {"name": NAME, "revision": 3, "visible": False}


def test_hidden_ticket_types_and_add_ons_say_nothing_of_what_an_event_costs() -> None:
    event = event_pb2.Event(name=NAME, state=event_pb2.EVENT_STATE_PUBLISHED)
    event.start_time.seconds, event.end_time.seconds = 1_900_000_000, 1_900_003_600
    snapshot = domain_events_pb2.EventSnapshot(event=event)
    price = money_to_wire(Money(500, "EUR"))
    snapshot.ticket_types.add(name="hidden", price=price, hidden=True)
    snapshot.ticket_types.add(name="parking", price=price, kind=ticket_type_pb2.TICKET_TYPE_KIND_ADD_ON)
    snapshot.ticket_types.add(name="standard", price=price, kind=ticket_type_pb2.TICKET_TYPE_KIND_ADMISSION)
    details = event_state_of(snapshot, 1).details
    assert details
    assert [each.ticket_type for each in details.offers] == ["standard"]


def test_every_domain_event_of_an_event_is_followed() -> None:
    told = set(domain_events_pb2.DESCRIPTOR.message_types_by_name) - {"EventSnapshot"}
    assert {kind.DESCRIPTOR.name for kind in EVENT_FACTS} == told


def test_ticket_types_whose_sale_has_ended_are_read_from_the_availability() -> None:
    message = booking_pb2.Availability(
        name=f"{NAME}/availability",
        bookable=True,
        ticket_types=[
            booking_pb2.TicketTypeAvailability(ticket_type="a", sale_state=booking_pb2.SALE_STATE_ENDED),
            booking_pb2.TicketTypeAvailability(ticket_type="b", sale_state=booking_pb2.SALE_STATE_ON_SALE),
            booking_pb2.TicketTypeAvailability(ticket_type="c", sale_state=booking_pb2.SALE_STATE_NOT_YET),
        ],
    )
    assert availability_of(message, 7) == Availability(NAME, 7, bookable=True, ended=frozenset({"a"}))


def test_a_type_of_a_series_is_over_with_the_last_of_its_dates_that_is_held() -> None:
    message = booking_pb2.Availability(name=f"{NAME}/availability")
    states = [("a", "ENDED"), ("b", "ENDED"), ("a", "ON_SALE"), ("b", "CLOSED"), ("c", "CLOSED")]
    for kind, state in states:
        message.ticket_types.add(ticket_type=kind, sale_state=booking_pb2.SaleState.Value(f"SALE_STATE_{state}"))
    assert availability_of(message, 1).ended == {"b"}


@given(st.dictionaries(TEXTS, MONEY, max_size=4))
def test_present_prices_are_read_from_the_availability(prices: dict[str, Money]) -> None:
    message = booking_pb2.Availability(name=f"{NAME}/availability")
    for kind, price in prices.items():
        message.ticket_types.add(ticket_type=kind, price=money_to_wire(price))
    message.ticket_types.add(ticket_type="not told")
    assert availability_of(message, 1).prices == prices


def test_an_availability_that_was_kept_before_it_told_prices_is_still_read() -> None:
    kept = {"_id": NAME, "version": 3, "bookable": True, "ended": []}
    assert documents.availability_of(kept) == Availability(NAME, 3, bookable=True)


@given(EVENTS, st.none() | AVAILABILITIES)
def test_what_is_shown_comes_back_from_the_index(event: EventState, availability: Availability | None) -> None:
    listing = Listing(NAME, event, availability)
    document = index_document(listing)
    assert set(document) <= set(MAPPING["properties"])
    details = listing.details
    if details is None:
        return
    found = found_of(Hit(NAME, document, None, (), {}, None), SearchQuery())
    for field in ("organizer", "title", "start_time", "end_time", "time_zone", "online", "category"):
        assert getattr(found, field) == getattr(details, field)
    for field in ("venue", "city", "country_code", "latitude", "longitude"):
        assert getattr(found.place, field) == getattr(details.place, field)
    assert found.available is listing.available
    assert found.price_from == cheapest(listing.prices)
    message = hit_message(found)
    told = {field.name for field, _ in message.ListFields()}
    assert told >= {"event", "start_time", "end_time"}
    assert message.HasField("price_from") == (found.price_from is not None)
    assert message.HasField("location") == (details.place.latitude is not None)
    assert len(fields(found)) == 14


@given(st.lists(MONEY, min_size=1, max_size=4))
def test_prices_stand_under_their_currency(prices: list[Money]) -> None:
    details = Details(
        "o", "t", "", datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 1, 2, tzinfo=UTC), "UTC", Place(), False, "", (),
        tuple(Offer(str(number), price) for number, price in enumerate(prices)),
    )  # fmt: skip
    document = index_document(Listing(NAME, EventState(NAME, 1, details)))
    for price in prices:
        assert price.minor_units in document["prices"][price.currency]
    assert document["free"] == int(any(not price for price in prices))

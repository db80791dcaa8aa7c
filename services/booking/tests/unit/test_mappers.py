"""Every mapper loses nothing, whatever the values."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf import json_format
from google.type.latlng_pb2 import LatLng
from hypothesis import given
from hypothesis import strategies as st

from booking_service.domain import domain_events as facts
from booking_service.domain.availability import Announcement, Availability, SaleState, TypeAvailability
from booking_service.domain.booking import Booking, Line, Ticket
from booking_service.domain.inventory import Inventory
from booking_service.domain.offer import Offer, OfferedType, OfferState
from booking_service.domain.ports import Condition
from booking_service.domain.states import BookingState, TicketState
from booking_service.inbound.messages import conditions_from_filter, offer_from_wire
from booking_service.outbound import announcements, documents
from booking_service.outbound.domain_events import BUILDERS, encode
from booking_service.wire import availability_to_wire, booking_to_wire
from domain_kit.money import Money
from domain_kit.refusals import InvalidArgument
from mongo_store import as_stored
from resource_api import etag_of, money_from_wire, money_to_wire, time_from_wire, time_to_wire
from usher.booking.v1 import booking_pb2
from usher.booking.v1 import domain_events_pb2 as pb
from usher.event.v1 import domain_events_pb2, event_pb2, ticket_type_pb2

TEXT = st.text(max_size=12)
ID = st.text("0123456789abcdefghjkmnpqrstvwxyz", min_size=26, max_size=26)
MONEY = st.builds(Money, st.integers(0, 2**40), st.sampled_from(["EUR", "JPY", "BHD"]))
TIME = st.datetimes(datetime.fromisoformat("2020-01-01"), datetime.fromisoformat("2090-01-01")).map(
    lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000, tzinfo=UTC)
)
MAYBE = st.none() | TIME
LINE = st.builds(Line, TEXT, st.integers(1, 100), TEXT, MONEY, st.lists(ID, max_size=3).map(tuple))
BOOKING_NAME = ID.map(lambda number: f"events/{'e' * 26}/bookings/{number}")
OFFERED = st.builds(
    OfferedType, ID.map(lambda number: f"events/e/ticketTypes/{number}"), TEXT, MONEY,
    st.lists(ID, max_size=3, unique=True).map(tuple), MAYBE, MAYBE, st.integers(1, 100), st.integers(1, 100),
)  # fmt: skip
OFFER = st.builds(
    Offer, ID.map(lambda number: f"events/{number}"), TEXT, TEXT, st.sampled_from(OfferState), TIME, TIME, TEXT,
    st.lists(OFFERED, max_size=3).map(tuple), st.dictionaries(ID, st.integers(0, 10**7), max_size=3),
    st.integers(1, 99), st.booleans(), TEXT, TEXT, st.none() | st.tuples(st.floats(-90, 90), st.floats(-180, 180)),
)  # fmt: skip


@st.composite
def bookings(draw):
    name = draw(BOOKING_NAME)
    ticket = st.builds(
        Ticket, ID.map(lambda number: f"{name}/tickets/{number}"), TEXT, TEXT, TEXT, st.sampled_from(TicketState), MAYBE
    )
    return Booking(
        name=name, event=draw(TEXT), organizer=draw(TEXT), buyer=draw(TEXT), state=draw(st.sampled_from(BookingState)),
        lines=tuple(draw(st.lists(LINE, max_size=3))), total=draw(MONEY), create_time=draw(TIME),
        update_time=draw(TIME), hold_expire_time=draw(MAYBE),
        payment=draw(TEXT), tickets=tuple(draw(st.lists(ticket, max_size=3))),
        confirm_time=draw(MAYBE), cancel_time=draw(MAYBE), cancel_reason=draw(TEXT),
        unclaimed=tuple(draw(st.lists(TEXT, max_size=2))), version=draw(st.integers(1, 99)),
    )  # fmt: skip


@given(bookings())
def test_a_booking_comes_back_from_its_document(booking):
    assert documents.booking_from_document(as_stored(documents.booking_to_document(booking))) == booking


@given(OFFER)
def test_an_offer_comes_back_from_its_document(offer):
    assert documents.offer_from_document(as_stored(documents.offer_to_document(offer))) == offer


@given(OFFER)
def test_an_offer_stored_before_it_told_a_venue_is_still_read(offer):
    document = as_stored(documents.offer_to_document(offer))
    for later in ("venue_name", "venue_address", "location"):
        del document[later]
    assert documents.offer_from_document(document) == replace(offer, venue_name="", venue_address="", location=None)


def test_an_address_is_one_line_without_empty_parts():
    at = time_to_wire(datetime(2027, 1, 1, tzinfo=UTC))
    venue = event_pb2.Venue(display_name="Hall", street_address="1 Main St", city="Paris", country_code="FR")
    event = event_pb2.Event(
        name="events/x", state=event_pb2.EVENT_STATE_PUBLISHED, start_time=at, end_time=at, venue=venue
    )
    read = offer_from_wire(domain_events_pb2.EventSnapshot(event=event), 1)
    assert (read.venue_name, read.venue_address, read.location) == ("Hall", "1 Main St, Paris, FR", None)


@given(st.dictionaries(ID, st.integers(0, 2**31), max_size=4), st.integers(1, 2**40))
def test_an_inventory_comes_back_from_its_document(taken, version):
    inventory = Inventory("events/x", taken, version)
    document = documents.inventory_to_document(inventory, 3, datetime(2027, 1, 1, tzinfo=UTC))
    assert documents.inventory_from_document(as_stored(document)) == inventory


@given(
    st.lists(st.builds(TypeAvailability, TEXT, TEXT, MONEY, st.integers(0, 2**31 - 1), st.sampled_from(SaleState))),
    st.integers(1, 99), st.integers(1, 99), MAYBE,
)  # fmt: skip
def test_an_announcement_comes_back_from_its_document(types, version, stock_version, due):
    told = Announcement(Availability("events/x", tuple(types)), version, stock_version, due)
    assert announcements.announcement_from_document(as_stored(announcements.announcement_to_document(told))) == told


@given(bookings())
def test_a_booking_message_says_every_field(booking):
    message = booking_to_wire(booking)
    same = {"name", "event", "organizer", "buyer", "payment", "cancel_reason"}
    times = {"hold_expire_time", "create_time", "update_time", "confirm_time", "cancel_time"}
    assert {name: getattr(message, name) for name in same} == {name: getattr(booking, name) for name in same}
    assert {name: time_from_wire(getattr(message, name)) for name in times} == {
        name: getattr(booking, name) for name in times
    }
    assert booking_pb2.BookingState.Name(message.state) == f"BOOKING_STATE_{booking.state.name}"
    assert money_from_wire(message.total) == booking.total
    assert message.etag == etag_of(booking.version)
    assert [
        (
            each.ticket_type,
            each.quantity,
            each.display_name,
            money_from_wire(each.unit_price),
            money_from_wire(each.subtotal),
        )
        for each in message.lines
    ] == [
        (each.ticket_type, each.quantity, each.display_name, each.unit_price, each.subtotal) for each in booking.lines
    ]
    assert [
        (each.name, each.ticket_type, each.display_name, each.code, each.state, time_from_wire(each.check_in_time))
        for each in message.tickets
    ] == [
        (
            each.name, each.ticket_type, each.display_name, each.code,
            booking_pb2.TicketState.Value(f"TICKET_STATE_{each.state.name}"), each.check_in_time,
        )
        for each in booking.tickets
    ]  # fmt: skip
    mapped = same | times | {"state", "total", "etag", "lines", "tickets"}
    assert mapped == {field.name for field in booking_pb2.Booking.DESCRIPTOR.fields}


@given(OFFER)
def test_an_offer_is_read_from_a_snapshot_with_every_field(offer):
    snapshot = domain_events_pb2.EventSnapshot(
        event=event_pb2.Event(
            name=offer.event, organizer=offer.organizer, title=offer.title, time_zone=offer.time_zone,
            state=event_pb2.EventState.Value(f"EVENT_STATE_{offer.state.name}"),
            start_time=time_to_wire(offer.start_time), end_time=time_to_wire(offer.end_time),
            publish_time=time_to_wire(offer.start_time) if offer.published else None,
            venue=event_pb2.Venue(
                display_name=offer.venue_name, street_address=offer.venue_address,
                location=None if offer.location is None else LatLng(
                    latitude=offer.location[0], longitude=offer.location[1]
                ),
            ),
        ),
        ticket_types=[
            ticket_type_pb2.TicketType(
                name=each.name, display_name=each.display_name, price=money_to_wire(each.price),
                capacity_pools=[f"{offer.event}/capacityPools/{pool}" for pool in each.pools],
                sale_start_time=time_to_wire(each.sale_start), sale_end_time=time_to_wire(each.sale_end),
                min_per_booking=each.least, max_per_booking=each.most,
            )
            for each in offer.ticket_types
        ],
        capacity_pools=[
            ticket_type_pb2.CapacityPool(name=f"{offer.event}/capacityPools/{pool}", capacity=capacity)
            for pool, capacity in offer.capacities.items()
        ],
    )  # fmt: skip
    assert offer_from_wire(snapshot, offer.version) == offer


def test_unsaid_limits_mean_one_to_ten():
    kind = ticket_type_pb2.TicketType(name="events/x/ticketTypes/a", price=money_to_wire(Money(0, "EUR")))
    at = time_to_wire(datetime(2027, 1, 1, tzinfo=UTC))
    event = event_pb2.Event(name="events/x", state=event_pb2.EVENT_STATE_PUBLISHED, start_time=at, end_time=at)
    read = offer_from_wire(domain_events_pb2.EventSnapshot(event=event, ticket_types=[kind]), 1)
    assert (read.ticket_types[0].least, read.ticket_types[0].most) == (1, 10)


def test_an_availability_message_says_every_field(make):
    kind = TypeAvailability("events/x/ticketTypes/a", "A", Money(5, "EUR"), 7, SaleState.ON_SALE)
    message = availability_to_wire(Availability("events/x", (kind,)), make.NOW + timedelta(milliseconds=5))
    assert json_format.MessageToDict(message, preserving_proto_field_name=True) == {
        "name": "events/x/availability",
        "bookable": True,
        "update_time": "2027-05-01T12:00:00.005Z",
        "ticket_types": [
            {
                "ticket_type": "events/x/ticketTypes/a",
                "display_name": "A",
                "price": {"currency_code": "EUR", "nanos": 50000000},
                "remaining": 7,
                "sale_state": "SALE_STATE_ON_SALE",
            }
        ],
    }


def test_a_filter_becomes_conditions():
    assert conditions_from_filter('state = BOOKING_STATE_HELD AND buyer != "users/ada"') == [
        Condition("state", "HELD"),
        Condition("buyer", "users/ada", same=False),
    ]
    for wrong in ("state = HELD", "state = BOOKING_STATE_UNSPECIFIED", "total = 3"):
        with pytest.raises(InvalidArgument, match="FILTER_INVALID"):
            conditions_from_filter(wrong)


def test_every_domain_event_has_a_message_with_its_own_fields(make):
    _, booking = make.held()
    ticket = Ticket(f"{booking.name}/tickets/t", "events/x/ticketTypes/a", "A", "code")
    booking = Booking(**{each.name: getattr(booking, each.name) for each in fields(Booking)} | {"tickets": (ticket,)})
    happened = {
        facts.BookingHeld(): {},
        facts.BookingConfirmed(held_again=True): {"held_again": True},
        facts.BookingCancelled("ill", BookingState.HELD, Money(5, "EUR")): {
            "reason": "ill",
            "former_state": "BOOKING_STATE_HELD",
            "refund_due": {"currency_code": "EUR", "nanos": 50000000},
        },
        facts.BookingExpired(): {},
        facts.TicketCheckedIn(ticket.name): {
            "ticket": {
                "name": ticket.name, "ticket_type": ticket.ticket_type, "display_name": "A", "code": "code",
                "state": "TICKET_STATE_VALID",
            }
        },
        facts.PaymentUnclaimed("payments/1", "SOLD_OUT"): {"payment": "payments/1", "reason": "SOLD_OUT"},
    }  # fmt: skip
    assert {type(each) for each in happened} == set(BUILDERS)
    for fact, own in happened.items():
        encoded = encode(fact, booking)
        assert encoded.type == f"usher.booking.v1.{type(fact).__name__}"
        message = getattr(pb, type(fact).__name__).FromString(encoded.payload)
        assert message.booking == booking_to_wire(booking)
        message.ClearField("booking")
        assert json_format.MessageToDict(message, preserving_proto_field_name=True) == own

"""A resale offer as a message and in domain events loses nothing that its readers may know."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest
from google.protobuf import json_format

from booking_service.domain import domain_events as facts
from booking_service.domain.booking import Line
from booking_service.domain.ports import Condition
from booking_service.domain.resale_offer import RESALE_LIFE, ResaleOffer, ResaleState
from booking_service.inbound.resale_servicer import conditions_of
from booking_service.outbound.domain_events import encode
from booking_service.resale_wire import resale_offer_to_wire
from domain_kit.money import Money
from domain_kit.refusals import InvalidArgument
from resource_api import money_from_wire, time_from_wire
from usher.booking.v1 import domain_events_pb2 as pb
from usher.booking.v1 import resale_offer_pb2 as offers_pb

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture
def offer(make) -> ResaleOffer:
    times = [make.NOW + timedelta(minutes=each) for each in range(4)]
    line = Line(
        "events/e/ticketTypes/t", 1, "T", Money(1600, "EUR"), ("hall",), "events/e/dates/d", seats=("stalls/C/7",)
    )  # fmt: skip
    return ResaleOffer(
        "events/e/resaleOffers/r", "events/e", "organizers/o", "users/u", "events/e/bookings/b",
        "events/e/bookings/b/tickets/t", line, ResaleState.LAPSED, times[0], times[1], "events/e/bookings/c", times[2],
        "TICKET_VOID", times[3], 7,
    )  # fmt: skip


def test_an_offer_message_says_every_field_but_who_buys_it(offer):
    message = resale_offer_to_wire(offer)
    same = {"name", "event", "organizer", "seller", "booking", "ticket", "lapse_reason"}
    times = {
        "create_time": "create_time", "update_time": "update_time", "end_time": "end_time",
        "reserve_expire_time": "reserved_until",
    }  # fmt: skip
    assert {name: getattr(message, name) for name in same} == {name: getattr(offer, name) for name in same}
    assert {name: time_from_wire(getattr(message, name)) for name in times} == {
        name: getattr(offer, field) for name, field in times.items()
    }
    assert (message.ticket_type, message.date, message.seat) == (offer.line.ticket_type, offer.line.date, "stalls/C/7")
    assert money_from_wire(message.price) == Money(1600, "EUR")
    told = same | times.keys() | {"ticket_type", "date", "seat", "price", "state", "etag"}
    assert told == {field.name for field in message.DESCRIPTOR.fields}
    assert message.etag != resale_offer_to_wire(replace(offer, version=8)).etag
    assert offer.buyer_booking not in str(message)


@pytest.mark.parametrize("state", ResaleState)
def test_each_state_has_its_name_on_the_wire(offer, state):
    message = resale_offer_to_wire(replace(offer, state=state))
    assert offers_pb.ResaleOfferState.Name(message.state) == f"RESALE_OFFER_STATE_{state.name}"


def test_every_domain_event_of_an_offer_carries_it_after_it(offer):
    bought = {"booking": "events/e/bookings/c"}
    own = {
        facts.ResaleOfferReserved: bought,
        facts.ResaleOfferSold: bought,
        facts.ResaleOfferLapsed: {"reason": "TICKET_VOID"},
    }
    for kind in get_args(facts.ResaleFact):
        encoded = encode(kind(**own.get(kind, {})), offer)
        assert encoded.type == f"usher.booking.v1.{kind.__name__}"
        message = getattr(pb, kind.__name__).FromString(encoded.payload)
        assert message.resale_offer == resale_offer_to_wire(offer)
        message.ClearField("resale_offer")
        assert json_format.MessageToDict(message) == own.get(kind, {})


def test_a_filter_becomes_conditions():
    assert conditions_of('state = RESALE_OFFER_STATE_OPEN AND seller != "users/ada"') == [
        Condition("state", "OPEN"),
        Condition("seller", "users/ada", same=False),
    ]
    for wrong in ("state = OPEN", "state = RESALE_OFFER_STATE_UNSPECIFIED", "price = 3"):
        with pytest.raises(InvalidArgument, match="FILTER_INVALID"):
            conditions_of(wrong)


def test_the_readme_shows_the_state_table():
    assert RESALE_LIFE.diagram() in README.read_text("utf-8")

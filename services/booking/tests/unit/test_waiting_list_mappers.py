"""An entry of a waiting list as a message and in domain events loses nothing."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest
from google.protobuf import json_format

from booking_service.domain import domain_events as facts
from booking_service.domain.ports import Condition
from booking_service.domain.waiting_entry import ENTRY_LIFE, EntryState, WaitingEntry
from booking_service.inbound.waiting_list_servicer import conditions_of
from booking_service.outbound.domain_events import encode
from booking_service.waiting_wire import entry_to_wire
from domain_kit.refusals import InvalidArgument
from resource_api import time_from_wire
from usher.booking.v1 import domain_events_pb2 as pb
from usher.booking.v1 import waiting_list_entry_pb2 as entries_pb

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture
def entry(make) -> WaitingEntry:
    times = [make.NOW + timedelta(minutes=each) for each in range(5)]
    return WaitingEntry(
        "events/e/waitingListEntries/w", "events/e", "organizers/o", "users/u", "events/e/ticketTypes/t",
        "events/e/dates/d", 3, 17, EntryState.LAPSED, times[0], times[1], 5, "events/e/bookings/b", "OFFER_EXPIRED",
        times[2], times[3], times[4], "JPY", 7,
    )  # fmt: skip


def test_an_entry_message_says_every_field(entry):
    message = entry_to_wire(entry)
    same = {
        "name", "event", "organizer", "user", "ticket_type", "date", "quantity", "priority", "booking", "lapse_reason",
    }  # fmt: skip
    times = {"create_time", "update_time", "offer_time", "offer_expire_time", "end_time"}
    assert {name: getattr(message, name) for name in same} == {name: getattr(entry, name) for name in same}
    assert {name: time_from_wire(getattr(message, name)) for name in times} == {
        name: getattr(entry, name) for name in times
    }
    assert message.state == entries_pb.WAITING_LIST_ENTRY_STATE_LAPSED
    assert message.currency_code == entry.currency
    assert same | times | {"state", "etag", "currency_code"} == {field.name for field in message.DESCRIPTOR.fields}
    assert message.etag != entry_to_wire(replace(entry, version=8)).etag


@pytest.mark.parametrize("state", EntryState)
def test_each_state_has_its_name_on_the_wire(entry, state):
    message = entry_to_wire(replace(entry, state=state))
    assert entries_pb.WaitingListEntryState.Name(message.state) == f"WAITING_LIST_ENTRY_STATE_{state.name}"


def test_every_domain_event_of_a_waiting_list_carries_the_entry_after_it(entry):
    own = {facts.WaitingListLapsed: {"reason": "OFFER_EXPIRED"}}
    for kind in get_args(facts.WaitingListFact):
        encoded = encode(kind(**own.get(kind, {})), entry)
        assert encoded.type == f"usher.booking.v1.{kind.__name__}"
        message = getattr(pb, kind.__name__).FromString(encoded.payload)
        assert message.waiting_list_entry == entry_to_wire(entry)
        message.ClearField("waiting_list_entry")
        assert json_format.MessageToDict(message) == own.get(kind, {})


def test_a_filter_becomes_conditions():
    assert conditions_of('state = WAITING_LIST_ENTRY_STATE_WAITING AND user != "users/ada"') == [
        Condition("state", "WAITING"),
        Condition("user", "users/ada", same=False),
    ]
    for wrong in ("state = WAITING", "state = WAITING_LIST_ENTRY_STATE_UNSPECIFIED", "priority = 3"):
        with pytest.raises(InvalidArgument, match="FILTER_INVALID"):
            conditions_of(wrong)


def test_the_readme_shows_the_state_table():
    assert ENTRY_LIFE.diagram() in README.read_text("utf-8")

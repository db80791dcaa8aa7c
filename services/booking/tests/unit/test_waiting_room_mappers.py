"""The waiting room's documents and messages lose nothing."""

from datetime import UTC, datetime, timedelta

from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from booking_service.domain.waiting_room import Pace, Place, Room, Standing, Turn
from booking_service.inbound.waiting_room_servicer import standing_to_wire
from booking_service.outbound import room_documents
from booking_service.outbound.room_documents import Block
from mongo_store import as_stored

NOW = datetime(2027, 5, 1, 12, tzinfo=UTC)
TIME = st.integers(0, 2**40).map(lambda ms: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms))
NUMBER = st.integers(0, 2**50)
PACE = st.builds(Pace, TIME, NUMBER, NUMBER, st.integers(1, 1_000_000))
ROOM = st.builds(
    Room, st.just("events/x"), PACE, NUMBER, NUMBER, st.lists(PACE, max_size=3).map(tuple), NUMBER, st.integers(1, 99)
)
BLOCK = st.builds(
    Block, st.just("events/x"), st.integers(1, 10**14), st.lists(st.text(max_size=9), min_size=1).map(tuple), TIME,
    PACE, NUMBER,
)  # fmt: skip


@given(ROOM)
def test_a_room_comes_back_from_its_document(room):
    assert room_documents.room_from_document(as_stored(room_documents.room_to_document(room))) == room


@given(BLOCK)
def test_a_block_comes_back_from_its_document_and_has_a_place_for_each(block):
    assert room_documents.block_from_document(as_stored(room_documents.block_to_document(block))) == block
    assert block.last().user == block.users[-1]
    assert block.place(block.first).user == block.users[0]


@given(st.lists(st.integers(1, 10**14), min_size=2))
def test_blocks_sort_by_number(numbers):
    names = [room_documents.block_name("events/x", number) for number in sorted(numbers)]
    assert names == sorted(names)


class Seals:
    def place_token(self, place):
        return f"place-{place.number}"

    def turn_token(self, turn):
        return f"turn-{turn.number}"


def test_a_place_message_says_every_field():
    place = Place("events/x", "users/ada", 7, NOW, Pace(NOW, 0, 1, 60), 0)
    waiting = Standing("events/x", place, ahead=3, wait=timedelta(seconds=4.5), begins=NOW)
    admitted = Standing("events/x", place, begins=NOW, turn=Turn("events/x", "users/ada", 7, NOW))
    as_json = [
        json_format.MessageToDict(standing_to_wire(each, Seals())) for each in (waiting, admitted, Standing("events/x"))
    ]
    assert as_json == [
        {"event": "events/x", "placeToken": "place-7", "number": "7", "ahead": "3", "estimatedWait": "4.500s"},
        {
            "event": "events/x",
            "placeToken": "place-7",
            "number": "7",
            "estimatedWait": "0s",
            "admitted": True,
            "turnToken": "turn-7",
            "turnExpireTime": "2027-05-01T12:00:00Z",
        },
        {"event": "events/x", "estimatedWait": "0s", "admitted": True},
    ]

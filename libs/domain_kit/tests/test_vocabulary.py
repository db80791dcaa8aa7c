"""Ids sort by time, tables refuse what they do not hold, refusals say why."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ulid import ULID

from domain_kit.clock import utc_now
from domain_kit.ids import Ulids, new_id, ulid_text
from domain_kit.refusals import FailedPrecondition, InvalidArgument, NotFound
from domain_kit.state_table import StateTable


class Light(Enum):
    RED = 1
    GREEN = 2


class Turn(Enum):
    GO = 1
    WALK_ON = 2


LIGHTS = StateTable("traffic light", {(Light.RED, Turn.GO): Light.GREEN})


def test_ids_are_lower_case_ulids_and_differ() -> None:
    ids = [new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert all(len(id) == 26 and id == id.lower() and id.isalnum() for id in ids)


@given(st.integers(0, 2**128 - 1))
def test_the_text_of_an_id_is_what_the_specification_says(value: int) -> None:
    assert ulid_text(value) == str(ULID(value.to_bytes(16, "big"))).lower()


def test_ids_sort_as_they_were_made_within_a_millisecond_too_and_when_the_clock_steps_back() -> None:
    ids = [new_id() for _ in range(5000)]
    assert ids == sorted(set(ids))
    ulids = Ulids()
    made = [ulids.next(milliseconds) for milliseconds in (7, 7, 8, 3, 9)]
    assert made == sorted(set(made))
    assert [ULID.from_str(each.upper()).milliseconds for each in made] == [7, 7, 8, 8, 9]


def test_threads_are_given_no_id_twice() -> None:
    ulids, switch = Ulids(), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as threads:
            made = list(threads.map(lambda _: [ulids.next(1) for _ in range(2000)], range(8)))
    finally:
        sys.setswitchinterval(switch)
    assert len(set(chain.from_iterable(made))) == 16_000


def test_an_id_tells_when_it_was_made() -> None:
    before = int(time.time() * 1000)
    made = ULID.from_str(new_id().upper()).milliseconds
    assert before <= made <= time.time() * 1000


def test_the_present_has_a_zone_and_whole_milliseconds() -> None:
    now = utc_now()
    assert now.utcoffset() is not None
    assert now.microsecond % 1000 == 0


def test_a_row_of_the_table_is_followed_and_any_other_refused_by_name() -> None:
    assert LIGHTS.after(Light.RED, Turn.GO) is Light.GREEN
    assert not LIGHTS.allows(Light.GREEN, Turn.WALK_ON)
    with pytest.raises(FailedPrecondition) as caught:
        LIGHTS.after(Light.GREEN, Turn.WALK_ON)
    assert caught.value.reason == "TRAFFIC_LIGHT_GREEN"
    assert caught.value.message == "Cannot walk on a traffic light that is green."
    assert caught.value.metadata == {"state": "GREEN", "action": "WALK_ON"}


def test_the_diagram_has_a_line_a_row() -> None:
    assert LIGHTS.diagram() == "stateDiagram-v2\n    RED --> GREEN: GO"


def test_refusals_carry_what_programs_need() -> None:
    assert NotFound.named("events/e").metadata == {"resource": "events/e"}
    refusal = InvalidArgument.of("event.title", "is required.")
    assert [(each.field, each.description) for each in refusal.violations] == [("event.title", "is required.")]

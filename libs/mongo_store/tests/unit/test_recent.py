from datetime import UTC, datetime

import pytest

from domain_kit.backbone import EncodedEvent
from domain_kit.repository import Cause
from mongo_store import JournalRow, VersionedEvent
from mongo_store.ordinals import Ordinals
from mongo_store.recent import RecentEvents
from mongo_store.rows import events_of, row_document

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def rows():
    ordinals = Ordinals()
    events = [[VersionedEvent(EncodedEvent("test.Happened", b"x" * 10), f"jars/{n}", 1)] for n in range(4)]
    return [row_document(JournalRow(Cause(f"c{n}"), f"jars/{n}", each), ordinals, NOW) for n, each in enumerate(events)]


def where(row):
    return [(event.row, event.index) for event in events_of(row)]


def wheres(rows):
    return [each for row in rows for each in where(row)]


def test_what_was_added_is_known_with_the_time_that_the_store_would_give(rows):
    recent = RecentEvents()
    recent.add(rows[:2])
    known = recent.known(wheres(rows))
    assert [event.subject for event in known.values()] == ["jars/0", "jars/1"]
    assert {event.time.microsecond for event in known.values()} == {123000}


@pytest.mark.parametrize("bounds", [{"most_events": 3}, {"most_bytes": 35}])
def test_the_oldest_are_forgotten_when_there_are_too_many(rows, bounds):
    recent = RecentEvents(**bounds)
    recent.add(rows)
    assert list(recent.known(wheres(rows))) == wheres(rows[1:])


def test_room_of_what_was_published_is_free_again(rows):
    recent = RecentEvents(most_bytes=20)
    for row in rows:
        recent.add([row])
        recent.forget(where(row))
        recent.forget(where(row))
    recent.add(rows[:2])
    assert list(recent.known(wheres(rows))) == wheres(rows[:2])

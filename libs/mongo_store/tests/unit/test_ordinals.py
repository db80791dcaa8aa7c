"""The order of the journal."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from mongo_store.ordinals import Ordinals

START = datetime(2026, 3, 1, tzinfo=UTC)


@settings(deadline=None)
@given(st.lists(st.integers(-5000, 5000), max_size=50))
def test_ordinals_grow_whatever_the_clock_does(steps):
    """INVARIANT: what a process commits later stands later in its journal."""
    ordinals, now, given_out = Ordinals(), START, []
    for step in steps:
        now += timedelta(milliseconds=step)
        given_out.append(ordinals.next(now))
    assert given_out == sorted(set(given_out))
    assert all(len(each) == 26 and each == each.lower() for each in given_out)

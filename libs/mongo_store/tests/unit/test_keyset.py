"""Cursors against a plain sort."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mongo_store.keyset import after_cursor, cursor_of
from testkit.filters import arranged, matches

VALUES = st.none() | st.integers(0, 3)
DOCUMENTS = st.lists(st.tuples(VALUES, VALUES), max_size=12)


@settings(deadline=None)
@given(DOCUMENTS, st.sampled_from([1, -1]), st.sampled_from([1, -1]))
def test_what_follows_a_cursor_is_what_follows_it_in_the_sorted_whole(pairs, first, second):
    """INVARIANT: no document is skipped or seen twice between two pages."""
    documents = [{"_id": number, "a": a, "in": {"b": b}} for number, (a, b) in enumerate(pairs)]
    order = [("a", first), ("in.b", second), ("_id", second)]
    whole = arranged(documents, order)
    for place, document in enumerate(whole):
        behind = after_cursor(order, cursor_of(order, document))
        assert arranged([each for each in documents if matches(each, behind)], order) == whole[place + 1 :]


def test_a_cursor_of_another_order_is_an_error():
    with pytest.raises(ValueError, match="2 fields"):
        after_cursor([("a", 1), ("_id", 1)], ("x",))

"""A trail tells of each type when it happened last."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_kit.trails import BEGINNING, followed, last_of


@given(st.lists(st.sampled_from(["a.v1.Held", "a.v1.Confirmed", "a.v2.Held"]), max_size=20), st.sets(st.text()))
def test_a_trail_knows_the_last_version_of_each_type_and_grows_only_by_types(kinds, others):
    trail = BEGINNING
    for version, kind in enumerate(kinds, 1):
        trail = followed(trail, kind, version)
    for kind in set(kinds):
        assert last_of(trail, {kind, *others}) >= last_of(trail, {kind}) == len(kinds) - kinds[::-1].index(kind)
    assert last_of(trail, set(kinds)) == len(kinds)
    assert len(trail.split()) == len(set(kinds))


def test_nothing_happened_at_the_beginning_and_what_is_not_known_stays_unknown():
    assert last_of("", {"a.v1.Held"}) == 0
    assert followed(None, "a.v1.Held", 7) is None


def test_a_malformed_trail_is_an_error():
    with pytest.raises(ValueError, match="invalid literal"):
        last_of("a.v1.Held=x", {"a.v1.Held"})

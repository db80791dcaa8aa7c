"""Resource names and etags."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_kit.refusals import Aborted, InvalidArgument
from resource_api import ResourceName, check_etag, etag_of

BOOKING = ResourceName("events/{event}/bookings/{booking}")
IDS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)


@given(IDS, IDS)
def test_a_name_made_of_ids_gives_the_ids_back(event, booking):
    name = BOOKING.format(event=event, booking=booking)
    assert BOOKING.parse(name) == {"event": event, "booking": booking}
    assert BOOKING.id_of(name) == booking
    assert BOOKING.parent_of(name) == f"events/{event}"


@given(st.text(max_size=40))
def test_any_other_text_is_refused_and_the_field_named(text):
    with pytest.raises(InvalidArgument) as caught:
        BOOKING.parse(text, field="booking.name")
    assert (caught.value.reason, caught.value.violations[0].field) == ("NAME_INVALID", "booking.name")


@pytest.mark.parametrize(
    "name",
    ["", "events/x", "events/X/bookings/y", "events/-/bookings/y", "events/a/bookings/b\n", "events/a/bookings/b/c"],
)
def test_near_misses_are_no_names(name):
    assert not BOOKING.matches(name)


def test_a_new_name_stands_below_its_parent():
    name = BOOKING.new("events/pycon")
    assert BOOKING.parent_of(name) == "events/pycon"
    assert len(BOOKING.id_of(name)) == 26
    assert ResourceName("events/{event}").parent_of(ResourceName("events/{event}").new()) == ""
    for parent in ("", "users/u", "events/a/bookings/b"):
        with pytest.raises(ValueError, match="not a parent"):
            BOOKING.new(parent)


def test_ids_that_make_no_name_are_a_mistake_of_ours():
    for ids in ({"event": "x"}, {"event": "x", "booking": "Y"}, {"event": "x/y", "booking": "b"}):
        with pytest.raises((ValueError, KeyError)):
            BOOKING.format(**ids)


def test_an_etag_fits_its_version_only_and_none_fits_all():
    check_etag("", 7)
    check_etag(etag_of(7), 7)
    for stale in (etag_of(6), "7", "x"):
        with pytest.raises(Aborted, match="ETAG_MISMATCH"):
            check_etag(stale, 7)
    assert len({etag_of(version) for version in range(100)}) == 100

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_service.domain.inventory import Inventory, release, take

POOLS = st.dictionaries(st.sampled_from("abc"), st.integers(0, 5))


@given(st.lists(POOLS, max_size=20), st.dictionaries(st.sampled_from("abc"), st.integers(0, 12)))
def test_no_pool_is_ever_taken_beyond_its_capacity(orders, capacities):
    """INVARIANT: places taken never exceed places there are."""
    inventory = Inventory("events/x")
    for wanted in orders:
        inventory = take(inventory, wanted, capacities) or inventory
        assert all(taken <= capacities.get(pool, 0) for pool, taken in inventory.taken.items())


@given(POOLS, POOLS)
def test_what_is_taken_and_given_back_leaves_no_trace(before, wanted):
    inventory = Inventory("events/x", before)
    taken = take(inventory, wanted, dict.fromkeys("abc", 100))
    assert taken is not None
    after = release(taken, wanted)
    assert {pool: after.taken.get(pool, 0) for pool in "abc"} == {pool: before.get(pool, 0) for pool in "abc"}


def test_one_short_pool_refuses_the_whole_order():
    assert take(Inventory("events/x"), {"hall": 1, "dinner": 2}, {"hall": 9, "dinner": 1}) is None


def test_a_capacity_below_what_is_taken_only_stops_sales():
    full = Inventory("events/x", {"hall": 9})
    assert take(full, {"hall": 1}, {"hall": 5}) is None
    assert release(full, {"hall": 1}).taken == {"hall": 8}


def test_more_places_than_were_taken_never_come_back():
    with pytest.raises(ValueError, match="3 places"):
        release(Inventory("events/x", {"hall": 2}), {"hall": 3})


def test_a_negative_number_of_places_is_an_error():
    with pytest.raises(ValueError, match="negative"):
        take(Inventory("events/x"), {"hall": -1}, {"hall": 1})

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_service.domain.inventory import Demand, Inventory, release, take


def need(**places: int) -> Demand:
    return Demand(places, {"standard": max([0, *places.values()])})


def of(**capacities: int):
    return lambda pool: capacities.get(pool, 0)


POOLS = st.dictionaries(st.sampled_from("abc"), st.integers(0, 5))


@given(st.lists(POOLS, max_size=20), st.dictionaries(st.sampled_from("abc"), st.integers(0, 12)))
def test_no_pool_is_ever_taken_beyond_its_capacity(orders, capacities):
    """INVARIANT: places taken never exceed places there are."""
    inventory = Inventory("events/x")
    for wanted in orders:
        inventory = take(inventory, need(**wanted), of(**capacities)) or inventory
        assert all(taken <= capacities.get(pool, 0) for pool, taken in inventory.taken.items())


@given(POOLS, POOLS)
def test_what_is_taken_and_given_back_leaves_no_trace(before, wanted):
    inventory = Inventory("events/x", before)
    taken = take(inventory, need(**wanted), lambda _: 100)
    assert taken is not None
    after = release(taken, need(**wanted))
    assert after.sold == {}
    assert {pool: after.taken.get(pool, 0) for pool in "abc"} == {pool: before.get(pool, 0) for pool in "abc"}


def test_one_short_pool_refuses_the_whole_order():
    assert take(Inventory("events/x"), need(hall=1, dinner=2), of(hall=9, dinner=1)) is None


def test_a_capacity_below_what_is_taken_only_stops_sales():
    full = Inventory("events/x", {"hall": 9}, sold={"standard": 9})
    assert take(full, need(hall=1), of(hall=5)) is None
    assert release(full, need(hall=1)).taken == {"hall": 8}


def test_more_places_than_were_taken_never_come_back():
    with pytest.raises(ValueError, match="3 of hall"):
        release(Inventory("events/x", {"hall": 2}), need(hall=3))


def test_a_negative_number_of_places_is_an_error():
    with pytest.raises(ValueError, match="negative"):
        take(Inventory("events/x"), need(hall=-1), of(hall=1))

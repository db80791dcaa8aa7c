from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from booking_service.domain.seat_shares import shares

KINDS = "abc"
FREE = st.fixed_dictionaries({kind: st.integers(0, 4) for kind in KINDS})
WISHES = st.lists(
    st.tuples(st.integers(1, 4), st.lists(st.sampled_from(KINDS), min_size=1, unique=True)), min_size=1, max_size=3
)


def fits(wishes, free):
    """Whether any way to give each person of each wish a kind is within what is free."""
    people = [kinds for count, kinds in wishes for _ in range(count)]
    if len(people) > 7:
        people = people[:7]
    return any(all(way.count(kind) <= free[kind] for kind in KINDS) for way in product(*people))


@given(WISHES, FREE)
def test_all_wishes_come_true_where_any_way_has_room_for_them(wishes, free):
    """INVARIANT: nobody is sent away while they all fit; nobody gets what is not free or not theirs."""
    given_ = shares(wishes, free)
    if given_ is None:
        assert sum(count for count, _ in wishes) > 7 or not fits(wishes, free)
        return
    for (count, kinds), own in zip(wishes, given_, strict=True):
        assert sum(own.values()) == count
        assert set(own) <= set(kinds)
        assert all(each > 0 for each in own.values())
    for kind in KINDS:
        assert sum(own.get(kind, 0) for own in given_) <= free[kind]


def test_a_wish_moves_on_to_make_room_for_one_that_cannot():
    assert shares([(3, "ab"), (2, "a")], {"a": 3, "b": 2}) == [{"a": 1, "b": 2}, {"a": 2}]
    assert shares([(1, "ab"), (1, "bc"), (1, "a"), (1, "b")], {"a": 1, "b": 1, "c": 1}) is None
    assert shares([(1, "ab"), (1, "bc"), (1, "a")], {"a": 1, "b": 1, "c": 1}) == [{"b": 1}, {"c": 1}, {"a": 1}]

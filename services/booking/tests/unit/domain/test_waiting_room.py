from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from booking_service.domain.offer import Offer, OfferedType, OfferState
from booking_service.domain.terms import BookingTerms, WaitingRoomTerms
from booking_service.domain.waiting_room import (
    KEPT_CHANGES,
    Place,
    burst_of,
    enterable,
    is_over,
    issue,
    open_room,
    opening_of,
    standing_of,
    tune,
    turn_time,
)
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, NotFound

START = datetime(2027, 5, 1, 12, tzinfo=UTC)
RATES = st.sampled_from([1, 7, 59, 60, 600, 997, 6000])
# A step: so many milliseconds later so many come, or the rate changes, or the opening moves so many seconds ahead.
STEPS = st.lists(
    st.tuples(
        st.integers(0, 30_000),
        st.one_of(
            st.tuples(st.just("join"), st.integers(1, 60)),
            st.tuples(st.just("rate"), RATES),
            st.tuples(st.just("open"), st.integers(0, 20)),
        ),
    ),
    max_size=25,
)


def a_type(name="standard", sale_start=None):
    return OfferedType(f"events/x/ticketTypes/{name}", name, Money(0, "EUR"), ("hall",), sale_start)


def an_offer(*types, **changes):
    year = timedelta(days=365)
    plain = Offer(
        "events/x",
        "organizers/o",
        "Concert",
        OfferState.PUBLISHED,
        START + year,
        START + year,
        "UTC",
        types,
        {},
        1,
        True,
    )
    return replace(plain, **changes)


def at(per_minute=60, version=1, opening=None, minutes=10):
    kind = a_type(sale_start=opening)
    terms = WaitingRoomTerms(True, per_minute, timedelta(minutes=minutes))
    return an_offer(kind, version=version, terms=BookingTerms(waiting_room=terms))


def later(seconds):
    return START + timedelta(seconds=seconds)


def take(room, count, now):
    after, first = issue(room, count, now)
    return after, [
        Place(room.event, f"users/{number}", number, now, after.pace, after.tuned)
        for number in range(first, first + count)
    ]


def play(rate, steps, opening=0):
    """The room at the end, every place, the highest rate there was, and whether a rate or opening ever changed."""
    now, offer = START, at(rate, opening=later(opening) if opening else None)
    room, places, highest = open_room(offer, now), [], rate
    for wait, (what, amount) in steps:
        now += timedelta(milliseconds=wait)
        if what == "join":
            room, taken = take(room, amount, now)
            places += taken
            continue
        rate = amount if what == "rate" else rate
        opens = now + timedelta(seconds=amount) if what == "open" and amount else None
        offer, highest = at(rate, offer.version + 1, opens), max(highest, rate)
        room = tune(room, offer, now)
    return room, places, highest, now


@given(RATES, STEPS, st.integers(0, 60))
@example(1, [(2, ("join", 2))], 0)
def test_no_window_admits_more_than_the_rate_and_one_burst(rate, steps, opening):
    """INVARIANT: in any stretch of time at most rate x time + burst have their turn, whatever the rates before.

    Turns begin on whole milliseconds, so a stretch between two of them may be one millisecond short.
    """
    room, places, highest, _ = play(rate, steps, opening)
    lowest = None
    for count, turn in enumerate(sorted(turn_time(place, room) for place in places)):
        level = count * 60_000 - (turn - START) // timedelta(milliseconds=1) * highest
        lowest = level if lowest is None else min(lowest, level)
        assert level + 60_000 - lowest <= burst_of(highest) * 60_000 + highest


@given(RATES, STEPS, st.integers(0, 60))
def test_lower_numbers_always_come_first(rate, steps, opening):
    """INVARIANT: nobody has a turn before a lower number has."""
    room, places, _, _ = play(rate, steps, opening)
    turns = [turn_time(place, room) for place in places]
    assert [place.number for place in places] == list(range(1, len(places) + 1))
    assert turns == sorted(turns)
    assert all(turn >= place.joined for turn, place in zip(turns, places, strict=True))


@given(RATES, STEPS, st.integers(0, 60), st.lists(st.integers(0, 400_000), min_size=1, max_size=20))
def test_waits_and_places_ahead_only_shrink_while_nothing_changes(rate, steps, opening, moments):
    """INVARIANT: an estimate is kept: time alone never makes a wait longer."""
    room, places, _, now = play(rate, steps, opening)
    terms = WaitingRoomTerms(True, rate, timedelta(days=1000))
    for place in places[-3:]:
        seen = [standing_of(place, room, terms, now + timedelta(milliseconds=ms)) for ms in sorted(moments)]
        assert [each.wait for each in seen] == sorted((each.wait for each in seen), reverse=True)
        assert [each.ahead for each in seen] == sorted((each.ahead for each in seen), reverse=True)
        assert all(each.ahead < place.number for each in seen)
        assert [each.admitted for each in seen] == sorted(each.admitted for each in seen)


@given(RATES, STEPS, st.integers(0, 60), st.integers(0, 200_000))
def test_the_room_counts_as_admitted_exactly_those_whose_turn_has_come(rate, steps, opening, ms):
    """INVARIANT: a replica that knows only the room and one that knows only a token and the changes agree."""
    room, places, _, now = play(rate, steps, opening)
    now += timedelta(milliseconds=ms)
    come = [place.number for place in places if turn_time(place, room) <= now]
    assert come == list(range(1, room.admitted(now) + 1))
    waiting = [place for place in places if turn_time(place, room) > now]
    assert len(waiting) == room.waiting(now)
    for ahead, place in enumerate(waiting):
        terms = WaitingRoomTerms(True, rate)
        assert standing_of(place, room, terms, now).ahead == ahead


def test_a_newcomer_is_admitted_at_once_while_fewer_come_than_may():
    offer = at(per_minute=60)
    room = open_room(offer, START)
    for second in range(200):
        room, (place,) = take(room, 1, later(second))
        assert standing_of(place, room, offer.terms.waiting_room, later(second)).admitted


def test_a_crowd_waits_a_second_each_at_sixty_a_minute_after_the_burst():
    offer = at(per_minute=60)
    room, places = take(open_room(offer, START), 100, START)
    standings = [standing_of(place, room, offer.terms.waiting_room, START) for place in places]
    assert [each.admitted for each in standings] == [True] * 5 + [False] * 95
    assert [each.wait.total_seconds() for each in standings[5:]] == [*range(1, 96)]
    assert [each.ahead for each in standings[5:]] == [*range(95)]


def test_an_hour_without_anybody_saves_up_no_more_than_the_burst():
    offer = at(per_minute=60)
    room, _ = take(open_room(offer, START), 10, START)
    room, crowd = take(room, 100, later(3600))
    admitted = [standing_of(each, room, offer.terms.waiting_room, later(3600)).admitted for each in crowd]
    assert sum(admitted) == burst_of(60) == 5


def test_a_changed_rate_goes_on_from_who_has_been_admitted():
    slow, fast = at(60), at(600, version=2)
    room, places = take(open_room(slow, START), 100, START)
    assert room.admitted(later(15)) == 20
    room = tune(room, fast, later(15))
    assert room.admitted(later(15)) == 20
    assert [turn_time(place, room) for place in places[18:20]] == [later(14), later(15)]
    assert turn_time(places[20], room) == later(15.1)
    assert room.admitted(later(16)) == 30


def test_an_older_offer_changes_nothing_and_the_same_rate_is_no_change():
    room = open_room(at(60, version=3), START)
    assert tune(room, at(600, version=2), later(9)) == room
    assert tune(room, at(60, version=4), later(9)) == replace(room, terms_version=4)


def test_nobody_has_a_turn_before_the_sale_opens():
    offer = at(60, opening=later(100))
    room, places = take(open_room(offer, START), 10, START)
    standings = [standing_of(place, room, offer.terms.waiting_room, START) for place in places]
    assert [each.wait.total_seconds() for each in standings] == [100] * 5 + [101, 102, 103, 104, 105]
    assert [each.ahead for each in standings] == list(range(10))
    moved = tune(room, at(60, version=2, opening=later(200)), later(50))
    assert [turn_time(place, moved) for place in places[4:6]] == [later(200), later(201)]
    early = tune(room, at(60, version=2), later(50))
    assert [turn_time(place, early) for place in places[4:6]] == [later(50), later(51)]


def test_the_sale_opens_with_its_first_ticket_type():
    first, second = a_type(sale_start=later(5)), a_type("late", sale_start=later(9))
    assert opening_of(an_offer(second, first)) == later(5)
    assert opening_of(an_offer(second, a_type("now"))) is None


def test_a_turn_lasts_as_long_as_the_event_says_and_then_is_over():
    offer = at(60, minutes=2)
    room, places = take(open_room(offer, START), 7, START)
    last, terms = places[-1], offer.terms.waiting_room
    turn = standing_of(last, room, terms, later(2)).turn
    assert (turn.expires, turn.user, turn.number) == (later(122), last.user, 7)
    assert not is_over(last, room, terms, later(121.999))
    assert is_over(last, room, terms, later(122))
    with pytest.raises(FailedPrecondition, match="TURN_EXPIRED") as refused:
        standing_of(last, room, terms, later(122))
    assert refused.value.metadata["turn_expire_time"] == "2027-05-01T12:02:02Z"


def test_the_newest_changes_of_pace_are_kept():
    room, places = take(open_room(at(1), START), 1000, START)
    for version in range(2, 200):
        room = tune(room, at(version, version), later(version))
    assert (len(room.changes), room.tuned) == (KEPT_CHANGES, 198)
    assert turn_time(places[-1], room) == room.pace.turn_of(1000)


def test_only_a_published_event_can_be_queued_for():
    with pytest.raises(NotFound):
        enterable(None, "events/x")
    with pytest.raises(NotFound):
        enterable(an_offer(published=False), "events/x")
    with pytest.raises(FailedPrecondition, match="EVENT_NOT_ON_SALE"):
        enterable(an_offer(state=OfferState.CANCELLED), "events/x")

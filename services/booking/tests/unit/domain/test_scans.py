"""Which scans of a ticket count, whoever tells of them when."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from booking_service.domain import domain_events as facts
from booking_service.domain.booking import Booking
from booking_service.domain.check_in_list import NO_LIST, CheckInList, ListRules
from booking_service.domain.commands import CheckIn, ClaimPayment, LoggedScan, MergeScans
from booking_service.domain.list_tally import ListTally
from booking_service.domain.records import View, key_of
from booking_service.domain.scans import (
    MOST_SCANS,
    Direction,
    Presence,
    Scan,
    TicketScans,
    Verdict,
    judge,
    just_after,
    scans_key,
)
from domain_kit.refusals import FailedPrecondition

AT = datetime(2027, 5, 11, 11, tzinfo=UTC)
LIST = "events/01jz000000000000000000evnt/checkInLists/door"
DOOR = ListRules("Door")
BACK_AND_FORTH = ListRules("Door", reentry=True)


def entry(minute, device="a", sequence=1, **changes):
    return Scan(AT + timedelta(minutes=minute), device, sequence, list=LIST, offline=True, **changes)


def leaving(minute, device="a", sequence=1):
    return entry(minute, device, sequence, direction=Direction.EXIT)


def verdicts(scans, rules=DOOR):
    return [each.verdict.name for each in judge(scans, rules).judged]


SCANS = st.builds(
    entry, st.integers(0, 4), st.sampled_from("abc"), st.integers(1, 4), direction=st.sampled_from(Direction)
)
RULES = st.builds(ListRules, st.just("Door"), reentry=st.booleans(), admissions=st.integers(1, 3))


@settings(max_examples=150, deadline=None)
@given(st.lists(SCANS, max_size=8), RULES, st.randoms())
def test_a_judgement_depends_on_the_set_of_scans_alone(scans, rules, order):
    """INVARIANT: neither order nor repeats change what counts."""
    shuffled = [*scans, *scans[: len(scans) // 2]]
    order.shuffle(shuffled)
    assert judge(shuffled, rules) == judge(scans, rules)


@settings(max_examples=150, deadline=None)
@given(st.lists(SCANS, max_size=8), RULES)
def test_no_more_people_are_inside_than_a_ticket_admits(scans, rules):
    """INVARIANT: entries minus exits never exceed the admissions, and nobody leaves who is not inside."""
    inside, admitted = 0, 0
    for each in judge(scans, rules).judged:
        if each.verdict is Verdict.ADMITTED:
            inside, admitted = inside + 1, admitted + (not each.again)
            assert rules.reentry or not each.again
        elif each.verdict is Verdict.LEFT:
            inside -= 1
        assert 0 <= inside <= rules.admissions
        assert admitted <= rules.admissions
        if each.verdict is Verdict.DUPLICATE:
            assert inside == rules.admissions
            assert each.first.order < each.scan.order


@settings(max_examples=150, deadline=None)
@given(st.lists(SCANS, max_size=10), SCANS, RULES)
def test_a_scan_that_comes_later_takes_no_entry_away(scans, more, rules):
    """INVARIANT: who is checked in stays so, whatever else is reported; an exit may make an entry a re-entry."""
    before = judge(scans, rules).count(LIST)
    if more.id not in {each.id for each in scans}:
        assert judge([*scans, more], rules).count(LIST).entries >= before.entries


def test_of_two_entries_the_earlier_counts_by_time_then_device_then_sequence():
    assert verdicts([entry(5, "a"), entry(3, "b")]) == ["ADMITTED", "DUPLICATE"]
    first, second = entry(3, "a", 2), entry(3, "b", 1)
    judged = judge([second, first], DOOR).judged[1]
    assert (judged.scan, judged.first) == (second, first)
    assert judge([entry(3, "a", 2), entry(3, "a", 1)], DOOR).judged[0].scan.sequence == 1


def test_whoever_left_enters_again_only_where_that_is_allowed():
    scans = [entry(1, sequence=1), leaving(2, sequence=2), entry(3, sequence=3)]
    assert verdicts(scans, BACK_AND_FORTH) == ["ADMITTED", "LEFT", "ADMITTED"]
    assert judge(scans, BACK_AND_FORTH).count(LIST).admitted == 1
    assert verdicts(scans) == ["ADMITTED", "LEFT", "REFUSED"]
    assert judge(scans, DOOR).judged[2].reason == "REENTRY_NOT_ALLOWED"
    assert judge(scans, DOOR).pairs == []


def test_a_ticket_for_three_admits_three():
    rules = ListRules("Door", admissions=3)
    scans = [entry(minute, sequence=minute) for minute in range(1, 5)]
    assert verdicts(scans, rules) == ["ADMITTED"] * 3 + ["DUPLICATE"]


def test_one_number_of_a_device_counts_once():
    assert verdicts([entry(1), entry(2)]) == ["ADMITTED", "REFUSED"]
    assert judge([entry(2), entry(1)], DOOR).judged[1].reason == "SEQUENCE_REUSED"


def test_a_refusal_says_when_and_where_somebody_entered():
    inside = Presence().after(entry(1, "pda", gate="North"), DOOR)
    with pytest.raises(FailedPrecondition) as refused:
        inside.after(entry(2), DOOR)
    assert refused.value.reason == "TICKET_CHECKED_IN"
    assert refused.value.metadata == {"check_in_time": "2027-05-11T11:01:00Z", "gate": "North", "device_id": "pda"}
    with pytest.raises(FailedPrecondition, match="NOT_CHECKED_IN"):
        Presence().after(leaving(1), DOOR)


def test_a_scan_over_the_network_comes_after_all_that_is_known():
    assert just_after(AT, []) == AT
    assert just_after(AT, [entry(-1)]) == AT
    assert just_after(AT, [entry(3)]) == entry(3).time + timedelta(milliseconds=1)


def test_the_scans_of_a_ticket_are_bounded():
    full = TicketScans("t/scans").with_scans(entry(number, sequence=number) for number in range(MOST_SCANS))
    assert full.with_scans([entry(1, sequence=1)]) is full
    with pytest.raises(FailedPrecondition, match="TOO_MANY_SCANS"):
        full.with_scans([entry(1, "b")])


class World:
    """One booking with two tickets, and the records that scans of it change."""

    def __init__(self, make, stock, booking, rules):
        self.make, self.stock, self.booking = make, stock, booking
        at = make.NOW
        door = CheckInList(LIST, rules, at, at, version=1)
        self.records = {key_of(each): each for each in (booking, door)}
        self.told = []

    def run(self, command):
        there = dict.fromkeys(command.needs(self.stock, self.records)) | self.records
        outcome = command.decide(View(self.stock, there), AT + timedelta(hours=2))
        self.records |= {key_of(each): each for each in outcome.tallies}
        self.records[Booking, self.booking.name] = outcome.answer
        self.told += [step.happened for step in outcome.steps]

    def upload(self, logged):
        self.run(MergeScans(self.make.EVENT, self.booking.name, LIST, tuple(logged)))

    def outcome(self):
        """All that is to be the same in the end."""
        scans = [replace(each, reported=()) for each in self.records.values() if isinstance(each, TicketScans)]
        tallies = [each for each in self.records.values() if isinstance(each, ListTally)]
        booking = replace(self.records[Booking, self.booking.name], update_time=AT)
        return sorted(scans, key=lambda each: each.name), tallies, booking


@pytest.fixture
def confirmed(make):
    stock, booking = make.held(standard=2)
    paid = ClaimPayment(make.EVENT, booking.name, "payments/1", booking.total, make.Issuer())
    done = make.decide(paid, stock, booking)
    return done.stock, replace(done.answer, version=2)


def random_log(chance, booking):
    return [
        LoggedScan(
            ticket.name, ticket.code,
            entry(chance.randrange(6), chance.choice("ab"), number, direction=chance.choice(list(Direction))),
        )
        for number in range(1, chance.randrange(3, 8)) for ticket in [chance.choice(booking.tickets)]
    ]  # fmt: skip


def test_1000_scan_logs_in_random_orders_and_parts_come_to_the_same(make, confirmed):
    """INVARIANT: who uploads what first, in how many parts and how often, changes nothing in the end."""
    stock, booking = confirmed
    chance = random.Random(11)  # no secret
    for _ in range(1000):
        rules = ListRules("Door", reentry=chance.random() < 0.5, admissions=chance.randrange(1, 3))
        log = random_log(chance, booking)
        at_once = World(make, stock, booking, rules)
        at_once.upload(log)
        in_parts = World(make, stock, booking, rules)
        parts = [*log, *chance.sample(log, 2)]
        chance.shuffle(parts)
        while parts:
            size = chance.randrange(1, 4)
            in_parts.upload(parts[:size])
            parts = parts[size:]
        assert in_parts.outcome() == at_once.outcome()
        for world in (at_once, in_parts):
            pairs = [{each.first, each.second} for each in world.told if isinstance(each, facts.DuplicateScanReported)]
            assert all(pairs.count(pair) == 1 for pair in pairs)
            now = {frozenset(pair) for each in world.outcome()[0] for pair in judge(each.on(LIST), rules).pairs}
            assert now <= {frozenset(pair) for pair in pairs}
            admissions = sum(isinstance(each, facts.TicketCheckedIn) for each in world.told)
            assert admissions == sum(each.count_on(LIST).entries for each in world.outcome()[0])


def test_an_earlier_scan_that_comes_later_makes_the_first_a_duplicate(make, confirmed):
    stock, booking = confirmed
    world, ticket = World(make, stock, booking, DOOR), booking.tickets[0]
    late, early = entry(9, "late"), entry(2, "early")
    world.upload([LoggedScan(ticket.name, ticket.code, late)])
    assert world.told == [facts.TicketCheckedIn(ticket.name, late)]
    world.upload([LoggedScan(ticket.name, ticket.code, early)])
    assert world.told[1:] == [facts.DuplicateScanReported(ticket.name, early, late)]
    after = world.records[Booking, booking.name].ticket(ticket.name)
    assert after.check_in_time == early.time
    world.upload([LoggedScan(ticket.name, ticket.code, each) for each in (late, early)])
    assert len(world.told) == 2


def test_an_admission_without_a_list_counts_on_every_list(make, confirmed):
    stock, booking = confirmed
    world, ticket = World(make, stock, booking, DOOR), booking.tickets[0]
    world.run(CheckIn(make.EVENT, booking.name, ticket.name, ticket.code))
    with pytest.raises(FailedPrecondition, match="TICKET_CHECKED_IN"):
        world.run(CheckIn(make.EVENT, booking.name, ticket.name, ticket.code, LIST))
    assert judge(world.records[scans_key(ticket.name)].scans, NO_LIST).presence.used == 1

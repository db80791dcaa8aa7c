"""Whom a list admits: rule by rule, and all of them against a plain restatement."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from booking_service.domain.booking import Ticket
from booking_service.domain.check_in_list import ListRules, TimeWindow, check_rules
from booking_service.domain.check_in_rules import CLOCK_ALLOWANCE, admit, check_clock, require_its_date
from booking_service.domain.offer import EventDate, Offer, OfferState
from booking_service.domain.scans import Direction, Presence, Scan
from booking_service.domain.states import TicketState
from domain_kit.refusals import FailedPrecondition, InvalidArgument

AT = datetime(2027, 5, 11, 13, tzinfo=UTC)  # the event of `make.offer` lasts from 12:00 to 15:00
HOUR = timedelta(hours=1)
TYPE, DATE = "events/e/ticketTypes/standard", "events/e/dates/first"
TICKET = Ticket("events/e/bookings/b/tickets/t", TYPE, "Standard", "code", date=DATE)
OFFER = Offer("events/e", "o", "E", OfferState.PUBLISHED, AT - HOUR, AT + HOUR, "UTC", (), {}, 1)
NOBODY, INSIDE, LEFT = Presence(), Presence(used=1), Presence(used=1, outside=1)


def scan(**changes):
    return replace(Scan(AT, "", 1), **changes)


def refusal(rules, offer, *, ticket=TICKET, presence=NOBODY, scan=Scan(AT, "", 1)):  # noqa: B008  # frozen
    try:
        admit(rules, offer, ticket, presence, scan)
    except FailedPrecondition as refused:
        return refused
    return None


@pytest.fixture
def series(make):
    day = EventDate(DATE, "First", AT - HOUR, AT + HOUR)
    return make.offer(dates=(day, replace(day, name="events/e/dates/second", cancelled=True)))


CASES = {
    "TICKET_NOT_ON_LIST": {"rules": {"ticket_types": ("events/e/ticketTypes/vip",)}},
    "DATE_WRONG": {"rules": {"dates": ("events/e/dates/second",)}},
    "GATE_UNKNOWN": {"rules": {"gates": ("North",)}, "scan": scan(gate="South")},
    "LIST_NOT_OPEN": {"rules": {"windows": (TimeWindow(AT - 3 * HOUR, AT - HOUR), TimeWindow(AT + HOUR, None))}},
    "LIST_CLOSED": {"rules": {"windows": (TimeWindow(None, AT - HOUR), TimeWindow(AT - HOUR, AT))}},
    "TICKET_VOID": {"ticket": replace(TICKET, state=TicketState.VOID)},
    "EVENT_CANCELLED": {"offer": {"state": OfferState.CANCELLED}},
    "EVENT_CANCELLED ": {"offer": {"dates": ()}},  # the date was removed
    "TICKET_CHECKED_IN": {"presence": INSIDE},
    "REENTRY_NOT_ALLOWED": {"presence": LEFT},
    "NOT_CHECKED_IN": {"scan": scan(direction=Direction.EXIT)},
}


@pytest.mark.parametrize(("reason", "case"), CASES.items(), ids=CASES)
def test_each_rule_refuses_with_its_own_reason(series, reason, case):
    offer = replace(series, **case.get("offer", {}))
    given = {key: value for key, value in case.items() if key not in ("rules", "offer")}
    assert refusal(ListRules("Door", **case.get("rules", {})), offer, **given).reason == reason.strip()
    assert refusal(ListRules("Door"), series) is None


def test_a_refusal_for_the_time_says_which_time_would_do(series):
    windows = (TimeWindow(AT + 2 * HOUR, AT + 3 * HOUR), TimeWindow(AT + HOUR, AT + 2 * HOUR))
    assert refusal(ListRules("Door", windows=windows), series).metadata == {"start_time": "2027-05-11T14:00:00Z"}
    late = scan(time=AT + 4 * HOUR)
    assert refusal(ListRules("Door", windows=windows), series, scan=late).metadata == {
        "end_time": "2027-05-11T16:00:00Z"
    }


def test_without_windows_a_list_closes_when_the_event_or_the_date_of_the_ticket_ends(make, series):
    over = scan(time=AT + HOUR)
    assert refusal(ListRules("Door"), series, scan=over).reason == "LIST_CLOSED"
    whole = replace(TICKET, date="")
    assert refusal(ListRules("Door"), make.offer(), ticket=whole, scan=over) is None
    assert refusal(ListRules("Door"), make.offer(), ticket=whole, scan=scan(time=AT + 2 * HOUR)).reason == "LIST_CLOSED"


def test_a_ticket_for_a_date_that_was_called_off_admits_nobody(series):
    ticket = replace(TICKET, date="events/e/dates/second")
    assert refusal(ListRules("Door"), series, ticket=ticket).reason == "EVENT_CANCELLED"


def test_without_a_list_a_ticket_of_a_series_is_for_its_own_date(make, series):
    start, end, hours = series.dates[0].start_time, series.dates[0].end_time, timedelta(hours=12)
    for time in (start - hours, start, end - timedelta(seconds=1)):
        require_its_date(series, TICKET, time)
    for time in (start - hours - timedelta(seconds=1), end, end + timedelta(days=1)):
        with pytest.raises(FailedPrecondition, match="DATE_WRONG") as refused:
            require_its_date(series, TICKET, time)
        assert refused.value.metadata["date"] == DATE
        assert datetime.fromisoformat(refused.value.metadata["start_time"]) == start
    require_its_date(make.offer(), replace(TICKET, date=""), start - timedelta(days=9))


def test_one_may_leave_after_the_end(series):
    out = scan(direction=Direction.EXIT, time=AT + 9 * HOUR)
    rules = ListRules("Door", windows=(TimeWindow(None, AT),), ticket_types=("events/e/ticketTypes/vip",))
    assert refusal(rules, series, presence=INSIDE, scan=out) is None


HOURS = st.integers(-3, 3).map(lambda hours: AT + hours * HOUR)
WINDOWS = st.tuples(st.none() | HOURS, st.none() | HOURS).map(lambda pair: TimeWindow(*pair))
RULES = st.builds(
    ListRules, st.just("Door"), ticket_types=st.sampled_from([(), (TYPE,), ("events/e/ticketTypes/vip",)]),
    dates=st.sampled_from([(), (DATE,), ("events/e/dates/second",)]), windows=st.lists(WINDOWS, max_size=2).map(tuple),
    gates=st.sampled_from([(), ("North",)]), reentry=st.booleans(), admissions=st.integers(1, 2),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(rules=RULES, time=HOURS, gate=st.sampled_from(["", "North"]), used=st.integers(0, 2), out=st.integers(0, 2))
def test_whoever_is_admitted_meets_every_rule_and_nobody_else_is(rules, time, gate, used, out):
    """INVARIANT: the one function admits exactly those whom all rules admit."""
    day = EventDate(DATE, "First", AT - HOUR, AT + HOUR)
    used = min(used, rules.admissions)
    presence = Presence(used, min(out, used))
    found = refusal(rules, replace(OFFER, dates=(day,)), presence=presence, scan=scan(time=time, gate=gate))
    windows = rules.windows or (TimeWindow(None, day.end_time),)
    meets = [
        not rules.ticket_types or TYPE in rules.ticket_types,
        not rules.dates or DATE in rules.dates,
        not rules.gates or gate in rules.gates,
        any((each.start or time) <= time and (each.end is None or time < each.end) for each in windows),
        used < rules.admissions or (rules.reentry and presence.outside > 0),
    ]
    assert (found is None) == all(meets)


def test_a_clock_may_be_ahead_by_five_minutes(make):
    check_clock(make.NOW + CLOCK_ALLOWANCE, make.NOW, "scan_time")
    with pytest.raises(InvalidArgument, match="CLOCK_AHEAD"):
        check_clock(make.NOW + CLOCK_ALLOWANCE + timedelta(milliseconds=1), make.NOW, "scan_time")


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"display_name": ""}, "FIELD_INVALID", "check_in_list.display_name"),
        ({"ticket_types": ("events/e/ticketTypes/vip",)}, "TICKET_TYPE_UNKNOWN", "check_in_list.ticket_types[0]"),
        ({"dates": (DATE,)}, "DATE_UNKNOWN", "check_in_list.dates[0]"),
        ({"windows": (TimeWindow(AT, AT),)}, "WINDOW_INVALID", "check_in_list.windows[0].end_time"),
    ],
)
def test_a_list_names_what_the_event_has(make, changes, reason, field):
    with pytest.raises(InvalidArgument) as refused:
        check_rules(ListRules(**{"display_name": "Door"} | changes), make.offer())
    assert (refused.value.reason, refused.value.violations[0].field) == (reason, field)

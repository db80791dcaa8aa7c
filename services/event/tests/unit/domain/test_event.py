"""The event aggregate: life, ticket types, pools."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, InvalidArgument, NotFound, ResourceExhausted
from event_service.domain import domain_events as facts
from event_service.domain.capacity_pool import CapacityPool
from event_service.domain.details import EventDetails, Venue
from event_service.domain.event import LIFE, Action, Event, State, draft
from event_service.domain.offer import Offer
from event_service.domain.ticket_type import TicketType

NOW = datetime(2027, 1, 10, 12, tzinfo=UTC)
DETAILS = EventDetails(
    title="PyCon",
    start_time=NOW + timedelta(days=30),
    end_time=NOW + timedelta(days=31),
    time_zone="America/Toronto",
    venue=Venue(display_name="Hall", city="Toronto", country_code="CA", latitude=43.6, longitude=-79.4),
)
HALL = CapacityPool("hall", "Hall", 50)
STANDARD = TicketType("standard", "Standard", Money(1999, "CAD"), ("hall",))


def sellable() -> Event:
    event, _ = draft("events/e", "organizers/o", DETAILS, NOW)
    event, _ = event.with_part(HALL, NOW)
    event, _ = event.with_part(STANDARD, NOW)
    return event


def test_a_draft_is_made_with_one_domain_event() -> None:
    event, made = draft("events/e", "organizers/o", DETAILS, NOW)
    assert (event.state, made) == (State.DRAFT, [facts.EventCreated()])


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"title": "  "}, ["event.title"]),
        ({"time_zone": ""}, ["event.time_zone"]),
        ({"time_zone": "Mars/Olympus"}, ["event.time_zone"]),
        ({"time_zone": "../../etc/passwd"}, ["event.time_zone"]),
        ({"start_time": None, "end_time": None}, ["event.start_time", "event.end_time"]),
        ({"end_time": NOW + timedelta(days=30)}, ["event.end_time"]),
        ({"end_time": NOW + timedelta(days=500)}, ["event.end_time"]),
        ({"venue": None}, ["event.venue"]),
        ({"venue": Venue(latitude=91.0, longitude=0.0)}, ["event.venue.location"]),
        ({"title": "", "time_zone": "X"}, ["event.title", "event.time_zone"]),
    ],
)
def test_wrong_details_are_refused_with_every_field_named(change: dict[str, object], fields: list[str]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        draft("events/e", "organizers/o", replace(DETAILS, **change), NOW)  # type: ignore[arg-type]
    assert [violation.field for violation in caught.value.violations] == fields


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("action", Action)
def test_what_the_table_does_not_allow_is_refused_with_the_state_as_reason(state: State, action: Action) -> None:
    event = replace(sellable(), state=state)
    verbs = {
        Action.UPDATE: lambda: event.revised(replace(DETAILS, title="Other"), NOW),
        Action.PUBLISH: lambda: event.published(NOW),
        Action.CANCEL: lambda: event.cancelled("rain", NOW),
        Action.DELETE: lambda: event.deleted(NOW),
    }
    already = {Action.PUBLISH: State.PUBLISHED, Action.CANCEL: State.CANCELLED, Action.DELETE: State.DELETED}
    if LIFE.allows(state, action):
        assert verbs[action]()[1]
    elif already.get(action) is state:
        assert verbs[action]() == (event, [])
    else:
        with pytest.raises(FailedPrecondition) as caught:
            verbs[action]()
        assert caught.value.reason == f"EVENT_{state.name}"


def test_an_event_without_ticket_types_is_not_published() -> None:
    event, _ = draft("events/e", "organizers/o", DETAILS, NOW)
    with pytest.raises(FailedPrecondition, match="TICKET_TYPE_MISSING"):
        event.published(NOW)


def test_an_event_that_is_over_is_not_published() -> None:
    with pytest.raises(FailedPrecondition, match="EVENT_OVER"):
        sellable().published(NOW + timedelta(days=31))


def test_a_revision_that_changes_nothing_makes_no_domain_event() -> None:
    event = sellable()
    assert event.revised(DETAILS, NOW + timedelta(hours=1)) == (event, [])


def test_a_revision_tells_which_paths_changed() -> None:
    _, made = sellable().revised(replace(DETAILS, title="Other", online=True), NOW)
    assert made == [facts.EventUpdated(("title", "online"))]


def test_a_ticket_type_needs_pools_of_its_own_event_and_a_price() -> None:
    event = sellable()
    with pytest.raises(InvalidArgument) as caught:
        event.with_part(TicketType("x", "", None, ("hall", "elsewhere")), NOW)
    assert [violation.field for violation in caught.value.violations] == [
        "ticket_type.display_name",
        "ticket_type.price",
        "ticket_type.capacity_pools[1]",
    ]


def test_changing_a_ticket_type_raises_its_revision() -> None:
    event, made = sellable().with_changed_part(replace(STANDARD, display_name="Early"), NOW)
    assert made == [facts.TicketTypeChanged("standard")]
    assert event.part(TicketType, "standard").revision == 2


def test_an_unchanged_ticket_type_makes_no_domain_event() -> None:
    event = sellable()
    assert event.with_changed_part(STANDARD, NOW) == (event, [])


def test_the_last_ticket_type_of_a_published_event_stays() -> None:
    event, _ = sellable().published(NOW)
    with pytest.raises(FailedPrecondition, match="TICKET_TYPE_LAST"):
        event.without_part(TicketType, "standard", NOW)


def test_a_pool_in_use_stays_and_one_out_of_use_goes() -> None:
    event = sellable()
    with pytest.raises(FailedPrecondition, match="CAPACITY_POOL_IN_USE"):
        event.without_part(CapacityPool, "hall", NOW)
    event, _ = event.without_part(TicketType, "standard", NOW)
    event, made = event.without_part(CapacityPool, "hall", NOW)
    assert (event.offer.capacity_pools, made) == ((), [facts.CapacityPoolDeleted("hall")])


def test_capacity_can_be_changed_during_a_sale() -> None:
    event, _ = sellable().published(NOW)
    event, made = event.with_changed_part(replace(HALL, capacity=10), NOW)
    assert event.part(CapacityPool, "hall").capacity == 10
    assert made == [facts.CapacityPoolChanged("hall")]


def test_an_event_has_at_most_a_hundred_pools() -> None:
    pools = tuple(CapacityPool(f"p{n}", "P", 1) for n in range(100))
    event = replace(sellable(), offer=Offer(capacity_pools=pools))
    with pytest.raises(ResourceExhausted, match="CAPACITY_POOLS_TOO_MANY"):
        event.with_part(HALL, NOW)


def test_unknown_parts_are_not_found_by_their_full_name() -> None:
    with pytest.raises(NotFound, match="events/e/ticketTypes/nope"):
        sellable().part(TicketType, "nope")

"""What is sold holds together: every rule of a part, and every reference between parts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, InvalidArgument, NotFound, ResourceExhausted
from event_service.domain import domain_events as facts
from event_service.domain.capacity_pool import CapacityPool
from event_service.domain.details import EventDetails
from event_service.domain.discount import Discount
from event_service.domain.event import Event, State, draft
from event_service.domain.event_date import EventDate
from event_service.domain.offer import KINDS, Offer, Part
from event_service.domain.question import Question, QuestionKind
from event_service.domain.seating import SeatingPlan, SeatRow, Section
from event_service.domain.terms import BookingTerms, ServiceFee
from event_service.domain.ticket_type import BundleItem, PricePhase, TicketKind, TicketType

NOW = datetime(2027, 1, 10, 12, tzinfo=UTC)
CAD = Money(1999, "CAD")
DETAILS = EventDetails("PyCon", NOW + timedelta(days=30), NOW + timedelta(days=31), "America/Toronto", online=True)
HALL = CapacityPool("hall", "Hall", 50)
EVENING = CapacityPool("evening", "Evening", 50, date="first")
FIRST = EventDate("first", NOW + timedelta(days=30), NOW + timedelta(days=30, hours=2))
STANDARD = TicketType("standard", "Standard", CAD, ("hall",), sections=("stalls",))
CHILD = TicketType("child", "Child", CAD, ("hall",))
PARKING = TicketType("parking", "Parking", CAD, ("hall",), kind=TicketKind.ADD_ON, add_on_to=("standard",))
FAMILY = TicketType("family", "Family", CAD, ("hall",), bundle_items=(BundleItem("child", 2),))
MEAL = Question("meal", "Which meal?", QuestionKind.CHOICE, ("Meat", "None"), ticket_types=("child",))
THIRD = Discount("third", "Every third", 3, 1, 5000, condition_ticket_types=("standard",))
PLAN = SeatingPlan((Section("stalls", "Stalls", (SeatRow("A", ("1", "2", "3"), ("3",)),)),))
PARTS = (HALL, FIRST, EVENING, STANDARD, CHILD, PARKING, FAMILY, MEAL, THIRD)


def sold() -> Event:
    """A published series with one of everything."""
    event, _ = draft("events/e", "organizers/o", DETAILS, NOW)
    event, _ = event.with_seating_plan(PLAN, NOW)
    for part in PARTS:
        event, _ = event.with_part(part, NOW)
    event, _ = event.published(NOW)
    return event


def wrong_fields(event: Event, part: Part) -> list[str]:
    with pytest.raises(InvalidArgument) as caught:
        event.with_changed_part(part, NOW)
    assert caught.value.reason == f"{KINDS[type(part)].reason}_INVALID"
    return [violation.field.partition(".")[2] for violation in caught.value.violations]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.id)
def test_every_part_of_an_event_on_sale_can_be_changed_and_tells_so(part: Any) -> None:
    text = "text" if isinstance(part, Question) else "display_name"
    event, made = sold().with_changed_part(replace(part, **{text: "Other"}), NOW)
    assert made == [KINDS[type(part)].changed(part.id)]
    changed = event.part(type(part), part.id)
    assert (getattr(changed, text), changed.revision) == ("Other", 2)
    assert event.with_changed_part(replace(changed, revision=1), NOW) == (event, [])


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.id)
def test_nothing_changes_in_an_event_that_was_called_off(part: Part) -> None:
    event = replace(sold(), state=State.CANCELLED)
    changes = [
        lambda: event.with_part(part, NOW),
        lambda: event.with_changed_part(part, NOW),
        lambda: event.without_part(type(part), part.id, NOW),
        lambda: event.with_seating_plan(SeatingPlan(), NOW),
    ]
    for change in changes:
        with pytest.raises(FailedPrecondition, match="EVENT_CANCELLED"):
            change()


@pytest.mark.parametrize("kind", KINDS)
def test_parts_are_limited_in_number_and_not_found_by_their_full_name(kind: Any) -> None:
    of = KINDS[kind]
    full: dict[str, Any] = {of.field: (next(each for each in PARTS if isinstance(each, kind)),) * of.most}
    event = replace(sold(), offer=Offer(**full))
    with pytest.raises(ResourceExhausted, match=f"{of.reason}S_TOO_MANY"):
        event.with_part(event.offer.all_of(kind)[0], NOW)
    with pytest.raises(NotFound, match=f"events/e/{of.collection}/nope"):
        event.without_part(kind, "nope", NOW)


@pytest.mark.parametrize(
    ("kind", "id", "reason", "metadata"),
    [
        (CapacityPool, "hall", "CAPACITY_POOL_IN_USE", {
            "ticket_types": ",".join(
                f"events/e/ticketTypes/{id}" for id in ("standard", "child", "parking", "family"))}),
        (EventDate, "first", "EVENT_DATE_IN_USE", {"capacity_pools": "events/e/capacityPools/evening"}),
        (TicketType, "standard", "TICKET_TYPE_IN_USE", {
            "ticket_types": "events/e/ticketTypes/parking", "discounts": "events/e/discounts/third"}),
        (TicketType, "child", "TICKET_TYPE_IN_USE", {
            "ticket_types": "events/e/ticketTypes/family", "questions": "events/e/questions/meal"}),
    ],
)  # fmt: skip
def test_what_others_name_is_not_removed(kind: type[Part], id: str, reason: str, metadata: dict[str, str]) -> None:
    with pytest.raises(FailedPrecondition) as caught:
        sold().without_part(kind, id, NOW)
    assert (caught.value.reason, caught.value.metadata) == (reason, metadata)


def test_a_ticket_type_that_a_discount_makes_cheaper_is_named_by_it() -> None:
    event, _ = sold().with_changed_part(replace(THIRD, benefit_ticket_types=("family",)), NOW)
    with pytest.raises(FailedPrecondition, match="TICKET_TYPE_IN_USE"):
        event.without_part(TicketType, "family", NOW)


def test_what_nobody_names_is_removed() -> None:
    event = sold()
    for kind, id in ((Discount, "third"), (Question, "meal"), (TicketType, "family"), (CapacityPool, "evening")):
        event, made = event.without_part(kind, id, NOW)
        assert made == [KINDS[kind].deleted(id)]
        assert event.offer.find(kind, id) is None
    event, made = event.without_part(EventDate, "first", NOW)
    assert (event.offer.dates, made) == ((), [facts.EventDateDeleted("first")])


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"price_phases": (PricePhase(Money(100, "EUR"), places=1),)}, ["price_phases[0].price.currency_code"]),
        ({"price_phases": (PricePhase(CAD, "Endless"),)}, ["price_phases[0]"]),
        ({"price_phases": (PricePhase(CAD, places=1), PricePhase(Money(-1, "CAD"), places=1))},
         ["price_phases[1].price"]),
        ({"price_phases": (PricePhase(Money(10**12 + 1, "CAD"), end_time=NOW),)}, ["price_phases[0].price"]),
        ({"max_per_person": 2, "min_per_booking": 3}, ["max_per_person"]),
        ({"add_on_to": ("child",)}, ["add_on_to"]),
        ({"kind": TicketKind.ADD_ON}, ["kind"]),
        ({"bundle_items": (BundleItem("child", 1),)}, ["sections"]),
        ({"bundle_items": (BundleItem("standard", 1),), "sections": ()}, ["bundle_items[0].ticket_type"]),
        ({"bundle_items": (BundleItem("family", 1), BundleItem("nope", 1)), "sections": ()},
         ["bundle_items[0].ticket_type", "bundle_items[1].ticket_type"]),
        ({"bundle_items": (BundleItem("child", 1), BundleItem("child", 2)), "sections": ()},
         ["bundle_items[1].ticket_type"]),
        ({"sections": ("stalls", "balcony")}, ["sections[1]"]),
    ],
)  # fmt: skip
def test_a_wrong_ticket_type_is_refused_with_every_field_named(change: dict[str, Any], fields: list[str]) -> None:
    assert wrong_fields(sold(), replace(STANDARD, **change)) == fields


@pytest.mark.parametrize("id", ["parking", "nope", "events/other/ticketTypes/standard"])
def test_an_add_on_belongs_to_other_admissions_of_its_event(id: str) -> None:
    assert wrong_fields(sold(), replace(PARKING, add_on_to=("child", id))) == ["add_on_to[1]"]


def test_an_item_of_a_bundle_does_not_become_a_bundle() -> None:
    assert wrong_fields(sold(), replace(CHILD, bundle_items=(BundleItem("parking", 1),))) == ["bundle_items"]


def test_a_bundle_may_hold_an_add_on() -> None:
    items = (BundleItem("child", 1), BundleItem("parking", 1))
    event, made = sold().with_changed_part(replace(FAMILY, bundle_items=items), NOW)
    assert (event.part(TicketType, "family").bundle_items, len(made)) == (items, 1)


@pytest.mark.parametrize(
    ("part", "fields"),
    [
        (replace(HALL, date="nope"), ["date"]),
        (replace(FIRST, start_time=None, end_time=None), ["start_time", "end_time"]),
        (replace(FIRST, end_time=FIRST.start_time), ["end_time"]),
        (replace(MEAL, text=" ", kind=None), ["text", "kind"]),
        (replace(MEAL, choices=("Meat",)), ["choices"]),
        (replace(MEAL, choices=("Meat", "Meat")), ["choices"]),
        (replace(MEAL, choices=("Meat", " ")), ["choices[1]"]),
        (replace(MEAL, kind=QuestionKind.EMAIL), ["choices"]),
        (replace(MEAL, ticket_types=("child", "nope")), ["ticket_types[1]"]),
        (replace(THIRD, display_name="", percent_off_basis_points=0), ["display_name", "percent_off_basis_points"]),
        (replace(THIRD, condition_quantity=0, benefit_quantity=0), ["condition_quantity", "benefit_quantity"]),
        (replace(THIRD, benefit_quantity=4), ["benefit_quantity"]),
        (replace(THIRD, condition_ticket_types=("nope",)), ["condition_ticket_types[0]"]),
        (replace(THIRD, benefit_ticket_types=("child", "nope")), ["benefit_ticket_types[1]"]),
        (replace(THIRD, start_time=NOW, end_time=NOW), ["end_time"]),
    ],
)  # fmt: skip
def test_another_wrong_part_is_refused_with_every_field_named(part: Part, fields: list[str]) -> None:
    assert wrong_fields(sold(), part) == fields


def test_a_discount_may_give_more_of_another_type_than_its_condition_takes() -> None:
    discount = replace(THIRD, condition_quantity=1, benefit_quantity=4, benefit_ticket_types=("child",))
    _, made = sold().with_changed_part(discount, NOW)
    assert made == [facts.DiscountChanged("third")]


def test_of_many_problems_only_the_first_are_told() -> None:
    assert len(wrong_fields(sold(), replace(MEAL, ticket_types=tuple(f"n{n}" for n in range(90))))) == 20


@pytest.mark.parametrize(
    ("rows", "fields"),
    [
        ((SeatRow("A", ("1",)), SeatRow("A", ("1",))), ["rows[1].label"]),
        ((SeatRow("A/B", ("1",)),), ["rows[0].label"]),
        ((SeatRow(" A", ("1",)),), ["rows[0].label"]),
        ((SeatRow("A", ("1", "2", "1")),), ["rows[0].seats[2]"]),
        ((SeatRow("A", ("1\n", "a/b", "ok")),), ["rows[0].seats[0]", "rows[0].seats[1]"]),
        ((SeatRow("A", ("1", "2"), ("2", "3")),), ["rows[0].accessible_seats[1]"]),
        ((SeatRow("A", ("1", "2"), ("2", "2")),), ["rows[0].accessible_seats[1]"]),
    ],
)
def test_a_wrong_row_is_refused_with_every_field_named(rows: tuple[SeatRow, ...], fields: list[str]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        sold().with_seating_plan(SeatingPlan((Section("stalls", "Stalls", rows),)), NOW)
    assert [violation.field for violation in caught.value.violations] == [
        f"seating_plan.sections[0].{field}" for field in fields
    ]


def test_sections_have_names_and_ids_of_their_own() -> None:
    rows = (SeatRow("A", ("1",)),)
    plan = SeatingPlan((Section("stalls", "Stalls", rows), Section("stalls", " ", rows)))
    with pytest.raises(InvalidArgument) as caught:
        sold().with_seating_plan(plan, NOW)
    fields = [violation.field for violation in caught.value.violations]
    assert fields == ["seating_plan.sections[1].id", "seating_plan.sections[1].display_name"]


def test_a_plan_has_at_most_twenty_thousand_seats() -> None:
    def plan(seats: int) -> SeatingPlan:
        row = SeatRow("A", tuple(map(str, range(seats - 19_999))))
        more = tuple(SeatRow(f"R{n}", tuple(map(str, range(101)))) for n in range(198))
        return SeatingPlan((Section("stalls", "Stalls", (row, *more, SeatRow("Z", ("1",)))),))

    event, made = sold().with_seating_plan(plan(20_000), NOW)
    assert sum(len(row.seats) for row in event.offer.seating_plan.sections[0].rows) == 20_000
    assert made == [facts.SeatingPlanChanged()]
    with pytest.raises(InvalidArgument, match="20000 seats"):
        sold().with_seating_plan(plan(20_001), NOW)


def test_a_plan_has_at_most_five_thousand_rows() -> None:
    def plan(rows: int) -> SeatingPlan:
        return SeatingPlan((Section("stalls", "Stalls", tuple(SeatRow(f"R{n}", ("1",)) for n in range(rows))),))

    assert sold().with_seating_plan(plan(5_000), NOW)[1]
    with pytest.raises(InvalidArgument, match="5000 rows"):
        sold().with_seating_plan(plan(5_001), NOW)


def test_a_section_that_a_ticket_type_names_stays() -> None:
    with pytest.raises(FailedPrecondition) as caught:
        sold().with_seating_plan(SeatingPlan(), NOW)
    assert caught.value.reason == "SECTION_IN_USE"
    assert caught.value.metadata == {"ticket_types": "events/e/ticketTypes/standard"}


def test_a_plan_is_replaced_and_removed_and_each_raises_its_revision() -> None:
    event, _ = sold().with_changed_part(replace(STANDARD, sections=()), NOW)
    before = event.offer.seating_plan.revision
    event, made = event.with_seating_plan(SeatingPlan(), NOW)
    assert event.offer.seating_plan == SeatingPlan(revision=before + 1)
    assert made == [facts.SeatingPlanChanged()]
    assert event.with_seating_plan(SeatingPlan(), NOW) == (event, [])


def test_the_service_fee_is_in_the_currency_of_all_that_is_sold() -> None:
    fee = replace(DETAILS, booking_terms=BookingTerms(service_fee=ServiceFee(Money(100, "EUR"))))
    with pytest.raises(InvalidArgument) as caught:
        sold().revised(fee, NOW)
    assert caught.value.violations[0].field == "event.booking_terms.service_fee.fixed.currency_code"
    event, _ = draft("events/e", "organizers/o", fee, NOW)
    event, _ = event.with_part(HALL, NOW)
    with pytest.raises(InvalidArgument) as caught:
        event.with_part(CHILD, NOW)
    assert (caught.value.reason, caught.value.violations[0].field) == (
        "TICKET_TYPE_INVALID",
        "ticket_type.price.currency_code",
    )
    _, made = event.with_part(replace(CHILD, price=Money(5, "EUR")), NOW)
    assert made == [facts.TicketTypeCreated("child")]

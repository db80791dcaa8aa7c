"""How an event is sold, set up as clients do it: dates, questions, discounts, seats and terms of booking."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.field_mask_pb2 import FieldMask
from google.type.money_pb2 import Money

from access import Role
from domain_kit.ids import new_id
from domain_kit.refusals import Aborted, FailedPrecondition, InvalidArgument, NotFound, PermissionDenied
from event_service.domain.seating import MOST_ROWS, MOST_SEATS
from testkit.calls import Calls
from usher.event.v1 import discount_pb2, event_date_pb2, event_pb2, question_pb2, seating_plan_pb2, ticket_type_pb2
from usher.event.v1 import event_service_pb2 as pb
from usher.event.v1.event_service_pb2_grpc import EventServiceStub

START = datetime.now(UTC).replace(microsecond=0) + timedelta(days=60)
ORGANIZER = f"organizers/{new_id()}"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100
PRICE = Money(currency_code="CAD", units=20)
ADD_ON = ticket_type_pb2.TICKET_TYPE_KIND_ADD_ON


class Seller:
    """A manager with an event that is on sale."""

    def __init__(self, calls: Calls, role: Role = Role.MANAGER) -> None:
        self.stub = EventServiceStub(calls.channel)
        self.public = EventServiceStub(calls.channel)
        self.metadata = calls.bearer(f"users/{new_id()}", {ORGANIZER: role})
        self.event = self.pool = self.ticket_type = ""

    async def call(self, rpc: str, **fields: Any) -> Any:
        request = getattr(pb, f"{rpc}Request")(**fields)
        return await getattr(self.stub, rpc)(request, metadata=self.metadata)

    async def draft(self) -> None:
        event = event_pb2.Event(organizer=ORGANIZER, title="Opera", time_zone="America/Toronto", online=True)
        event.start_time.FromDatetime(START)
        event.end_time.FromDatetime(START + timedelta(hours=3))
        self.event = (await self.call("CreateEvent", event=event)).name
        pool = ticket_type_pb2.CapacityPool(display_name="Hall", capacity=50)
        self.pool = (await self.call("CreateCapacityPool", parent=self.event, capacity_pool=pool)).name
        self.ticket_type = (await self.sells("Standard")).name

    async def sells(self, display_name: str, **fields: Any) -> ticket_type_pb2.TicketType:
        ticket_type = ticket_type_pb2.TicketType(
            display_name=display_name, price=PRICE, capacity_pools=[self.pool], **fields
        )  # fmt: skip
        return await self.call("CreateTicketType", parent=self.event, ticket_type=ticket_type)

    async def updated(self, terms: event_pb2.BookingTerms, *paths: str) -> event_pb2.BookingTerms:
        event = event_pb2.Event(name=self.event, booking_terms=terms)
        mask = FieldMask(paths=paths or ["booking_terms"])
        return (await self.call("UpdateEvent", event=event, update_mask=mask)).booking_terms

    async def seats(self, *sections: seating_plan_pb2.Section, **fields: Any) -> seating_plan_pb2.SeatingPlan:
        plan = seating_plan_pb2.SeatingPlan(name=f"{self.event}/seatingPlan", sections=sections, **fields)
        return await self.call("UpdateSeatingPlan", seating_plan=plan)


@pytest.fixture
async def seller(calls: Calls) -> Seller:
    seller = Seller(calls)
    await seller.draft()
    await seller.call("PublishEvent", name=seller.event)
    return seller


def date() -> event_date_pb2.EventDate:
    made = event_date_pb2.EventDate(display_name="Matinee")
    made.start_time.FromDatetime(START)
    made.end_time.FromDatetime(START + timedelta(hours=3))
    return made


def section(id: str, rows: int = 1, seats: int = 2) -> seating_plan_pb2.Section:
    numbers = [str(n) for n in range(seats)]
    made = [seating_plan_pb2.SeatRow(label=f"R{n}", seats=numbers, accessible_seats=numbers) for n in range(rows)]
    return seating_plan_pb2.Section(id=id, display_name=id.title(), rows=made)


PARTS = [
    ("EventDate", "event_date", "event_dates", "dates", date(), "display_name"),
    ("Question", "question", "questions", "questions",
     question_pb2.Question(text="Name?", kind=question_pb2.QUESTION_KIND_TEXT), "text"),
    ("Discount", "discount", "discounts", "discounts",
     discount_pb2.Discount(
         display_name="Third", condition_quantity=3, benefit_quantity=1, percent_off_basis_points=5000),
     "display_name"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rpc", "field", "list_field", "collection", "part", "text"), PARTS, ids=[each[0] for each in PARTS]
)
async def test_a_part_is_made_seen_changed_and_removed_while_the_event_is_on_sale(
    seller: Seller, rpc: str, field: str, list_field: str, collection: str, part: Any, text: str
) -> None:
    made = await seller.call(f"Create{rpc}", parent=seller.event, **{field: part})
    assert made.name.startswith(f"{seller.event}/{collection}/")
    other = await seller.call(f"Create{rpc}", parent=seller.event, **{field: part})
    listing = getattr(pb, f"List{rpc}sRequest")
    first = await getattr(seller.public, f"List{rpc}s")(listing(parent=seller.event, page_size=1))
    rest = await getattr(seller.public, f"List{rpc}s")(
        listing(parent=seller.event, page_size=1, page_token=first.next_page_token)
    )
    assert [*getattr(first, list_field), *getattr(rest, list_field)] == [made, other]
    assert not rest.next_page_token

    patch = type(part)(name=made.name, etag=made.etag, **{text: "Another"})
    changed = await seller.call(f"Update{rpc}", **{field: patch})
    seen = await getattr(seller.public, f"Get{rpc}")(getattr(pb, f"Get{rpc}Request")(name=made.name))
    assert (getattr(changed, text), seen) == ("Another", changed)
    with pytest.raises(Aborted, match="ETAG_MISMATCH"):
        await seller.call(f"Update{rpc}", **{field: patch})
    with pytest.raises(Aborted, match="ETAG_MISMATCH"):
        await seller.call(f"Delete{rpc}", name=made.name, etag=made.etag)
    await seller.call(f"Delete{rpc}", name=made.name, etag=changed.etag)
    with pytest.raises(NotFound):
        await seller.call(f"Get{rpc}", name=made.name)


@pytest.mark.parametrize(
    ("rpc", "field", "list_field", "collection", "part", "text"), PARTS, ids=[each[0] for each in PARTS]
)
async def test_a_part_of_a_draft_is_hidden_and_only_those_who_may_change_an_event_change_it(
    calls: Calls, rpc: str, field: str, list_field: str, collection: str, part: Any, text: str
) -> None:
    seller, viewer = Seller(calls), Seller(calls, Role.VIEWER)
    await seller.draft()
    made = await seller.call(f"Create{rpc}", parent=seller.event, **{field: part})
    with pytest.raises(NotFound):
        await getattr(seller.public, f"Get{rpc}")(getattr(pb, f"Get{rpc}Request")(name=made.name))
    assert await viewer.call(f"Get{rpc}", name=made.name) == made
    with pytest.raises(PermissionDenied):
        await viewer.call(f"Create{rpc}", parent=seller.event, **{field: part})
    with pytest.raises(PermissionDenied):
        await viewer.call(f"Delete{rpc}", name=made.name)


async def test_a_pool_belongs_to_a_date_which_then_stays(seller: Seller) -> None:
    made = await seller.call("CreateEventDate", parent=seller.event, event_date=date())
    pool = ticket_type_pb2.CapacityPool(display_name="Matinee", capacity=9, overbooking=2, date=made.name)
    pool = await seller.call("CreateCapacityPool", parent=seller.event, capacity_pool=pool)
    assert (pool.date, pool.overbooking) == (made.name, 2)
    with pytest.raises(FailedPrecondition) as caught:
        await seller.call("DeleteEventDate", name=made.name)
    assert (caught.value.reason, caught.value.metadata) == ("EVENT_DATE_IN_USE", {"capacity_pools": pool.name})


async def test_hidden_ticket_types_are_listed_for_members_only(seller: Seller) -> None:
    hidden = await seller.sells("Friends", hidden=True)
    await seller.sells("Late")
    request = pb.ListTicketTypesRequest(parent=seller.event, page_size=2)
    outside = await seller.public.ListTicketTypes(request)
    assert [each.display_name for each in outside.ticket_types] == ["Standard", "Late"]
    assert not outside.next_page_token
    inside = await seller.call("ListTicketTypes", parent=seller.event)
    assert [each.display_name for each in inside.ticket_types] == ["Standard", "Friends", "Late"]
    asked = pb.GetTicketTypeRequest(name=hidden.name)
    with pytest.raises(NotFound):
        await seller.public.GetTicketType(asked)
    assert (await seller.call("GetTicketType", name=hidden.name)).hidden


async def test_nothing_public_tells_of_a_hidden_ticket_type(seller: Seller) -> None:
    """INVARIANT: only members learn its id, unless it is issued for a bundle that everybody sees."""
    hidden, part = (await seller.sells("Friends", hidden=True)).name, (await seller.sells("Seat", hidden=True)).name
    items = [ticket_type_pb2.BundleItem(ticket_type=part, quantity=2)]
    await seller.sells("Family", bundle_items=items)
    both = [seller.ticket_type, hidden]
    for name, types in (("T-shirt", both), ("Backstage", [hidden])):
        await seller.sells(name, kind=ADD_ON, add_on_to=types)
        question = question_pb2.Question(text=name, kind=question_pb2.QUESTION_KIND_TEXT, ticket_types=types)
        await seller.call("CreateQuestion", parent=seller.event, question=question)
        discount = discount_pb2.Discount(
            display_name=name, condition_ticket_types=types, condition_quantity=2, benefit_quantity=1,
            percent_off_basis_points=5000,
        )  # fmt: skip
        await seller.call("CreateDiscount", parent=seller.event, discount=discount)

    async def told(caller: Any) -> list[tuple[str, list[str]]]:
        types = (await caller("ListTicketTypes", parent=seller.event)).ticket_types
        questions = (await caller("ListQuestions", parent=seller.event)).questions
        discounts = (await caller("ListDiscounts", parent=seller.event)).discounts
        return [
            *[(each.display_name, list(each.add_on_to)) for each in types if each.kind == ADD_ON],
            *[(each.text, list(each.ticket_types)) for each in questions],
            *[(each.display_name, list(each.condition_ticket_types)) for each in discounts],
        ]

    async def outside(rpc: str, **fields: Any) -> Any:
        return await getattr(seller.public, rpc)(getattr(pb, f"{rpc}Request")(**fields))

    assert await told(seller.call) == [("T-shirt", both), ("Backstage", [hidden])] * 3
    assert await told(outside) == [("T-shirt", [seller.ticket_type])] * 3
    assert (await outside("GetTicketType", name=part)).display_name == "Seat"
    _, backstage = (await seller.call("ListQuestions", parent=seller.event)).questions
    assert (await outside("GetQuestion", name=backstage.name)).text == "Backstage"
    _, discount = (await seller.call("ListDiscounts", parent=seller.event)).discounts
    with pytest.raises(NotFound):
        await outside("GetDiscount", name=discount.name)


async def test_how_many_more_are_sold_than_there_are_places_is_told_to_members_only(seller: Seller) -> None:
    pool = ticket_type_pb2.CapacityPool(display_name="Stalls", capacity=9, overbooking=2)
    name = (await seller.call("CreateCapacityPool", parent=seller.event, capacity_pool=pool)).name
    assert (await seller.call("GetCapacityPool", name=name)).overbooking == 2
    outside = await seller.public.GetCapacityPool(pb.GetCapacityPoolRequest(name=name))
    listed = await seller.public.ListCapacityPools(pb.ListCapacityPoolsRequest(parent=seller.event))
    assert [(each.capacity, each.overbooking) for each in (outside, listed.capacity_pools[-1])] == [(9, 0)] * 2


async def test_a_ticket_type_says_all_of_how_it_is_sold(seller: Seller) -> None:
    await seller.seats(section("stalls"))
    phase = ticket_type_pb2.PricePhase(display_name="Early", price=Money(currency_code="CAD", units=9), places=5)
    seated = await seller.sells(
        "Seated",
        price_phases=[phase],
        max_per_person=3,
        approval_required=True,
        tax_class="reduced",
        sections=["stalls"],
    )
    assert (seated.kind, list(seated.price_phases)) == (ticket_type_pb2.TICKET_TYPE_KIND_ADMISSION, [phase])
    parking = await seller.sells("Parking", kind=ticket_type_pb2.TICKET_TYPE_KIND_ADD_ON, add_on_to=[seated.name])
    item = ticket_type_pb2.BundleItem(ticket_type=seated.name, quantity=2)
    bundle = await seller.sells("Two and a car", bundle_items=[item])
    assert (list(parking.add_on_to), list(bundle.bundle_items)) == ([seated.name], [item])
    with pytest.raises(FailedPrecondition) as caught:
        await seller.call("DeleteTicketType", name=seated.name)
    users = f"{parking.name},{bundle.name}"
    assert (caught.value.reason, caught.value.metadata) == ("TICKET_TYPE_IN_USE", {"ticket_types": users})
    with pytest.raises(FailedPrecondition, match="SECTION_IN_USE"):
        await seller.seats(section("balcony"))


async def test_a_seating_plan_is_there_from_the_start_replaced_and_removed(seller: Seller) -> None:
    name = f"{seller.event}/seatingPlan"
    empty = await seller.public.GetSeatingPlan(pb.GetSeatingPlanRequest(name=name))
    assert (empty.name, list(empty.sections)) == (name, [])
    made = await seller.seats(section("stalls"), section("balcony"), etag=empty.etag)
    assert [each.id for each in made.sections] == ["stalls", "balcony"]
    with pytest.raises(Aborted, match="ETAG_MISMATCH"):
        await seller.seats(etag=empty.etag)
    replaced = await seller.seats(section("stalls", rows=2))
    assert await seller.public.GetSeatingPlan(pb.GetSeatingPlanRequest(name=name)) == replaced
    assert [len(each.rows) for each in replaced.sections] == [2]
    assert not (await seller.seats(etag=replaced.etag)).sections


async def test_a_plan_may_have_all_the_seats_that_a_plan_may_have(seller: Seller) -> None:
    """20,000 seats, all accessible, in 5,000 rows: far more items than other requests may have."""
    sections = [section(f"s{n}", rows=MOST_ROWS // 200, seats=MOST_SEATS // MOST_ROWS) for n in range(200)]
    made = await seller.seats(*sections)
    assert sum(len(row.seats) for each in made.sections for row in each.rows) == MOST_SEATS
    sections[0].rows[0].accessible_seats.pop()
    sections[0].rows[0].seats.append("more")
    with pytest.raises(InvalidArgument) as caught:
        await seller.seats(*sections)
    assert [each.field for each in caught.value.violations] == ["seating_plan.sections"]


async def test_terms_are_changed_by_path_and_stay_within_their_bounds(seller: Seller) -> None:
    terms = event_pb2.BookingTerms(
        change_allowed=True, ticket_logo=PNG, max_tickets_per_booking=6, seats_left_alone_allowed=True
    )  # fmt: skip
    terms.hold_duration.FromTimedelta(timedelta(minutes=20))
    terms.refund_steps.add(basis_points=5000).before_start.FromTimedelta(timedelta(days=7))
    terms.service_fee.fixed.CopyFrom(Money(currency_code="CAD", units=1))
    assert await seller.updated(terms) == terms
    changed = await seller.updated(event_pb2.BookingTerms(max_tickets_per_booking=2),
                                   "booking_terms.max_tickets_per_booking", "booking_terms.hold_duration")  # fmt: skip
    terms.max_tickets_per_booking = 2
    terms.ClearField("hold_duration")
    assert changed == terms
    listed = await seller.call("ListEvents", parent=ORGANIZER)
    (event,) = [each for each in listed.events if each.name == seller.event]
    assert (event.booking_terms.ticket_logo, event.booking_terms.change_allowed) == (b"", True)


@pytest.mark.parametrize(
    ("field", "terms"),
    [
        ("hold_duration", {"hold_duration": "59s"}),
        ("hold_duration", {"hold_duration": "86401s"}),
        ("approval_duration", {"approval_duration": "3599s"}),
        ("payment_duration", {"payment_duration": "3599s"}),
        ("payment_duration", {"payment_duration": "2592001s"}),
        ("waiting_list.offer_duration", {"waiting_list": {"offer_duration": "2592001s"}}),
        ("waiting_room.turn_duration", {"waiting_room": {"turn_duration": "3601s"}}),
        ("waiting_room.admissions_per_minute", {"waiting_room": {"enabled": True}}),
        ("refund_steps[0].before_start", {"refund_steps": [{"before_start": "-1s"}]}),
        ("refund_steps[0].basis_points", {"refund_steps": [{"basis_points": 10001}]}),
        ("service_fee.basis_points", {"service_fee": {"basis_points": 5001}}),
        ("service_fee.fixed.currency_code", {"service_fee": {"fixed": {"currency_code": "XXQ", "units": 1}}}),
        ("service_fee.fixed.currency_code", {"service_fee": {"fixed": {"currency_code": "EUR", "units": 1}}}),
        ("max_tickets_per_booking", {"max_tickets_per_booking": -1}),
        ("ticket_logo", {"ticket_logo": base64.b64encode(PNG + b"\0" * 32_768).decode()}),
        ("ticket_logo", {"ticket_logo": base64.b64encode(b"GIF89a").decode()}),
    ],
)
async def test_terms_out_of_bounds_are_refused_by_name(seller: Seller, field: str, terms: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        await seller.updated(json_format.ParseDict(terms, event_pb2.BookingTerms()))
    assert [each.field for each in caught.value.violations] == [f"event.booking_terms.{field}"]


async def test_currencies_are_offered_and_changed_while_tickets_are_sold(seller: Seller) -> None:
    def offered(rate: str) -> event_pb2.OfferedCurrency:
        made = event_pb2.OfferedCurrency(currency_code="JPY", rate=rate, rate_source="by hand")
        made.rate_time.FromDatetime(START - timedelta(days=61))
        return made

    event = event_pb2.Event(name=seller.event, currency_code="CAD", offered_currencies=[offered("109.5")])
    event.max_rate_age.FromTimedelta(timedelta(days=1))
    mask = FieldMask(paths=["currency_code", "offered_currencies", "max_rate_age"])
    made = await seller.call("UpdateEvent", event=event, update_mask=mask)
    assert (made.currency_code, list(made.offered_currencies)) == ("CAD", [offered("109.5")])
    assert made.max_rate_age.ToTimedelta() == timedelta(days=1)
    event = event_pb2.Event(name=seller.event, offered_currencies=[offered("110")])
    changed = await seller.call("UpdateEvent", event=event, update_mask=FieldMask(paths=["offered_currencies"]))
    assert (changed.offered_currencies[0].rate, changed.currency_code) == ("110", "CAD")
    with pytest.raises(InvalidArgument) as caught:
        await seller.sells("Dear", price_phases=[{"price": Money(currency_code="EUR", units=1), "places": 1}])
    assert caught.value.violations[0].field == "ticket_type.price_phases[0].price.currency_code"
    with pytest.raises(InvalidArgument) as caught:
        other = event_pb2.Event(name=seller.event, currency_code="EUR")
        await seller.call("UpdateEvent", event=other, update_mask=FieldMask(paths=["currency_code"]))
    assert [each.field for each in caught.value.violations] == ["event.currency_code"]


@pytest.mark.parametrize(
    ("field", "event"),
    [
        ("currency_code", {"currency_code": "cad"}),
        ("currency_code", {"currency_code": "XXQ"}),
        ("max_rate_age", {"max_rate_age": "59s"}),
        ("max_rate_age", {"max_rate_age": "31622401s"}),
        ("offered_currencies[0].rate", {"rate": "0"}),
        ("offered_currencies[0].rate", {"rate": "1e3"}),
        ("offered_currencies[0].rate", {"rate": "10000000001"}),
        ("offered_currencies[0].rate", {"rate": "1.0000000000001"}),
        ("offered_currencies[0].currency_code", {"currency_code": "CAD"}),
        ("offered_currencies[0].rate_source", {"rate_source": ""}),
        ("offered_currencies[0].rate_time", {"rate_time": "2999-01-01T00:00:00Z"}),
    ],
)
async def test_currencies_out_of_bounds_are_refused_by_name(seller: Seller, field: str, event: dict[str, Any]) -> None:
    yen = {"currency_code": "JPY", "rate": "109.5", "rate_time": "2026-01-01T00:00:00Z", "rate_source": "by hand"}
    given = {"currency_code": "CAD", "offered_currencies": [yen]}
    given = {**given, "offered_currencies": [yen | event]} if field.startswith("offered") else {**given, **event}
    message = json_format.ParseDict({"name": seller.event, **given}, event_pb2.Event())
    with pytest.raises(InvalidArgument) as caught:
        await seller.call("UpdateEvent", event=message, update_mask=FieldMask(paths=list(given)))
    assert [each.field for each in caught.value.violations] == [f"event.{field}"]


async def test_an_import_takes_terms_and_new_fields_of_what_is_sold(seller: Seller) -> None:
    def line(**pool: Any) -> dict[str, Any]:
        event = {
            "title": "Imported", "startTime": START.isoformat(), "endTime": (START + timedelta(hours=1)).isoformat(),
            "timeZone": "UTC", "online": True,
            "bookingTerms": {
                "holdDuration": "600s", "transferAllowed": True, "ticketLogo": base64.b64encode(PNG).decode(),
                "refundSteps": [{"beforeStart": "86400s", "basisPoints": 10000}],
            },
        }  # fmt: skip
        sold = {"displayName": "A", "price": {"currencyCode": "EUR", "units": 10}, "maxPerPerson": 2, "hidden": True}
        return {
            "event": event,
            "capacityPools": [{"id": "hall", "capacityPool": {"displayName": "Hall", "capacity": 9, **pool}}],
            "ticketTypes": [{"id": "a", "ticketType": sold, "capacityPoolIds": ["hall"]}],
        }

    async def imported(line: dict[str, Any]) -> pb.ImportEventsResponse:
        request = pb.ImportEventsRequest(parent=ORGANIZER, json_lines=json.dumps(line))
        return [each async for each in seller.stub.ImportEvents(request, metadata=seller.metadata)][-1]

    done = await imported(line(overbooking=1))
    assert not done.errors
    event = await seller.call("GetEvent", name=done.events[0])
    terms = event.booking_terms
    assert (terms.hold_duration.seconds, terms.transfer_allowed, terms.ticket_logo) == (600, True, PNG)
    (sold,) = (await seller.call("ListTicketTypes", parent=event.name)).ticket_types
    assert (sold.max_per_person, sold.hidden) == (2, True)
    elsewhere = await imported(line(date=f"{event.name}/dates/first"))
    assert [(each.line, each.field) for each in elsewhere.errors] == [(1, "capacity_pool.date")]

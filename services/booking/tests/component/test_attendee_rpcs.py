"""Who comes, over rpc: details, group bookings, files in and out, and who may do what."""

import asyncio
import csv
import io
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest

from access import Role
from booking_service.composition import build
from booking_service.domain.questions import Question, QuestionKind
from booking_service.domain.seating import SeatRow, Section
from booking_service.settings import Settings
from domain_kit.clock import utc_now
from domain_kit.ids import new_id
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, InvalidArgument, PermissionDenied, Unauthenticated
from mongo_store import Journal, open_database
from telemetry import Metrics
from testkit.calls import CallSettings, calls_to
from usher.booking.v1 import attendee_service_pb2 as pb
from usher.booking.v1 import booking_pb2
from usher.booking.v1 import booking_service_pb2 as booking_pb
from usher.booking.v1.attendee_service_pb2_grpc import AttendeeServiceStub
from usher.booking.v1.booking_service_pb2_grpc import BookingServiceStub

EVENT, ORGANIZER = f"events/{new_id()}", f"organizers/{new_id()}"
ADA, BOB, OLGA = (f"users/{new_id()}" for _ in range(3))
DIET, AGE = f"{EVENT}/questions/diet", f"{EVENT}/questions/age"
CSV, JSON_LINES = pb.ATTENDEE_FILE_FORMAT_CSV, pb.ATTENDEE_FILE_FORMAT_JSON_LINES


@dataclass(frozen=True, kw_only=True)
class OwnDatabase(Settings):
    name: str = ""

    @property
    def database(self) -> str:
        return self.name


@pytest.fixture
async def platform(mongo_uri, make):
    name = f"test_{new_id()}"
    settings = OwnDatabase(
        mongodb_uri=mongo_uri, kafka_brokers="127.0.0.1:1", page_token_key=b"0123456789abcdef", name=name
    )
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(build(settings, Metrics("booking")))
        calls = await stack.enter_async_context(calls_to(service, CallSettings(service="booking", max_in_flight=500)))
        other = make.lanes_on(Journal(await stack.enter_async_context(open_database(mongo_uri, name))))
        kinds = [
            replace(make.type(price=Money(price, "EUR"), most=100), name=f"{EVENT}/ticketTypes/{id}")
            for id, price in (("free", 0), ("standard", 2500))
        ]
        kinds.append(replace(kinds[0], name=f"{EVENT}/ticketTypes/seat", sections=("stalls",)))
        now = utc_now()
        offer = make.offer(
            *kinds, event=EVENT, organizer=ORGANIZER, capacities={"hall": 6000},
            start_time=now.replace(year=now.year + 1, day=1), end_time=now.replace(year=now.year + 1, day=2),
            questions=(
                Question(DIET, "Diet?", QuestionKind.TEXT, required=True, per_ticket=True),
                Question(AGE, "Age?", QuestionKind.NUMBER),
            ),
            sections=(Section("stalls", "Stalls", (SeatRow("A", ("1", "2", "3", "4"), ("4",)),)),),
        )  # fmt: skip
        await other.submit(make.project(offer), make.cause())
        yield SimpleNamespace(
            bookings=BookingServiceStub(calls.channel), attendees=AttendeeServiceStub(calls.channel), calls=calls,
            ada=calls.bearer(ADA), bob=calls.bearer(BOB), make=make, other=other, offer=offer,
            olga=calls.bearer(OLGA, {ORGANIZER: Role.MANAGER}), viewer=calls.bearer(OLGA, {ORGANIZER: Role.VIEWER}),
            finance=calls.bearer(OLGA, {ORGANIZER: Role.FINANCE}),
        )  # fmt: skip


def create(kind="free", quantity=1, **details):
    line = booking_pb2.BookingLine(ticket_type=f"{EVENT}/ticketTypes/{kind}", quantity=quantity)
    return booking_pb.CreateBookingRequest(parent=EVENT, booking=booking_pb2.Booking(lines=[line], **details))


def answer(question, text):
    return booking_pb2.Answer(question=question, text=text)


def vegan(name):
    return booking_pb2.Attendee(display_name=name, answers=[answer(DIET, "vegan")])


def change(name, *attendees, **fields):
    changes = [pb.AttendeeChange(place=pb.LinePlace(number=n), attendee=each) for n, each in enumerate(attendees)]
    return pb.ChangeBookingDetailsRequest(name=name, attendees=changes, **fields)


async def test_a_buyer_answers_what_is_missing_and_the_tickets_carry_who_comes(platform):
    stub, ada = platform.bookings, platform.ada
    held = await stub.CreateBooking(create(quantity=2), metadata=ada)
    read = await stub.GetBooking(booking_pb.GetBookingRequest(name=held.name), metadata=ada)
    assert list(held.missing_answers) == list(read.missing_answers) == [DIET]
    with pytest.raises(FailedPrecondition, match="ANSWERS_REQUIRED"):
        await stub.ConfirmBooking(booking_pb.ConfirmBookingRequest(name=held.name), metadata=ada)
    sheet = pb.AnswerSheet(answers=[answer(AGE, "36")])
    told = await platform.attendees.ChangeBookingDetails(
        change(held.name, vegan("Ada"), vegan("Bob"), answers=sheet, etag=held.etag, request_id="r"), metadata=ada
    )
    assert (list(told.missing_answers), told.answers[0].text) == ([], "36")
    confirmed = await stub.ConfirmBooking(booking_pb.ConfirmBookingRequest(name=held.name), metadata=ada)
    assert [ticket.attendee.display_name for ticket in confirmed.tickets] == ["Ada", "Bob"]
    swap = pb.AttendeeChange(ticket=confirmed.tickets[1].name, attendee=vegan("Cyd"))
    after = await platform.attendees.ChangeBookingDetails(
        pb.ChangeBookingDetailsRequest(name=held.name, attendees=[swap]), metadata=platform.olga
    )
    assert [ticket.attendee.display_name for ticket in after.tickets] == ["Ada", "Cyd"]
    assert after.history[-1].action == "BookingDetailsChanged"
    with pytest.raises(InvalidArgument, match="ANSWER_INVALID") as refused:
        await stub.CreateBooking(create(answers=[answer(AGE, "old")]), metadata=ada)
    assert [each.field for each in refused.value.violations] == ["booking.answers[0].text"]


def group(quantity=1000, **fields):
    line = pb.GroupBookingLine(ticket_type=f"{EVENT}/ticketTypes/standard", quantity=quantity)
    return pb.CreateGroupBookingRequest(parent=EVENT, lines=[line], **fields)


async def test_a_group_of_1000_with_names_is_booked_at_once_for_somebody_without_an_account(platform):
    contact = booking_pb2.BuyerContact(display_name="The Press", email="press@example.org")
    request = group(contact=contact, complimentary=pb.Complimentary(), reason="press", request_id="r")
    request.lines[0].attendees.extend(vegan(f"A{number}") for number in range(1000))
    booked = await platform.attendees.CreateGroupBooking(request, metadata=platform.olga)
    assert (booked.state, booked.total.units, len(booked.tickets)) == (booking_pb2.BOOKING_STATE_CONFIRMED, 0, 1000)
    assert (booked.buyer, booked.contact, booked.history[-1].reason) == ("", contact, "press")
    assert booked.ByteSize() < 1_000_000  # a domain event of it fits into a record of the broker
    assert await platform.attendees.CreateGroupBooking(request, metadata=platform.olga) == booked


async def test_an_invoice_waits_30_days_and_only_a_user_can_pay_it(platform):
    book = platform.attendees.CreateGroupBooking
    held = await book(group(20, user=ADA, invoice=pb.Invoice()), metadata=platform.olga)
    assert (held.buyer, held.total.units) == (ADA, 500)
    assert list(held.missing_answers) == [DIET]
    assert held.hold_expire_time.seconds - held.create_time.seconds == 30 * 86_400
    nobody = booking_pb2.BuyerContact(email="press@example.org")
    for request, field in [
        (group(1, contact=nobody, invoice=pb.Invoice()), "contact"),
        (group(1, user=ADA, complimentary=pb.Complimentary()), "reason"),
        (group(1, contact=booking_pb2.BuyerContact(), complimentary=pb.Complimentary(), reason="x"), "contact.email"),
    ]:
        with pytest.raises(InvalidArgument) as refused:
            await book(request, metadata=platform.olga)
        assert [each.field for each in refused.value.violations] == [field]


async def test_a_group_and_a_file_have_seats_those_they_name_or_the_best(platform):
    request = group(1, user=ADA, complimentary=pb.Complimentary(), reason="press")
    request.lines[0].ticket_type, request.lines[0].accessible_seats = f"{EVENT}/ticketTypes/seat", 1
    booked = await platform.attendees.CreateGroupBooking(request, metadata=platform.olga)
    assert [(ticket.seat) for ticket in booked.tickets] == ["stalls/A/4"]
    with pytest.raises(InvalidArgument) as refused:
        request.lines[0].seats.append("stalls/A/1")
        await platform.attendees.CreateGroupBooking(request, metadata=platform.olga)
    assert [each.field for each in refused.value.violations] == ["lines[0].accessible_seats"]
    file = "ticket_type,seat,attendee_name\nseat,stalls/A/2,A\nseat,,B\nstandard,,C"
    *_, last = await imported(platform, importing(file))
    assert last.imported_count == 3
    seats = {row["attendee_name"]: row["seat"] for row in await exported(platform)}
    assert seats == {"": "stalls/A/4", "A": "stalls/A/2", "B": "stalls/A/3", "C": ""}
    with pytest.raises(FailedPrecondition, match="SEAT_TAKEN") as refused:
        await imported(platform, importing("ticket_type,seat\nseat,stalls/A/2"))
    assert refused.value.metadata["seats"] == "stalls/A/2"


def importing(text, **fields):
    return pb.ImportAttendeesRequest(
        **{"parent": EVENT, "content": text.encode(), "format": CSV, "reason": "guests"} | fields
    )


async def imported(platform, request, who=None):
    return [each async for each in platform.attendees.ImportAttendees(request, metadata=who or platform.olga)]


def file_of(count, wrong=()):
    lines = ["ticket_type,order,attendee_name,attendee_email,questions/age,questions/diet"]
    for number in range(2, count + 2):
        age = "old" if number in wrong else "36"
        lines.append(f'standard,o{number // 10},"A, {number}",a{number}@example.org,{age},=none')
    return "\n".join(lines)


async def test_an_error_in_line_3_of_5000_rows_is_named_and_nothing_is_booked(platform):
    *steps, last = await imported(platform, importing(file_of(5000, wrong={3})))
    assert [each.checked_count for each in steps] == list(range(100, 5001, 100))
    assert [(each.line, each.field, each.reason) for each in last.errors] == [(3, "questions/age", "ANSWER_INVALID")]
    assert (last.done, last.total_count, last.imported_count) == (True, 5000, 0)
    assert await exported(platform) == []


async def test_a_file_is_booked_with_progress_and_is_in_the_export_as_it_was(platform):
    *steps, last = await imported(platform, importing(file_of(200), request_id="r"))
    assert (last.imported_count, last.errors, len(last.bookings)) == (200, [], 21)
    written = [each.imported_count for each in steps if each.checked_count == 200]
    assert written == sorted(written)
    assert len(written) > 4
    rows = await exported(platform)
    assert {row["attendee_name"] for row in rows} == {f"A, {number}" for number in range(2, 202)}
    assert {(row["questions/age"], row["questions/diet"], row["price"]) for row in rows} == {("36", "'=none", "0.00")}
    again = await imported(platform, importing(file_of(200), request_id="r"))
    assert again[-1] == last
    assert len(await exported(platform)) == 200


async def test_a_file_that_is_none_is_refused_and_so_is_one_that_does_not_fit(platform):
    for fields in ({"content": b"ticket_type\n"}, {"content": b""}, {"content": b"\xff"}, {"reason": ""}):
        with pytest.raises(InvalidArgument):
            await imported(platform, importing("ticket_type\nfree", **fields))
    with pytest.raises(InvalidArgument, match="5000"):
        await imported(platform, importing(file_of(5001)))
    for _ in range(2):
        await platform.attendees.CreateGroupBooking(group(999, user=ADA, invoice=pb.Invoice()), metadata=platform.olga)
    with pytest.raises(FailedPrecondition, match="SOLD_OUT"):
        await imported(platform, importing(file_of(5000)))
    assert len(await exported(platform)) == 1998


async def parts_of(platform, **fields):
    request = pb.ExportAttendeesRequest(parent=EVENT, **fields)
    return [each async for each in platform.attendees.ExportAttendees(request, metadata=platform.finance)]


async def exported(platform):
    data = b"".join([each.data for each in await parts_of(platform)])
    return list(csv.DictReader(io.StringIO(data.decode(), newline=""), strict=True))


async def test_an_export_of_2000_bookings_is_stable_while_more_are_made(platform):
    make = platform.make

    def hold():
        lane = replace(make.hold(event=EVENT, free=1), buyer=f"users/{new_id()}")
        return platform.other.submit(lane, make.cause())

    guests = "ticket_type,attendee_name\n" + "\n".join(f"free,A{number}" for number in range(2000))
    before = list((await imported(platform, importing(guests)))[-1].bookings)
    request, data, added = pb.ExportAttendeesRequest(parent=EVENT, byte_order_mark=True), b"", 0
    async for part in platform.attendees.ExportAttendees(request, metadata=platform.finance):
        assert part.content_type == "text/csv; charset=utf-8; header=present"
        assert len(part.data) < 4 * 1024 * 1024
        data += part.data
        await asyncio.gather(*(hold() for _ in range(5)))
        added += 5
    assert added >= 25
    assert data.startswith("\ufeffbooking,".encode())
    told = [row["booking"] for row in csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)]
    assert told == sorted(before, reverse=True)


async def test_json_lines_have_one_object_a_ticket(platform):
    await platform.bookings.CreateBooking(create(quantity=3), metadata=platform.ada)
    (part,) = await parts_of(platform, format=JSON_LINES)
    assert part.content_type == "application/jsonl"
    assert len(part.data.splitlines()) == 3


async def test_only_those_who_may_reach_names_and_files(platform):
    held = await platform.bookings.CreateBooking(create(), metadata=platform.ada)
    stub = platform.attendees
    refusing = [
        (stub.ChangeBookingDetails, change(held.name, vegan("X")), [platform.bob, platform.viewer]),
        (stub.CreateGroupBooking, group(1, user=BOB, invoice=pb.Invoice()), [platform.bob, platform.viewer]),
    ]
    for rpc, request, others in refusing:
        for who in others:
            with pytest.raises(PermissionDenied):
                await rpc(request, metadata=who)
        with pytest.raises(Unauthenticated):
            await rpc(request)
    for who in (platform.bob, platform.viewer):
        with pytest.raises(PermissionDenied):
            await imported(platform, importing(file_of(1)), who)
    with pytest.raises(PermissionDenied):
        async for _ in stub.ExportAttendees(pb.ExportAttendeesRequest(parent=EVENT), metadata=platform.ada):
            pass

"""Reserved seats over rpc: the map, the choice, the best there are, and what is refused."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from booking_service.composition import build
from booking_service.domain.offer import EventDate
from booking_service.domain.seating import SeatRow, Section
from booking_service.settings import Settings
from domain_kit.ids import new_id
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, InvalidArgument, NotFound
from mongo_store import Journal, open_database
from telemetry import Metrics
from testkit.calls import CallSettings, calls_to
from usher.booking.v1 import booking_pb2
from usher.booking.v1 import booking_service_pb2 as booking_pb
from usher.booking.v1 import seating_service_pb2 as pb
from usher.booking.v1.booking_service_pb2_grpc import BookingServiceStub
from usher.booking.v1.seating_service_pb2_grpc import SeatingServiceStub

EVENT, ORGANIZER, ADA = f"events/{new_id()}", f"organizers/{new_id()}", f"users/{new_id()}"
START = datetime(datetime.now(UTC).year + 1, 3, 6, 18, 30, tzinfo=UTC)
HALL = (
    Section("stalls", "Stalls", (SeatRow("A", ("1", "2", "3", "4"), ("1",)), SeatRow("B", ("1", "2", "3", "4")))),
    Section("box", "Box", (SeatRow("1", ("1", "2")),)),
)


@dataclass(frozen=True, kw_only=True)
class OwnDatabase(Settings):
    name: str = ""

    @property
    def database(self) -> str:
        return self.name


def offered(make, version=1, **changes):
    kinds = [
        replace(
            make.type(name, price=Money(0, "EUR"), sections=where, hidden=hidden), name=f"{EVENT}/ticketTypes/{name}"
        )
        for name, where, hidden in (("seat", ("stalls",), False), ("box", ("box",), True), ("stand", (), False))
    ]
    told = {"start_time": START, "end_time": START + timedelta(hours=3), "sections": HALL}
    return make.offer(*kinds, event=EVENT, organizer=ORGANIZER, version=version, **{**told, **changes})


@pytest.fixture
async def platform(mongo_uri, make):
    """The service, and another replica's lanes on the same database."""
    name = f"test_{new_id()}"
    settings = OwnDatabase(
        mongodb_uri=mongo_uri, kafka_brokers="127.0.0.1:1", page_token_key=b"0123456789abcdef", name=name
    )
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(mongo_uri, name))
        service = await stack.enter_async_context(build(settings, Metrics("booking")))
        calls = await stack.enter_async_context(calls_to(service, CallSettings(service="booking", max_in_flight=1000)))
        lanes = make.lanes_on(Journal(database))

        async def sell(version=1, **changes):
            await lanes.submit(make.project(offered(make, version, **changes)), make.cause())

        await sell()
        yield SimpleNamespace(
            bookings=BookingServiceStub(calls.channel), seating=SeatingServiceStub(calls.channel), sell=sell,
            ada=calls.bearer(ADA), calls=calls,
        )  # fmt: skip


async def book(platform, quantity=1, kind="seat", user=None, **line):
    line = booking_pb2.BookingLine(ticket_type=f"{EVENT}/ticketTypes/{kind}", quantity=quantity, **line)
    request = booking_pb.CreateBookingRequest(parent=EVENT, booking=booking_pb2.Booking(lines=[line]))
    return await platform.bookings.CreateBooking(request, metadata=user or platform.ada)


async def seat_map(platform, **request):
    return await platform.seating.GetSeatMap(pb.GetSeatMapRequest(name=f"{EVENT}/seatMap", **request))


async def test_a_buyer_sees_the_map_chooses_seats_and_has_them_on_the_tickets(platform):
    empty = await seat_map(platform)
    assert [(each.id, each.display_name, each.free_count) for each in empty.sections] == [
        ("stalls", "Stalls", 8), ("box", "Box", 2),
    ]  # fmt: skip
    assert list(empty.sections[0].ticket_types) == [f"{EVENT}/ticketTypes/seat"]
    assert list(empty.sections[1].ticket_types) == []
    rows = empty.sections[0].rows
    assert [(row.label, list(row.seats), list(row.taken), list(row.accessible)) for row in rows] == [
        ("A", ["1", "2", "3", "4"], [], [0]), ("B", ["1", "2", "3", "4"], [], []),
    ]  # fmt: skip
    held = await book(platform, 2, seats=["stalls/B/3", "stalls/B/4"])
    assert list(held.lines[0].seats) == ["stalls/B/3", "stalls/B/4"]
    after = await seat_map(platform)
    assert [list(row.taken) for row in after.sections[0].rows] == [[], [2, 3]]
    assert after.etag != empty.etag
    confirmed = await platform.bookings.ConfirmBooking(
        booking_pb.ConfirmBookingRequest(name=held.name), metadata=platform.ada
    )
    assert [ticket.seat for ticket in confirmed.tickets] == ["stalls/B/3", "stalls/B/4"]
    with pytest.raises(FailedPrecondition, match="SEAT_TAKEN") as refused:
        await book(platform, 1, seats=["stalls/B/3"])
    assert refused.value.metadata["seats"] == "stalls/B/3"
    await platform.bookings.CancelBooking(booking_pb.CancelBookingRequest(name=held.name), metadata=platform.ada)
    assert (await seat_map(platform)).sections[0].free_count == 8


async def test_a_buyer_who_chooses_nothing_gets_the_best(platform):
    first = await book(platform, 3)
    assert list(first.lines[0].seats) == ["stalls/A/2", "stalls/A/3", "stalls/A/4"]
    special = await book(platform, 1, accessible_seats=1)
    assert (list(special.lines[0].seats), special.lines[0].accessible_seats) == (["stalls/A/1"], 1)
    name = f"{EVENT}/availability"
    availability = await platform.bookings.GetAvailability(booking_pb.GetAvailabilityRequest(name=name))
    assert [each.remaining for each in availability.ticket_types] == [4, 50 - 4]
    assert not (await book(platform, 1, kind="stand")).lines[0].seats


async def test_buyers_at_once_get_each_seat_once(platform):
    """INVARIANT: 8 seats, 8 buyers who sit, nobody hears INTERNAL."""
    users = [platform.calls.bearer(f"users/{new_id()}") for _ in range(20)]
    results = await asyncio.gather(*(book(platform, 1, user=user) for user in users), return_exceptions=True)
    held = [each for each in results if not isinstance(each, BaseException)]
    assert {each.reason for each in results if isinstance(each, BaseException)} == {"SOLD_OUT"}
    assert len({each.lines[0].seats[0] for each in held}) == len(held) == 8
    assert (await seat_map(platform)).sections[0].free_count == 0


async def test_a_map_that_the_caller_has_is_not_sent_again(platform):
    known = await seat_map(platform)
    again = await seat_map(platform, if_none_match=known.etag)
    assert (again.not_modified, list(again.sections), again.etag) == (True, [], known.etag)
    await book(platform)
    assert (await seat_map(platform, if_none_match=known.etag)).sections
    assert (await seat_map(platform, if_none_match="of somebody else")).sections


async def test_each_date_of_a_series_has_its_own_map(platform):
    dates = tuple(EventDate(f"{EVENT}/dates/{day}", day, START, START + timedelta(hours=3)) for day in ("mo", "tu"))
    await platform.sell(2, dates=(*dates, replace(dates[0], name=f"{EVENT}/dates/we", cancelled=True)))
    await book(platform, 2, date=dates[0].name)
    free = [(await seat_map(platform, date=each.name)).sections[0].free_count for each in dates]
    assert free == [6, 8]
    for date, reason in (("", "DATE_REQUIRED"), (f"{EVENT}/dates/we", "DATE_CANCELLED")):
        with pytest.raises(FailedPrecondition, match=reason):
            await seat_map(platform, date=date)
    with pytest.raises(NotFound):
        await seat_map(platform, date=f"{EVENT}/dates/th")


async def test_what_has_no_seats_or_was_never_public_has_no_map(platform):
    await platform.sell(2, sections=())
    with pytest.raises(NotFound):
        await seat_map(platform)
    await platform.sell(3, published=False)
    with pytest.raises(NotFound):
        await seat_map(platform)
    with pytest.raises(NotFound):
        await platform.seating.GetSeatMap(pb.GetSeatMapRequest(name=f"events/{new_id()}/seatMap"))


async def test_bad_input_is_refused_with_the_field(platform):
    for line, field in [
        ({"quantity": 2, "seats": ["stalls/A/1"]}, "booking.lines[0].seats"),
        ({"quantity": 2, "seats": ["stalls/A/1", "stalls/A/1"]}, "booking.lines[0].seats"),
        ({"quantity": 1, "seats": ["x" * 61]}, "booking.lines[0].seats[0]"),
        ({"quantity": 1, "seats": ["stalls/A/1"], "accessible_seats": 1}, "booking.lines[0].accessible_seats"),
        ({"quantity": 1, "accessible_seats": 2}, "booking.lines[0].accessible_seats"),
        ({"quantity": 1, "accessible_seats": -1}, "booking.lines[0].accessible_seats"),
    ]:
        with pytest.raises(InvalidArgument) as refused:
            await book(platform, **line)
        assert field in [each.field for each in refused.value.violations]
    twice = [
        booking_pb2.BookingLine(ticket_type=f"{EVENT}/ticketTypes/{kind}", quantity=1, seats=["stalls/A/1"])
        for kind in ("seat", "box")
    ]
    with pytest.raises(InvalidArgument) as refused:
        await platform.bookings.CreateBooking(
            booking_pb.CreateBookingRequest(parent=EVENT, booking=booking_pb2.Booking(lines=twice)),
            metadata=platform.ada,
        )
    assert [each.field for each in refused.value.violations] == ["booking.lines[1].seats"]
    for request in ({"date": "monday"}, {"if_none_match": "x" * 129}):
        with pytest.raises(InvalidArgument) as refused:
            await seat_map(platform, **request)
        assert [each.field for each in refused.value.violations] == list(request)

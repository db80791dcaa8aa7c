"""The waiting room in process: real interceptors, the embedded database, the clock on the wall."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from types import SimpleNamespace

import grpc
import pytest

from access import Role
from booking_service.composition import build
from booking_service.domain.offer import OfferState
from booking_service.domain.terms import BookingTerms, WaitingRoomTerms
from booking_service.settings import Settings
from domain_kit.clock import utc_now
from domain_kit.ids import new_id
from domain_kit.refusals import (
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    Refusal,
    ResourceExhausted,
    Unauthenticated,
)
from mongo_store import Journal, open_database
from telemetry import Metrics
from testkit.calls import CallSettings, calls_to
from usher.booking.v1 import booking_change_service_pb2 as changes_pb
from usher.booking.v1 import booking_pb2, booking_service_pb2
from usher.booking.v1 import waiting_room_service_pb2 as pb
from usher.booking.v1.booking_change_service_pb2_grpc import BookingChangeServiceStub
from usher.booking.v1.booking_service_pb2_grpc import BookingServiceStub
from usher.booking.v1.waiting_room_service_pb2_grpc import WaitingRoomServiceStub

EVENT, ORGANIZER = f"events/{new_id()}", f"organizers/{new_id()}"
ADA, BOB, OLGA = (f"users/{new_id()}" for _ in range(3))


@dataclass(frozen=True, kw_only=True)
class OwnDatabase(Settings):
    name: str = ""

    @property
    def database(self) -> str:
        return self.name


@asynccontextmanager
async def running(uri, make, **changes) -> AsyncIterator[SimpleNamespace]:
    name, metrics = f"test_{new_id()}", Metrics("booking")
    settings = OwnDatabase(
        mongodb_uri=uri, kafka_brokers="127.0.0.1:1", page_token_key=b"0123456789abcdef", name=name, **changes
    )
    async with (
        build(settings, metrics) as service,
        calls_to(service, CallSettings(service="booking", max_in_flight=1000)) as calls,
        open_database(uri, name) as database,
    ):
        yield SimpleNamespace(
            rooms=WaitingRoomServiceStub(calls.channel), bookings=BookingServiceStub(calls.channel), calls=calls,
            changes=BookingChangeServiceStub(calls.channel), other=make.lanes_on(Journal(database)), make=make,
            metrics=metrics,
        )  # fmt: skip


@pytest.fixture
async def platform(mongo_uri, make):
    async with running(mongo_uri, make) as started:
        yield started


async def sell(platform, per_minute=60, version=1, enabled=True, turn=timedelta(minutes=10), **changes):
    make, now = platform.make, utc_now()
    kind = replace(make.type("standard"), name=f"{EVENT}/ticketTypes/standard")
    room = WaitingRoomTerms(enabled, per_minute, turn)
    offer = make.offer(
        kind, event=EVENT, organizer=ORGANIZER, version=version, start_time=now + timedelta(days=9),
        end_time=now + timedelta(days=10), terms=BookingTerms(waiting_room=room), **changes,
    )  # fmt: skip
    await platform.other.submit(make.project(offer), make.cause())


def join(platform, user):
    return platform.rooms.JoinWaitingRoom(
        pb.JoinWaitingRoomRequest(parent=EVENT), metadata=platform.calls.bearer(user)
    )  # fmt: skip


def poll(platform, user, token, event=EVENT):
    request = pb.GetWaitingRoomPlaceRequest(parent=event, place_token=token)
    return platform.rooms.GetWaitingRoomPlace(request, metadata=platform.calls.bearer(user))


def book(platform, user, token="", request_id="", **roles):
    line = booking_pb2.BookingLine(ticket_type=f"{EVENT}/ticketTypes/standard", quantity=1)
    request = booking_service_pb2.CreateBookingRequest(
        parent=EVENT, booking=booking_pb2.Booking(lines=[line]), request_id=request_id, turn_token=token
    )
    return platform.bookings.CreateBooking(request, metadata=platform.calls.bearer(user, **roles))


def quote(platform, user):
    line = booking_pb2.BookingLine(ticket_type=f"{EVENT}/ticketTypes/standard", quantity=1)
    request = booking_service_pb2.QuoteBookingRequest(parent=EVENT, booking=booking_pb2.Booking(lines=[line]))
    return platform.bookings.QuoteBooking(request, metadata=platform.calls.bearer(user))


async def fill(platform, people=10):
    """So many come, of whom the first five have their turn at once."""
    return [await join(platform, f"users/{new_id()}") for _ in range(people)]


async def test_a_turn_that_comes_at_once_books_and_serves_again(platform):
    await sell(platform)
    place = await join(platform, ADA)
    assert (place.number, place.ahead, place.admitted, place.event) == (1, 0, True, EVENT)
    assert place.turn_expire_time.ToDatetime() - utc_now().replace(tzinfo=None) > timedelta(minutes=9)
    for _ in range(2):
        assert (await book(platform, ADA, place.turn_token)).buyer == ADA


async def test_who_comes_later_waits_and_books_when_the_stream_brings_the_turn(platform):
    await sell(platform, per_minute=60)
    await fill(platform, 6)
    place = await join(platform, ADA)
    assert (place.admitted, place.turn_token, place.number) == (False, "", 7)
    assert 0 < place.estimated_wait.ToTimedelta().total_seconds() <= 2
    with pytest.raises(FailedPrecondition, match="TURN_REQUIRED") as refused:
        await book(platform, ADA)
    assert refused.value.metadata["number"] == "7"
    request = pb.WatchWaitingRoomPlaceRequest(parent=EVENT, place_token=place.place_token)
    stream = WaitingRoomServiceStub(platform.calls.plain_channel).WatchWaitingRoomPlace(
        request, metadata=platform.calls.bearer(ADA)
    )
    async with asyncio.timeout(20):
        told = [message async for message in stream]
    assert [message.admitted for message in told] == [False] * (len(told) - 1) + [True]
    assert len(told) >= 2
    assert (await book(platform, ADA, told[-1].turn_token)).buyer == ADA
    assert (await poll(platform, ADA, place.place_token)).admitted


@pytest.mark.parametrize("ask", ["book", "quote"])
async def test_a_room_that_another_replica_has_just_opened_is_noticed_by_the_first_who_come(platform, ask):
    await sell(platform, enabled=False)
    assert await book(platform, BOB)
    await sell(platform, per_minute=1, version=2)
    asked = [(book if ask == "book" else quote)(platform, f"users/{new_id()}") for _ in range(4)]
    refused = [each for each in await asyncio.gather(*asked, return_exceptions=True) if isinstance(each, Refusal)]
    assert [each.reason for each in refused] == ["TURN_REQUIRED"] * 3


async def test_who_books_without_a_turn_is_let_through_only_while_nobody_waits(platform):
    await sell(platform)
    assert await book(platform, BOB)
    await fill(platform, 10)
    with pytest.raises(FailedPrecondition, match="TURN_REQUIRED"):
        await book(platform, ADA)
    place = await join(platform, ADA)
    assert place.number == 12
    assert await book(platform, BOB)


def change(platform, user, name, turn="", *, trial=False, add=0, remove=0, **roles):
    kind = f"{EVENT}/ticketTypes/standard"
    request = changes_pb.ChangeBookingRequest(
        name=name, validate_only=trial, turn_token=turn,
        add_lines=[booking_pb2.BookingLine(ticket_type=kind, quantity=add)] if add else [],
        remove_lines=[changes_pb.LineReduction(ticket_type=kind, quantity=remove)] if remove else [],
    )  # fmt: skip
    return platform.changes.ChangeBooking(request, metadata=platform.calls.bearer(user, **roles))


@pytest.mark.parametrize("trial", [True, False])
async def test_who_adds_tickets_needs_a_turn_and_who_gives_some_back_or_manages_the_event_does_not(platform, trial):
    await sell(platform)
    manager = {ORGANIZER: Role.MANAGER}
    name = (await book(platform, ADA, roles=manager)).name
    await fill(platform, 10)
    with pytest.raises(FailedPrecondition, match="TURN_REQUIRED"):
        await change(platform, ADA, name, trial=trial, add=1)
    helped = await change(platform, OLGA, name, add=2, roles=manager)
    assert helped.lines[0].quantity == 3
    assert (await change(platform, ADA, name, trial=trial, remove=1)).lines[0].quantity == 2


async def test_who_adds_tickets_in_turn_shows_the_token(platform):
    await sell(platform)
    place = await join(platform, ADA)
    name = (await book(platform, ADA, place.turn_token)).name
    with pytest.raises(InvalidArgument, match="TURN_TOKEN_INVALID"):
        await change(platform, ADA, name, place.turn_token[:-2], add=1)
    assert (await change(platform, ADA, name, place.turn_token, add=1)).lines[0].quantity == 2


@pytest.mark.parametrize("trial", [True, False])
async def test_a_room_that_another_replica_has_just_opened_is_noticed_by_who_adds_tickets(platform, trial):
    await sell(platform, enabled=False)
    buyers = [f"users/{new_id()}" for _ in range(4)]
    names = [(await book(platform, buyer)).name for buyer in buyers]
    await sell(platform, per_minute=1, version=2)
    asked = [change(platform, buyer, name, trial=trial, add=1) for buyer, name in zip(buyers, names, strict=True)]
    refused = [each for each in await asyncio.gather(*asked, return_exceptions=True) if isinstance(each, Refusal)]
    assert [each.reason for each in refused] == ["TURN_REQUIRED"] * 3


async def test_joining_again_and_polling_tell_the_same_place(platform):
    await sell(platform)
    await fill(platform)
    first, again = [await join(platform, ADA) for _ in range(2)]
    polled = await poll(platform, ADA, first.place_token)
    assert {(each.number, each.place_token) for each in (first, again, polled)} == {(11, first.place_token)}
    assert polled.estimated_wait.ToTimedelta() <= again.estimated_wait.ToTimedelta()


async def test_tokens_of_others_and_forged_ones_are_refused(platform):
    await sell(platform)
    place = await join(platform, ADA)
    forged = place.turn_token[:-1] + ("A" if place.turn_token[-1] != "A" else "B")
    for user, token in [(BOB, place.turn_token), (ADA, forged), (ADA, "x"), (ADA, place.place_token)]:
        with pytest.raises(InvalidArgument, match="TURN_TOKEN_INVALID"):
            await book(platform, user, token)
    for user, event, token in [(BOB, EVENT, place.place_token), (ADA, f"events/{new_id()}", place.place_token),
                               (ADA, EVENT, place.turn_token)]:  # fmt: skip
        with pytest.raises(InvalidArgument, match="PLACE_TOKEN_INVALID"):
            await poll(platform, user, token, event)
    with pytest.raises(Unauthenticated):
        await platform.rooms.JoinWaitingRoom(pb.JoinWaitingRoomRequest(parent=EVENT))


async def test_a_turn_runs_out_but_the_repeat_of_a_booking_does_not(platform):
    await sell(platform, turn=timedelta(seconds=1))
    place = await join(platform, ADA)
    first = await book(platform, ADA, place.turn_token, "r1")
    async with asyncio.timeout(10):
        while utc_now().timestamp() < place.turn_expire_time.ToDatetime().timestamp() + 0.01:
            await asyncio.sleep(0.05)
    with pytest.raises(FailedPrecondition, match="TURN_EXPIRED"):
        await book(platform, ADA, place.turn_token)
    with pytest.raises(FailedPrecondition, match="TURN_EXPIRED"):
        await poll(platform, ADA, place.place_token)
    assert await book(platform, ADA, place.turn_token, "r1") == first
    assert (await join(platform, ADA)).number == 2


async def test_whoever_may_create_bookings_for_the_event_needs_no_turn(platform):
    await sell(platform)
    await fill(platform)
    for role in (Role.OWNER, Role.MANAGER):
        assert await book(platform, OLGA, roles={ORGANIZER: role})
    for roles in ({ORGANIZER: Role.CHECK_IN}, {f"organizers/{new_id()}": Role.OWNER}):
        with pytest.raises(FailedPrecondition, match="TURN_REQUIRED"):
            await book(platform, OLGA, roles=roles)


async def test_an_event_without_waiting_room_admits_everybody(platform):
    await sell(platform, enabled=False)
    place = await join(platform, ADA)
    assert (place.admitted, place.number, place.place_token, place.turn_token) == (True, 0, "", "")
    assert await book(platform, ADA)
    unknown = pb.JoinWaitingRoomRequest(parent=f"events/{new_id()}")
    with pytest.raises(NotFound):
        await platform.rooms.JoinWaitingRoom(unknown, metadata=platform.calls.bearer(ADA))


async def test_a_room_that_is_switched_off_lets_its_watchers_in(platform):
    await sell(platform, per_minute=1)
    await fill(platform, 3)
    request = pb.WatchWaitingRoomPlaceRequest(parent=EVENT, place_token=(await join(platform, ADA)).place_token)
    stub = WaitingRoomServiceStub(platform.calls.plain_channel)
    stream = stub.WatchWaitingRoomPlace(request, metadata=platform.calls.bearer(ADA))
    async with asyncio.timeout(15):
        assert not (await stream.read()).admitted
        await sell(platform, version=2, enabled=False)
        assert (await stream.read()).admitted
        assert await stream.read() is grpc.aio.EOF


async def test_streams_are_bounded_and_end_with_the_server(mongo_uri, make):
    async with running(mongo_uri, make, waiting_room_streams=1) as platform:
        await sell(platform, per_minute=1)
        await fill(platform, 3)
        request = pb.WatchWaitingRoomPlaceRequest(parent=EVENT, place_token=(await join(platform, ADA)).place_token)
        ada = platform.calls.bearer(ADA)
        stream = WaitingRoomServiceStub(platform.calls.plain_channel).WatchWaitingRoomPlace(request, metadata=ada)
        assert (await stream.read()).ahead == 2
        with pytest.raises(ResourceExhausted, match="TOO_MANY_WATCHERS"):
            await anext(platform.rooms.WatchWaitingRoomPlace(request, metadata=ada))
        async with asyncio.timeout(10):
            await platform.calls.server.stop(10)
            while await stream.read() is not grpc.aio.EOF:
                pass


async def test_the_queue_can_be_seen_in_the_metrics(platform):
    await sell(platform, per_minute=1)
    await fill(platform, 3)
    text = platform.metrics.text().decode()
    assert "usher_waiting_room_joins_total 3.0" in text
    assert "usher_waiting_room_waiting 2.0" in text
    assert "usher_waiting_room_admitted 1.0" in text


async def test_a_stream_of_a_cancelled_event_is_refused(platform):
    await sell(platform, per_minute=1)
    await fill(platform, 3)
    request = pb.WatchWaitingRoomPlaceRequest(parent=EVENT, place_token=(await join(platform, ADA)).place_token)
    stream = platform.rooms.WatchWaitingRoomPlace(request, metadata=platform.calls.bearer(ADA))
    async with asyncio.timeout(15):
        await anext(stream)
        await sell(platform, per_minute=1, version=2, state=OfferState.CANCELLED)
        with pytest.raises(FailedPrecondition, match="EVENT_NOT_ON_SALE"):
            await anext(stream)
    with pytest.raises(FailedPrecondition, match="EVENT_NOT_ON_SALE"):
        await join(platform, BOB)

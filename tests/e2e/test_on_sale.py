"""The minute a small event goes on sale, and a broker that is away during it."""

import asyncio
import time
from collections import Counter

import grpc
import grpc.aio
import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from google.type.money_pb2 import Money
from grpc_status import rpc_status

from access import TokenSigner
from domain_kit.ids import new_id
from local_stack.stack import Stack
from usher.booking.v1 import booking_pb2
from usher.booking.v1 import booking_service_pb2 as booking
from usher.booking.v1.booking_service_pb2_grpc import BookingServiceStub
from usher.event.v1 import event_service_pb2 as event_service
from usher.event.v1.event_pb2 import Event
from usher.event.v1.event_service_pb2_grpc import EventServiceStub
from usher.event.v1.ticket_type_pb2 import CapacityPool, TicketType
from usher_cli.api import Api

pytestmark = pytest.mark.timeout(300)
PLACES, BUYERS = 50, 200


def free_event(channel: grpc.Channel, world, capacity: int) -> tuple[str, str]:
    """A published event with one free ticket type: names of both."""
    stub = EventServiceStub(channel)
    metadata = [("authorization", f"Bearer {world.journey.owner.token}")]
    start = int(time.time()) + 90 * 86_400
    event = Event(organizer=world.journey.organizer, title="On sale", time_zone="UTC", online=True)
    event.start_time.seconds, event.end_time.seconds = start, start + 7_200
    name = stub.CreateEvent(event_service.CreateEventRequest(event=event), metadata=metadata).name
    pool = stub.CreateCapacityPool(
        event_service.CreateCapacityPoolRequest(
            parent=name, capacity_pool=CapacityPool(display_name="Hall", capacity=capacity)
        ),
        metadata=metadata,
    )
    ticket_type = stub.CreateTicketType(
        event_service.CreateTicketTypeRequest(
            parent=name,
            ticket_type=TicketType(
                display_name="Free", price=Money(currency_code="EUR"), capacity_pools=[pool.name], max_per_booking=1
            ),
        ),
        metadata=metadata,
    )
    stub.PublishEvent(event_service.PublishEventRequest(name=name), metadata=metadata)
    until(
        lambda: (
            BookingServiceStub(channel)
            .GetAvailability(booking.GetAvailabilityRequest(name=f"{name}/availability"))
            .bookable
        )
    )
    return name, ticket_type.name


def until(holds, seconds: float = 20) -> None:
    """Wait until something holds; NOT_FOUND counts as not yet."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if holds():
                return
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.NOT_FOUND:
                raise
        assert time.monotonic() < deadline, "did not come to hold"
        time.sleep(0.05)


async def book(channel: grpc.aio.Channel, signer: TokenSigner, event: str, ticket_type: str) -> str:
    """Hold and confirm one place as a buyer of one's own; the state, or why not."""
    stub = BookingServiceStub(channel)
    metadata = [("authorization", f"Bearer {signer.sign(f'users/{new_id()}', {}, session='s')}")]
    wanted = booking_pb2.Booking(lines=[booking_pb2.BookingLine(ticket_type=ticket_type, quantity=1)])
    request = booking.CreateBookingRequest(parent=event, booking=wanted, request_id=new_id())
    try:
        held = await stub.CreateBooking(request, metadata=metadata, timeout=30)
        confirmed = await stub.ConfirmBooking(
            booking.ConfirmBookingRequest(name=held.name, request_id=new_id()), metadata=metadata, timeout=30
        )
    except grpc.aio.AioRpcError as error:
        status = rpc_status.from_call(error)
        info = ErrorInfo()
        if status and status.details and status.details[0].Unpack(info):
            return f"{error.code().name} {info.reason}"
        return error.code().name
    return booking_pb2.BookingState.Name(confirmed.state)


def test_two_hundred_buyers_for_fifty_places(stack: Stack, channel: grpc.Channel, world, signer: TokenSigner) -> None:
    """INVARIANT: as many are confirmed as there are places; everybody else is told why, and nothing fails."""
    event, ticket_type = free_event(channel, world, PLACES)

    async def rush() -> list[str]:
        async with grpc.aio.insecure_channel(stack.url().removeprefix("http://")) as everybody:
            return await asyncio.gather(*(book(everybody, signer, event, ticket_type) for _ in range(BUYERS)))

    outcomes = Counter(asyncio.run(rush()))
    assert outcomes == {
        "BOOKING_STATE_CONFIRMED": PLACES,
        "FAILED_PRECONDITION SOLD_OUT": BUYERS - PLACES,
    }
    availability = BookingServiceStub(channel).GetAvailability(
        booking.GetAvailabilityRequest(name=f"{event}/availability")
    )
    assert [each.remaining for each in availability.ticket_types] == [0]


@pytest.mark.parametrize("seconds", [20])
def test_bookings_go_on_without_a_broker_and_everything_arrives_after(
    seconds: int, stack: Stack, api: Api, channel: grpc.Channel, world, signer: TokenSigner
) -> None:
    event, ticket_type = free_event(channel, world, PLACES)
    before = sold(api, world, event)

    async def trickle() -> list[str]:
        async with grpc.aio.insecure_channel(stack.url().removeprefix("http://")) as buyers:
            outcomes = []
            for _ in range(10):
                outcomes.append(await book(buyers, signer, event, ticket_type))
                await asyncio.sleep(seconds / 10)  # the broker is to be away that long
            return outcomes

    asyncio.run(stack.kill("kafka" if stack.state().engines == "native" else "noida"))
    try:
        outcomes = asyncio.run(trickle())
    finally:
        asyncio.run(stack.up())
    assert outcomes == ["BOOKING_STATE_CONFIRMED"] * 10
    until(lambda: sold(api, world, event) - before == 10, seconds=60)


def sold(api: Api, world, event: str) -> int:
    """Tickets of the event in the organizer's figures."""
    answer = api.get(
        f"/v1/{world.journey.organizer}/sales:query", token=world.journey.owner.token, query={"event": event}
    )
    return sum(int(total["ticketsSold"]) for total in answer["totals"])

"""What callers hear while a lane's commit hangs: a deadline takes no place, and a full lane says when to come again."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest

from booking_service.composition import build
from booking_service.settings import Settings
from domain_kit.clock import utc_now
from domain_kit.ids import new_id
from domain_kit.refusals import DeadlineExceeded, ResourceExhausted
from mongo_store import Journal, open_database
from telemetry import Metrics
from testkit.calls import CallSettings, calls_to
from usher.booking.v1 import booking_pb2
from usher.booking.v1 import booking_service_pb2 as pb
from usher.booking.v1.booking_service_pb2_grpc import BookingServiceStub

EVENT = f"events/{new_id()}"
PLACES, BOUND = 50, 4


@dataclass(frozen=True, kw_only=True)
class OwnDatabase(Settings):
    name: str = ""

    @property
    def database(self) -> str:
        return self.name


@pytest.fixture
async def platform(mongo_uri, make, monkeypatch) -> AsyncIterator[SimpleNamespace]:
    """The service on an event with 50 places, its first commit at a gate."""
    name = f"test_{new_id()}"
    settings = OwnDatabase(
        mongodb_uri=mongo_uri, kafka_brokers="127.0.0.1:1", page_token_key=b"0123456789abcdef", name=name,
        lane_bound=BOUND,
    )  # fmt: skip
    async with (
        build(settings, Metrics("booking")) as service,
        calls_to(service, CallSettings(service="booking", max_in_flight=1000)) as calls,
        open_database(mongo_uri, name) as database,
    ):
        kind = replace(make.type("standard"), name=f"{EVENT}/ticketTypes/standard")
        later = utc_now().replace(year=utc_now().year + 1)
        offer = make.offer(kind, event=EVENT, start_time=later, end_time=later)
        await make.lanes_on(Journal(database)).submit(make.project(offer), make.cause())
        commit, gate, arrived = Journal.commit_batch, asyncio.Event(), asyncio.Event()

        async def gated(journal, writes, rows):
            arrived.set()
            await gate.wait()
            await commit(journal, writes, rows)

        monkeypatch.setattr(Journal, "commit_batch", gated)
        yield SimpleNamespace(stub=BookingServiceStub(calls.channel), calls=calls, gate=gate, arrived=arrived)
        gate.set()


def book(platform, user, timeout=20.0):
    line = booking_pb2.BookingLine(ticket_type=f"{EVENT}/ticketTypes/standard", quantity=1)
    request = pb.CreateBookingRequest(parent=EVENT, booking=booking_pb2.Booking(lines=[line]))

    async def call():
        return await platform.stub.CreateBooking(request, metadata=platform.calls.bearer(user), timeout=timeout)

    return asyncio.create_task(call())


async def remaining(platform):
    got = await platform.stub.GetAvailability(pb.GetAvailabilityRequest(name=f"{EVENT}/availability"))
    return got.ticket_types[0].remaining


async def test_a_deadline_that_passes_in_the_lane_takes_no_place(platform):
    first = book(platform, "users/first")
    await platform.arrived.wait()
    late = [book(platform, f"users/late{each}", timeout=0.3) for each in range(BOUND)]
    results = await asyncio.gather(*late, return_exceptions=True)
    assert {type(each) for each in results} == {DeadlineExceeded}
    patient = book(platform, "users/patient")  # those who left do not fill the lane
    await asyncio.sleep(0)
    platform.gate.set()
    assert {(await each).state for each in (first, patient)} == {booking_pb2.BOOKING_STATE_HELD}
    assert await remaining(platform) == PLACES - 2


async def test_a_full_lane_says_when_to_come_again(platform):
    first = book(platform, "users/first")
    await platform.arrived.wait()
    calls = [book(platform, f"users/{each}") for each in range(PLACES + 3 * BOUND)]  # as many fit as are decided ahead
    async with asyncio.timeout(10):
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
    assert not first.done(), "it is refused while the commit still hangs"
    for each in (each for each in calls if each.done()):
        assert isinstance(each.exception(), ResourceExhausted)
        assert each.exception().reason == "LANE_FULL"
        assert each.exception().retry_after.total_seconds() > 0
    platform.gate.set()
    results = await asyncio.gather(first, *calls, return_exceptions=True)
    assert sum(not isinstance(each, BaseException) for each in results) == PLACES - await remaining(platform)

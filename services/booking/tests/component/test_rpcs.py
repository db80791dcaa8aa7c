"""The whole service in process: real interceptors, the embedded database, and no broker, which it can do without."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from types import SimpleNamespace

import grpc
import pytest

from access import Role
from booking_service.composition import build
from booking_service.domain.commands import ClaimPayment
from booking_service.inbound.consumers import EVENT_FACTS, event_subscription, payment_subscription
from booking_service.settings import Settings
from domain_kit.clock import utc_now
from domain_kit.ids import new_id
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, InvalidArgument, NotFound, PermissionDenied, Unauthenticated
from event_backbone import Received
from mongo_store import Journal, open_database
from telemetry import Metrics
from testkit.calls import CallSettings, calls_to
from usher.booking.v1 import booking_pb2
from usher.booking.v1 import booking_service_pb2 as pb
from usher.booking.v1.booking_service_pb2_grpc import BookingServiceStub
from usher.event.v1 import domain_events_pb2 as event_facts
from usher.event.v1 import event_pb2
from usher.payment.v1 import domain_events_pb2 as payment_facts
from usher.payment.v1 import payment_pb2

EVENT, ORGANIZER = f"events/{new_id()}", f"organizers/{new_id()}"
ADA, BOB, OLGA = (f"users/{new_id()}" for _ in range(3))


@dataclass(frozen=True, kw_only=True)
class OwnDatabase(Settings):
    name: str = ""

    @property
    def database(self) -> str:
        return self.name


@asynccontextmanager
async def running(uri, database, **changes) -> AsyncIterator[SimpleNamespace]:
    settings = OwnDatabase(
        mongodb_uri=uri, kafka_brokers="127.0.0.1:1", page_token_key=b"0123456789abcdef", name=database, **changes
    )
    async with (
        build(settings, Metrics("booking")) as service,
        calls_to(service, CallSettings(service="booking", max_in_flight=1000)) as calls,
    ):
        yield SimpleNamespace(stub=BookingServiceStub(calls.channel), calls=calls, service=service)


@pytest.fixture
async def platform(mongo_uri, make):
    """The service, and a second replica's lanes on the same database that stand for its consumers."""
    name = f"test_{new_id()}"
    async with running(mongo_uri, name) as started, open_database(mongo_uri, name) as database:
        started.make, started.uri, started.name = make, mongo_uri, name
        started.other = make.lanes_on(Journal(database))
        yield started


async def sell(platform, version=1, **changes):
    make = platform.make
    now = utc_now()
    kinds = [
        replace(make.type("standard"), name=f"{EVENT}/ticketTypes/standard"),
        replace(make.type("free", price=Money(0, "EUR")), name=f"{EVENT}/ticketTypes/free"),
    ]
    times = {"start_time": now.replace(year=now.year + 1), "end_time": now.replace(year=now.year + 1, microsecond=0)}
    offer = make.offer(*kinds, event=EVENT, organizer=ORGANIZER, version=version, **{**times, **changes})
    await platform.other.submit(make.project(offer), make.cause())


def create(kind="standard", quantity=1, request_id=""):
    line = booking_pb2.BookingLine(ticket_type=f"{EVENT}/ticketTypes/{kind}", quantity=quantity)
    return pb.CreateBookingRequest(parent=EVENT, booking=booking_pb2.Booking(lines=[line]), request_id=request_id)


async def test_the_free_journey_from_hold_to_admission(platform):
    await sell(platform)
    stub, ada = platform.stub, platform.calls.bearer(ADA)
    gate = platform.calls.bearer(OLGA, {ORGANIZER: Role.CHECK_IN})
    held = await stub.CreateBooking(create("free", 2), metadata=ada)
    assert (held.buyer, held.state) == (ADA, booking_pb2.BOOKING_STATE_HELD)
    confirmed = await stub.ConfirmBooking(pb.ConfirmBookingRequest(name=held.name, etag=held.etag), metadata=ada)
    assert len(confirmed.tickets) == 2
    ticket = confirmed.tickets[0]
    svg = await stub.GetTicketQrCode(pb.GetTicketQrCodeRequest(name=ticket.name), metadata=ada)
    png = await stub.GetTicketQrCode(pb.GetTicketQrCodeRequest(name=ticket.name, format=2), metadata=ada)
    assert (svg.content_type, png.content_type) == ("image/svg+xml", "image/png")
    scan = pb.CheckInTicketRequest(parent=EVENT, code=ticket.code)
    admitted = await stub.CheckInTicket(scan, metadata=gate)
    assert (admitted.booking, admitted.ticket.state) == (held.name, booking_pb2.TICKET_STATE_CHECKED_IN)
    with pytest.raises(FailedPrecondition, match="TICKET_CHECKED_IN") as refused:
        await stub.CheckInTicket(scan, metadata=gate)
    assert refused.value.metadata["check_in_time"]
    with pytest.raises(FailedPrecondition, match="TICKET_CHECKED_IN"):
        await stub.CancelBooking(pb.CancelBookingRequest(name=held.name), metadata=ada)


async def test_a_paid_booking_waits_for_its_payment_and_says_what_is_due_back(platform):
    await sell(platform)
    stub, ada = platform.stub, platform.calls.bearer(ADA)
    held = await stub.CreateBooking(create(), metadata=ada)
    with pytest.raises(FailedPrecondition, match="PAYMENT_REQUIRED"):
        await stub.ConfirmBooking(pb.ConfirmBookingRequest(name=held.name), metadata=ada)
    issuer = platform.make.Issuer()
    payment = ClaimPayment(EVENT, held.name, "payments/1", Money(2500, "EUR"), issuer)
    await platform.other.submit(payment, platform.make.cause())
    confirmed = await stub.GetBooking(pb.GetBookingRequest(name=held.name), metadata=ada)
    assert (confirmed.state, confirmed.payment) == (booking_pb2.BOOKING_STATE_CONFIRMED, "payments/1")
    off = await stub.CancelBooking(pb.CancelBookingRequest(name=held.name, reason="ill"), metadata=ada)
    assert (off.state, off.cancel_reason) == (booking_pb2.BOOKING_STATE_CANCELLED, "ill")


async def test_200_concurrent_buyers_get_50_places_and_the_rest_a_typed_refusal(platform):
    """INVARIANT: 50 places, 50 bookings, nobody hears INTERNAL."""
    await sell(platform)
    calls = platform.calls
    users = [calls.bearer(f"users/{new_id()}") for _ in range(200)]
    results = await asyncio.gather(
        *(platform.stub.CreateBooking(create(), metadata=user, timeout=30) for user in users), return_exceptions=True
    )
    refused = [each for each in results if isinstance(each, BaseException)]
    assert len(results) - len(refused) == 50
    assert {each.reason for each in refused} == {"SOLD_OUT"}
    availability = await platform.stub.GetAvailability(pb.GetAvailabilityRequest(name=f"{EVENT}/availability"))
    assert {each.sale_state for each in availability.ticket_types} == {booking_pb2.SALE_STATE_SOLD_OUT}
    assert not availability.bookable


async def test_a_repeated_request_id_returns_the_same_booking(platform):
    await sell(platform)
    ada = platform.calls.bearer(ADA)
    first, second = [await platform.stub.CreateBooking(create(request_id="r1"), metadata=ada) for _ in range(2)]
    assert first == second
    with pytest.raises(InvalidArgument, match="REQUEST_ID_REUSED"):
        await platform.stub.CreateBooking(create(quantity=2, request_id="r1"), metadata=ada)
    other = await platform.stub.CreateBooking(create(request_id="r1"), metadata=platform.calls.bearer(BOB))
    assert other.name != first.name


async def test_lists_come_in_pages_with_tokens_that_cannot_be_forged(platform):
    await sell(platform)
    stub, ada = platform.stub, platform.calls.bearer(ADA)
    finance = platform.calls.bearer(OLGA, {ORGANIZER: Role.FINANCE})
    names = [(await stub.CreateBooking(create(), metadata=ada)).name for _ in range(5)]
    request = pb.ListUserBookingsRequest(parent=ADA, page_size=3)
    page = await stub.ListUserBookings(request, metadata=ada)
    request.page_token = page.next_page_token
    rest = await stub.ListUserBookings(request, metadata=ada)
    assert {each.name for each in [*page.bookings, *rest.bookings]} == set(names)
    assert (len(page.bookings), rest.next_page_token) == (3, "")
    listed = await stub.ListBookings(pb.ListBookingsRequest(parent=EVENT, filter=f'buyer = "{ADA}"'), metadata=finance)
    assert {each.name for each in listed.bookings} == set(names)
    for wrong in ({"page_token": "forged"}, {"filter": "nonsense"}, {"page_size": -1}):
        with pytest.raises(InvalidArgument):
            await stub.ListBookings(pb.ListBookingsRequest(parent=EVENT, **wrong), metadata=finance)


async def test_bad_input_is_refused_with_the_field_and_takes_nothing(platform):
    await sell(platform)
    stub, ada = platform.stub, platform.calls.bearer(ADA)
    foreign = create()
    foreign.booking.lines[0].ticket_type = f"events/{new_id()}/ticketTypes/standard"
    twice = create()
    twice.booking.lines.append(twice.booking.lines[0])
    for request, field in [
        (create(quantity=0), "booking.lines[0].quantity"),
        (create(quantity=-1), "booking.lines[0].quantity"),
        (create(quantity=2**31 - 1), "booking.lines[0].quantity"),
        (foreign, "booking.lines[0].ticket_type"),
        (twice, "booking.lines[1].ticket_type"),
        (pb.CreateBookingRequest(parent=EVENT, booking=booking_pb2.Booking()), "booking.lines"),
        (pb.CreateBookingRequest(parent="nonsense", booking=create().booking), "parent"),
    ]:
        with pytest.raises(InvalidArgument) as refused:
            await stub.CreateBooking(request, metadata=ada)
        assert field in [each.field for each in refused.value.violations]
    unknown = create()
    unknown.booking.lines[0].ticket_type = f"{EVENT}/ticketTypes/unknown"
    with pytest.raises(NotFound):
        await stub.CreateBooking(unknown, metadata=ada)
    availability = await stub.GetAvailability(pb.GetAvailabilityRequest(name=f"{EVENT}/availability"))
    assert availability.ticket_types[0].remaining == 50


async def test_others_neither_see_nor_change_a_booking(platform):
    await sell(platform)
    stub, bob = platform.stub, platform.calls.bearer(BOB)
    held = await stub.CreateBooking(create(), metadata=platform.calls.bearer(ADA))
    viewer = platform.calls.bearer(OLGA, {ORGANIZER: Role.VIEWER})
    stranger = platform.calls.bearer(OLGA, {f"organizers/{new_id()}": Role.OWNER})
    assert await stub.GetBooking(pb.GetBookingRequest(name=held.name), metadata=viewer)
    for rpc, request in [
        (stub.GetBooking, pb.GetBookingRequest(name=held.name)),
        (stub.ConfirmBooking, pb.ConfirmBookingRequest(name=held.name)),
        (stub.CancelBooking, pb.CancelBookingRequest(name=held.name)),
        (stub.ListBookings, pb.ListBookingsRequest(parent=EVENT)),
        (stub.ListUserBookings, pb.ListUserBookingsRequest(parent=ADA)),
        (stub.CheckInTicket, pb.CheckInTicketRequest(parent=EVENT, code="x")),
    ]:
        for who in (bob, stranger):
            with pytest.raises(PermissionDenied):
                await rpc(request, metadata=who)
        with pytest.raises(Unauthenticated):
            await rpc(request)
    with pytest.raises(PermissionDenied):
        await stub.CancelBooking(pb.CancelBookingRequest(name=held.name), metadata=viewer)


async def test_an_event_that_was_never_published_has_no_availability(platform):
    await sell(platform, published=False)
    for name in (EVENT, f"events/{new_id()}"):
        with pytest.raises(NotFound):
            await platform.stub.GetAvailability(pb.GetAvailabilityRequest(name=f"{name}/availability"))


async def test_a_stream_tells_changes_and_ends_with_the_server(platform):
    await sell(platform)
    ada = platform.calls.bearer(ADA)
    stream = BookingServiceStub(platform.calls.plain_channel).WatchAvailability(
        pb.WatchAvailabilityRequest(name=f"{EVENT}/availability")
    )
    assert (await stream.read()).ticket_types[0].remaining == 50
    await platform.stub.CreateBooking(create(quantity=3), metadata=ada)
    assert (await stream.read()).ticket_types[0].remaining == 47
    await platform.other.submit(platform.make.hold(event=EVENT), platform.make.cause())
    assert (await stream.read()).ticket_types[0].remaining == 46
    began = time.monotonic()
    await platform.calls.server.stop(10)
    assert await stream.read() is grpc.aio.EOF
    assert time.monotonic() - began < 5


async def test_holds_run_out_in_the_background(mongo_uri, make):
    name = f"test_{new_id()}"
    async with running(mongo_uri, name, hold_seconds=0.2) as platform, open_database(mongo_uri, name) as database:
        platform.make, platform.other = make, make.lanes_on(Journal(database))
        await sell(platform)
        ada = platform.calls.bearer(ADA)
        held = await platform.stub.CreateBooking(create(), metadata=ada)
        async with asyncio.timeout(15):
            while held.state != booking_pb2.BOOKING_STATE_EXPIRED:
                held = await platform.stub.GetBooking(pb.GetBookingRequest(name=held.name), metadata=ada)
                await asyncio.sleep(0.05)
        with pytest.raises(FailedPrecondition, match="BOOKING_EXPIRED"):
            await platform.stub.ConfirmBooking(pb.ConfirmBookingRequest(name=held.name), metadata=ada)


async def test_what_the_other_services_tell_is_applied(make, memory, keys):
    lanes = make.lanes_on(memory)
    events, payments = event_subscription(lanes).by_type(), payment_subscription(lanes, keys).by_type()
    told = set(event_facts.DESCRIPTOR.message_types_by_name) - {"EventSnapshot"}
    assert {kind.DESCRIPTOR.name for kind in EVENT_FACTS} == told
    assert len(events) == len(told)
    offer = make.offer()

    def received(version=1):
        return Received(new_id(), "type", "subject", version, make.NOW, "", "")

    snapshot = event_facts.EventSnapshot(event=event_pb2.Event(name=EVENT, organizer=ORGANIZER, state=2))
    snapshot.event.start_time.FromDatetime(offer.start_time)
    snapshot.event.end_time.FromDatetime(offer.end_time)
    kind = snapshot.ticket_types.add(
        name=f"{EVENT}/ticketTypes/standard", capacity_pools=[f"{EVENT}/capacityPools/hall"]
    )
    kind.price.currency_code, kind.price.units = "EUR", 25
    snapshot.capacity_pools.add(name=f"{EVENT}/capacityPools/hall", capacity=2)
    _, project = events["usher.event.v1.EventPublished"]
    await project(event_facts.EventPublished(snapshot=snapshot), received())
    booking = await lanes.submit(make.hold(event=EVENT), make.cause())
    paid = payment_pb2.Payment(name="payments/1", booking=booking.name)
    paid.amount.currency_code, paid.amount.units = "EUR", 25
    _, claim = payments["usher.payment.v1.PaymentSucceeded"]
    for _ in range(2):
        await claim(payment_facts.PaymentSucceeded(payment=paid), received())
    stored = memory.collections["bookings"][booking.name]
    assert (stored["state"], stored["payment"], stored["version"]) == ("CONFIRMED", "payments/1", 2)

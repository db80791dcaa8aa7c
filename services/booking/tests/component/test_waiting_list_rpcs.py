"""The waiting list in process: real interceptors, workers, the embedded database, the clock on the wall."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from access import Role
from booking_service.composition import build
from booking_service.domain.commands import ClaimPayment
from booking_service.domain.offer import OfferState
from booking_service.domain.terms import BookingTerms, WaitingListTerms
from booking_service.settings import Settings
from domain_kit.clock import utc_now
from domain_kit.ids import new_id
from domain_kit.refusals import (
    Aborted,
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Unauthenticated,
)
from mongo_store import Journal, open_database
from resource_api import money_from_wire
from telemetry import Metrics
from testkit.calls import CallSettings, calls_to
from usher.booking.v1 import booking_pb2
from usher.booking.v1 import booking_service_pb2 as bookings_pb
from usher.booking.v1 import waiting_list_service_pb2 as pb
from usher.booking.v1.booking_service_pb2_grpc import BookingServiceStub
from usher.booking.v1.waiting_list_entry_pb2 import WaitingListEntry, WaitingListEntryState
from usher.booking.v1.waiting_list_service_pb2_grpc import WaitingListServiceStub

EVENT, ORGANIZER = f"events/{new_id()}", f"organizers/{new_id()}"
ADA, BOB, CARL, OLGA = (f"users/{new_id()}" for _ in range(4))
STANDARD = f"{EVENT}/ticketTypes/standard"
TERMS = BookingTerms(waiting_list=WaitingListTerms(enabled=True, offer_for=timedelta(hours=1), most=3))


@dataclass(frozen=True, kw_only=True)
class OwnDatabase(Settings):
    name: str = ""

    @property
    def database(self) -> str:
        return self.name


@asynccontextmanager
async def running(uri, make) -> AsyncIterator[SimpleNamespace]:
    name = f"test_{new_id()}"
    settings = OwnDatabase(mongodb_uri=uri, kafka_brokers="127.0.0.1:1", page_token_key=b"0123456789abcdef", name=name)
    async with (
        build(settings, Metrics("booking")) as service,
        calls_to(service, CallSettings(service="booking", max_in_flight=1000)) as calls,
        open_database(uri, name) as database,
    ):
        yield SimpleNamespace(
            lists=WaitingListServiceStub(calls.channel), bookings=BookingServiceStub(calls.channel), calls=calls,
            other=make.lanes_on(Journal(database)), make=make,
        )  # fmt: skip


@pytest.fixture
async def platform(mongo_uri, make):
    async with running(mongo_uri, make) as started:
        yield started


async def sell(platform, version=1, hall=2, terms=TERMS, **changes):
    make, now = platform.make, utc_now()
    kind = replace(make.type("standard"), name=STANDARD)
    offer = make.offer(
        kind, event=EVENT, organizer=ORGANIZER, version=version, start_time=now + timedelta(days=9),
        end_time=now + timedelta(days=10), capacities={"hall": hall}, terms=terms, **changes,
    )  # fmt: skip
    await platform.other.submit(make.project(offer), make.cause())


def book(platform, user, quantity=1):
    line = booking_pb2.BookingLine(ticket_type=STANDARD, quantity=quantity)
    request = bookings_pb.CreateBookingRequest(parent=EVENT, booking=booking_pb2.Booking(lines=[line]))
    return platform.bookings.CreateBooking(request, metadata=platform.calls.bearer(user))


def cancel(platform, user, name):
    return platform.bookings.CancelBooking(
        bookings_pb.CancelBookingRequest(name=name), metadata=platform.calls.bearer(user)
    )  # fmt: skip


def join(platform, user, quantity=1, request_id="", kind=STANDARD):
    wish = WaitingListEntry(ticket_type=kind, quantity=quantity)
    request = pb.JoinWaitingListRequest(parent=EVENT, waiting_list_entry=wish, request_id=request_id)
    return platform.lists.JoinWaitingList(request, metadata=platform.calls.bearer(user))


def get(platform, user, name, **roles):
    return platform.lists.GetWaitingListEntry(
        pb.GetWaitingListEntryRequest(name=name), metadata=platform.calls.bearer(user, **roles)
    )  # fmt: skip


def state_of(entry):
    return WaitingListEntryState.Name(entry.state).removeprefix("WAITING_LIST_ENTRY_STATE_")


async def becomes(platform, user, name, state, seconds=60):
    """The entry in that state, which it must reach in time."""
    async with asyncio.timeout(seconds):
        while state_of(entry := await get(platform, user, name)) != state:
            await asyncio.sleep(0.01)
    return entry


async def the_type(platform):
    request = bookings_pb.GetAvailabilityRequest(name=f"{EVENT}/availability")
    return (await platform.bookings.GetAvailability(request)).ticket_types[0]


async def test_a_place_that_comes_free_is_offered_within_a_second_and_paid(platform):
    await sell(platform)
    taken = await book(platform, ADA, 2)
    kind = await the_type(platform)
    assert (kind.sale_state, kind.waiting_list_open) == (booking_pb2.SALE_STATE_SOLD_OUT, True)
    entry = await join(platform, BOB)
    assert (state_of(entry), entry.user, entry.organizer, entry.booking) == ("WAITING", BOB, ORGANIZER, "")
    await cancel(platform, ADA, taken.name)
    offered = await becomes(platform, BOB, entry.name, "OFFERED")
    booking = await platform.bookings.GetBooking(
        bookings_pb.GetBookingRequest(name=offered.booking), metadata=platform.calls.bearer(BOB)
    )
    assert (booking.state, booking.buyer, booking.waiting_list_entry) == (
        booking_pb2.BOOKING_STATE_HELD, BOB, entry.name,
    )  # fmt: skip
    assert booking.hold_expire_time == offered.offer_expire_time
    until = offered.offer_expire_time.ToDatetime() - offered.offer_time.ToDatetime()
    assert until == timedelta(hours=1)
    assert (await the_type(platform)).remaining == 1
    claim = ClaimPayment(
        EVENT, booking.name, f"payments/{new_id()}", money_from_wire(booking.total), platform.make.Issuer()
    )
    await platform.other.submit(claim, platform.make.cause())
    assert state_of(await get(platform, BOB, entry.name)) == "FULFILLED"


async def test_an_offer_that_is_not_taken_goes_to_the_next(platform):
    await sell(platform, hall=1, terms=short(seconds=0.3))
    taken = await book(platform, ADA)
    first, second = await join(platform, BOB), await join(platform, CARL)
    await cancel(platform, ADA, taken.name)
    await becomes(platform, BOB, first.name, "OFFERED")
    assert state_of(await get(platform, CARL, second.name)) == "WAITING"
    with pytest.raises(FailedPrecondition, match="SOLD_OUT"):
        await book(platform, ADA)
    lapsed = await becomes(platform, BOB, first.name, "LAPSED", seconds=5)
    assert lapsed.lapse_reason == "OFFER_EXPIRED"
    await becomes(platform, CARL, second.name, "OFFERED", seconds=2)
    again = await join(platform, BOB)
    assert (state_of(again), again.name == first.name) == ("WAITING", False)


def short(seconds):
    return replace(TERMS, waiting_list=replace(TERMS.waiting_list, offer_for=timedelta(seconds=seconds)))


async def test_who_joins_twice_or_too_early_or_for_too_much_is_refused(platform):
    await sell(platform)
    for quantity, refusal in ((1, "STILL_AVAILABLE"), (3, "QUANTITY_TOO_LARGE"), (11, "TOO_MANY_IN_BOOKING")):
        with pytest.raises(FailedPrecondition, match=refusal):
            await join(platform, BOB, quantity)
    for kind, quantity in ((STANDARD, 0), (f"events/{new_id()}/ticketTypes/standard", 1), ("", 1)):
        with pytest.raises(InvalidArgument, match="FIELD_INVALID"):
            await join(platform, BOB, quantity, kind=kind)
    with pytest.raises(NotFound):
        await join(platform, BOB, kind=f"{EVENT}/ticketTypes/none")
    await book(platform, ADA, 2)
    results = await asyncio.gather(*(join(platform, BOB) for _ in range(10)), return_exceptions=True)
    joined = [each for each in results if isinstance(each, WaitingListEntry)]
    assert len(joined) == 1
    refused = [each for each in results if isinstance(each, AlreadyExists)]
    assert {(each.reason, each.metadata["entry"]) for each in refused} == {("ALREADY_WAITING", joined[0].name)}
    assert len(refused) == 9
    first = await join(platform, CARL, 2, request_id="once")
    assert await join(platform, CARL, 2, request_id="once") == first
    await sell(platform, version=2, terms=BookingTerms())
    with pytest.raises(FailedPrecondition, match="WAITING_LIST_CLOSED"):
        await join(platform, OLGA)


async def test_an_entry_is_seen_and_left_by_its_user_and_by_the_organizer_alone(platform):
    await sell(platform)
    await book(platform, ADA, 2)
    entry, calls = await join(platform, BOB), platform.calls
    manager, viewer = {ORGANIZER: Role.MANAGER}, {ORGANIZER: Role.VIEWER}
    assert (await get(platform, OLGA, entry.name, roles=viewer)).name == entry.name
    with pytest.raises(PermissionDenied):
        await get(platform, CARL, entry.name)
    request = pb.LeaveWaitingListRequest(name=entry.name)
    with pytest.raises(PermissionDenied):
        await platform.lists.LeaveWaitingList(request, metadata=calls.bearer(CARL))
    with pytest.raises(PermissionDenied):
        await platform.lists.LeaveWaitingList(request, metadata=calls.bearer(OLGA, roles=viewer))
    with pytest.raises(Aborted, match="ETAG_MISMATCH"):
        await platform.lists.LeaveWaitingList(
            pb.LeaveWaitingListRequest(name=entry.name, etag="old"), metadata=calls.bearer(BOB)
        )
    left = await platform.lists.LeaveWaitingList(request, metadata=calls.bearer(OLGA, roles=manager))
    assert state_of(left) == "LEFT"
    assert await platform.lists.LeaveWaitingList(request, metadata=calls.bearer(BOB)) == left
    with pytest.raises(Unauthenticated):
        await platform.lists.JoinWaitingList(pb.JoinWaitingListRequest(parent=EVENT, waiting_list_entry=entry))


async def test_leaving_with_an_offer_passes_it_on(platform):
    await sell(platform, hall=1)
    taken = await book(platform, ADA)
    first, second = await join(platform, BOB), await join(platform, CARL)
    await cancel(platform, ADA, taken.name)
    offered = await becomes(platform, BOB, first.name, "OFFERED")
    await platform.lists.LeaveWaitingList(
        pb.LeaveWaitingListRequest(name=first.name, etag=offered.etag), metadata=platform.calls.bearer(BOB)
    )
    booking = await platform.bookings.GetBooking(
        bookings_pb.GetBookingRequest(name=offered.booking), metadata=platform.calls.bearer(BOB)
    )
    assert booking.state == booking_pb2.BOOKING_STATE_CANCELLED
    await becomes(platform, CARL, second.name, "OFFERED")


async def test_an_organizer_puts_somebody_first(platform):
    await sell(platform, hall=1)
    taken = await book(platform, ADA)
    first, second = await join(platform, BOB), await join(platform, CARL)
    manager = platform.calls.bearer(OLGA, roles={ORGANIZER: Role.MANAGER})

    def update(*paths, entry=second, who=manager, **values):
        request = pb.UpdateWaitingListEntryRequest(
            waiting_list_entry=WaitingListEntry(name=entry.name, **values), update_mask=FieldMask(paths=paths)
        )
        return platform.lists.UpdateWaitingListEntry(request, metadata=who)

    with pytest.raises(PermissionDenied):
        await update("priority", priority=5, who=platform.calls.bearer(CARL))
    with pytest.raises(InvalidArgument, match="FIELD_IMMUTABLE"):
        await update("quantity", quantity=3)
    assert await update(quantity=1) == second
    updated = await update("priority", priority=5)
    assert (updated.priority, updated.etag != second.etag) == (5, True)
    await cancel(platform, ADA, taken.name)
    await becomes(platform, CARL, second.name, "OFFERED")
    assert state_of(await get(platform, BOB, first.name)) == "WAITING"
    with pytest.raises(FailedPrecondition, match="WAITING_LIST_ENTRY_OFFERED"):
        await update("priority", priority=0)


async def test_entries_are_listed_for_the_organizer_and_for_their_user(platform):
    await sell(platform)
    await book(platform, ADA, 2)
    names = [(await join(platform, user)).name for user in (BOB, CARL, OLGA)]
    manager = platform.calls.bearer(f"users/{new_id()}", roles={ORGANIZER: Role.MANAGER})

    async def listed(**query):
        request = pb.ListWaitingListEntriesRequest(parent=EVENT, **query)
        return await platform.lists.ListWaitingListEntries(request, metadata=manager)

    page = await listed(page_size=2)
    rest = await listed(page_size=2, page_token=page.next_page_token)
    assert [each.name for each in (*page.waiting_list_entries, *rest.waiting_list_entries)] == sorted(names)
    waiting = await listed(filter=f'state = WAITING_LIST_ENTRY_STATE_WAITING AND user = "{CARL}"')
    assert [each.name for each in waiting.waiting_list_entries] == [names[1]]
    assert not (await listed(filter=f'ticket_type = "{EVENT}/ticketTypes/other"')).waiting_list_entries
    with pytest.raises(InvalidArgument, match="FILTER_INVALID"):
        await listed(filter="quantity = 1")
    request = pb.ListUserWaitingListEntriesRequest(parent=BOB)
    mine = await platform.lists.ListUserWaitingListEntries(request, metadata=platform.calls.bearer(BOB))
    assert [each.name for each in mine.waiting_list_entries] == [names[0]]
    with pytest.raises(PermissionDenied):
        await platform.lists.ListUserWaitingListEntries(request, metadata=platform.calls.bearer(CARL))


async def test_who_waits_for_an_event_that_is_cancelled_hears_of_it(platform):
    await sell(platform)
    await book(platform, ADA, 2)
    entries = [(user, await join(platform, user)) for user in (BOB, CARL)]
    await sell(platform, version=2, state=OfferState.CANCELLED)
    for user, entry in entries:
        assert (await becomes(platform, user, entry.name, "LAPSED")).lapse_reason == "EVENT_CANCELLED"

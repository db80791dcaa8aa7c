"""Resale in process: real interceptors, workers, the embedded database, the clock on the wall."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from access import Role
from booking_service.composition import build
from booking_service.domain.commands import ClaimPayment, TransferTicket
from booking_service.domain.questions import Attendee
from booking_service.domain.terms import BookingTerms, WaitingListTerms
from booking_service.settings import Settings
from domain_kit.clock import utc_now
from domain_kit.ids import new_id
from domain_kit.refusals import (
    Aborted,
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
from usher.booking.v1 import resale_service_pb2 as pb
from usher.booking.v1 import waiting_list_service_pb2 as lists_pb
from usher.booking.v1.booking_service_pb2_grpc import BookingServiceStub
from usher.booking.v1.resale_offer_pb2 import ResaleOfferState
from usher.booking.v1.resale_service_pb2_grpc import ResaleServiceStub
from usher.booking.v1.waiting_list_entry_pb2 import WaitingListEntry
from usher.booking.v1.waiting_list_service_pb2_grpc import WaitingListServiceStub

EVENT, ORGANIZER = f"events/{new_id()}", f"organizers/{new_id()}"
ADA, BOB, CARL, OLGA = (f"users/{new_id()}" for _ in range(4))
STANDARD = f"{EVENT}/ticketTypes/standard"
TERMS = BookingTerms(resale_allowed=True, waiting_list=WaitingListTerms(enabled=True, offer_for=timedelta(hours=1)))


@dataclass(frozen=True, kw_only=True)
class OwnDatabase(Settings):
    name: str = ""

    @property
    def database(self) -> str:
        return self.name


class Issuer:
    def issue(self, booking: str) -> tuple[str, str]:
        return f"{booking}/tickets/{new_id()}", new_id()


@pytest.fixture
async def platform(mongo_uri, make) -> AsyncIterator[SimpleNamespace]:
    name, now = f"test_{new_id()}", utc_now()
    settings = OwnDatabase(
        mongodb_uri=mongo_uri, kafka_brokers="127.0.0.1:1", page_token_key=b"0123456789abcdef", name=name
    )
    async with (
        build(settings, Metrics("booking")) as service,
        calls_to(service, CallSettings(service="booking", max_in_flight=1000)) as calls,
        open_database(mongo_uri, name) as database,
    ):
        other = make.lanes_on(Journal(database))
        offer = make.offer(
            replace(make.type("standard"), name=STANDARD), event=EVENT, organizer=ORGANIZER, capacities={"hall": 2},
            start_time=now + timedelta(days=9), end_time=now + timedelta(days=10), terms=TERMS,
        )  # fmt: skip
        await other.submit(make.project(offer), make.cause())
        yield SimpleNamespace(
            resale=ResaleServiceStub(calls.channel), bookings=BookingServiceStub(calls.channel), calls=calls,
            lists=WaitingListServiceStub(calls.channel), other=other, make=make,
        )  # fmt: skip


def book(platform, user, quantity=1):
    line = booking_pb2.BookingLine(ticket_type=STANDARD, quantity=quantity)
    request = bookings_pb.CreateBookingRequest(parent=EVENT, booking=booking_pb2.Booking(lines=[line]))
    return platform.bookings.CreateBooking(request, metadata=platform.calls.bearer(user))


async def pay(platform, user, booking):
    """As the payment service tells it; the booking as its buyer sees it then."""
    paid = ClaimPayment(EVENT, booking.name, f"payments/{new_id()}", money_from_wire(booking.total), Issuer())
    await platform.other.submit(paid, platform.make.cause())
    request = bookings_pb.GetBookingRequest(name=booking.name)
    return await platform.bookings.GetBooking(request, metadata=platform.calls.bearer(user))


async def sold_out(platform):
    return await pay(platform, ADA, await book(platform, ADA, 2))


def offer(platform, user, booking, *tickets, **more):
    request = pb.OfferTicketsForResaleRequest(name=booking.name, tickets=tickets, **more)
    return platform.resale.OfferTicketsForResale(request, metadata=platform.calls.bearer(user))


def withdraw(platform, user, name, etag="", **roles):
    request = pb.WithdrawResaleOfferRequest(name=name, etag=etag)
    return platform.resale.WithdrawResaleOffer(request, metadata=platform.calls.bearer(user, **roles))


def get(platform, user, name, **roles):
    request = pb.GetResaleOfferRequest(name=name)
    return platform.resale.GetResaleOffer(request, metadata=platform.calls.bearer(user, **roles))


def state_of(offer):
    return ResaleOfferState.Name(offer.state).removeprefix("RESALE_OFFER_STATE_")


async def the_type(platform):
    request = bookings_pb.GetAvailabilityRequest(name=f"{EVENT}/availability")
    return (await platform.bookings.GetAvailability(request)).ticket_types[0]


async def test_a_ticket_that_is_sold_on_changes_hands_when_it_is_paid(platform):
    ada = await sold_out(platform)
    assert ((await the_type(platform)).sale_state) == booking_pb2.SALE_STATE_SOLD_OUT
    [offered] = (await offer(platform, ADA, ada, ada.tickets[0].name)).resale_offers
    assert (state_of(offered), offered.seller, offered.organizer, offered.ticket) == (
        "OPEN", ADA, ORGANIZER, ada.tickets[0].name,
    )  # fmt: skip
    assert money_from_wire(offered.price) == money_from_wire(ada.tickets[0].price)
    kind = await the_type(platform)
    assert (kind.remaining, kind.resale_available, kind.sale_state) == (0, 1, booking_pb2.SALE_STATE_ON_SALE)
    line = booking_pb2.BookingLine(ticket_type=STANDARD, quantity=1)
    request = bookings_pb.QuoteBookingRequest(parent=EVENT, booking=booking_pb2.Booking(lines=[line]))
    quote = await platform.bookings.QuoteBooking(request, metadata=platform.calls.bearer(BOB))
    assert (quote.lines[0].resale_offer, quote.total) == (offered.name, offered.price)
    bob = await book(platform, BOB)
    assert (bob.lines[0].resale_offer, money_from_wire(bob.total)) == (offered.name, money_from_wire(offered.price))
    assert state_of(await get(platform, ADA, offered.name)) == "RESERVED"
    with pytest.raises(FailedPrecondition, match="RESALE_RESERVED"):
        await withdraw(platform, ADA, offered.name)
    bob = await pay(platform, BOB, bob)
    assert (bob.state, bob.lines[0].resale_offer) == (booking_pb2.BOOKING_STATE_CONFIRMED, "")
    request = bookings_pb.GetBookingRequest(name=ada.name)
    ada = await platform.bookings.GetBooking(request, metadata=platform.calls.bearer(ADA))
    assert [each.state for each in ada.tickets] == [booking_pb2.TICKET_STATE_VOID, booking_pb2.TICKET_STATE_VALID]
    assert money_from_wire(ada.refund_due) == money_from_wire(offered.price)
    assert bob.tickets[0].code not in {each.code for each in ada.tickets}
    assert state_of(await get(platform, OLGA, offered.name, roles={ORGANIZER: Role.VIEWER})) == "SOLD"


async def test_who_waits_is_served_by_the_worker_before_anybody_else(platform):
    ada = await sold_out(platform)
    wish = WaitingListEntry(ticket_type=STANDARD, quantity=1)
    request = lists_pb.JoinWaitingListRequest(parent=EVENT, waiting_list_entry=wish)
    entry = await platform.lists.JoinWaitingList(request, metadata=platform.calls.bearer(BOB))
    await offer(platform, ADA, ada, ada.tickets[0].name)
    with pytest.raises(FailedPrecondition, match="SOLD_OUT"):
        await book(platform, CARL)
    async with asyncio.timeout(60):
        while not entry.booking:
            asked = lists_pb.GetWaitingListEntryRequest(name=entry.name)
            entry = await platform.lists.GetWaitingListEntry(asked, metadata=platform.calls.bearer(BOB))
    asked = bookings_pb.GetBookingRequest(name=entry.booking)
    booking = await platform.bookings.GetBooking(asked, metadata=platform.calls.bearer(BOB))
    assert booking.lines[0].resale_offer


async def test_offers_are_for_their_seller_and_the_organizer(platform):
    ada = await sold_out(platform)
    names = [each.name for each in ada.tickets]
    for stranger in (BOB, OLGA):
        with pytest.raises(PermissionDenied):
            await offer(platform, stranger, ada, names[0])
    with pytest.raises(InvalidArgument, match="tickets"):
        await offer(platform, ADA, ada)
    with pytest.raises(Aborted, match="ETAG_MISMATCH"):
        await offer(platform, ADA, ada, names[0], etag="older")
    made = (await offer(platform, ADA, ada, *names, request_id="once")).resale_offers
    assert (await offer(platform, ADA, ada, *names, request_id="once")).resale_offers == made
    with pytest.raises(PermissionDenied):
        await get(platform, BOB, made[0].name)
    with pytest.raises((NotFound, PermissionDenied)):
        await get(platform, ADA, f"{EVENT}/resaleOffers/{new_id()}")
    with pytest.raises(Unauthenticated):
        await platform.resale.GetResaleOffer(pb.GetResaleOfferRequest(name=made[0].name))
    page = await platform.resale.ListResaleOffers(
        pb.ListResaleOffersRequest(parent=EVENT, page_size=1),
        metadata=platform.calls.bearer(OLGA, roles={ORGANIZER: Role.VIEWER}),
    )
    rest = await platform.resale.ListResaleOffers(
        pb.ListResaleOffersRequest(parent=EVENT, page_size=1, page_token=page.next_page_token),
        metadata=platform.calls.bearer(OLGA, roles={ORGANIZER: Role.VIEWER}),
    )
    assert [*page.resale_offers, *rest.resale_offers] == list(made)
    request = pb.ListUserResaleOffersRequest(parent=ADA)
    own = await platform.resale.ListUserResaleOffers(request, metadata=platform.calls.bearer(ADA))
    assert {each.name for each in own.resale_offers} == {each.name for each in made}
    with pytest.raises(PermissionDenied):
        await platform.resale.ListUserResaleOffers(request, metadata=platform.calls.bearer(BOB))
    with pytest.raises(Aborted, match="ETAG_MISMATCH"):
        await withdraw(platform, ADA, made[0].name, etag="older")
    assert state_of(await withdraw(platform, ADA, made[0].name, etag=made[0].etag)) == "WITHDRAWN"
    assert state_of(await withdraw(platform, OLGA, made[1].name, roles={ORGANIZER: Role.MANAGER})) == "WITHDRAWN"


async def test_only_an_organizer_offers_what_its_buyer_passed_on(platform):
    ada = await sold_out(platform)
    bob = Attendee("Bob", "bob@example.org")
    transfer = TransferTicket(EVENT, ada.name, ada.tickets[0].name, bob, False, Issuer())
    given = (await platform.other.submit(transfer, platform.make.cause())).tickets[-1].name
    with pytest.raises(FailedPrecondition, match="TICKET_TRANSFERRED"):
        await offer(platform, ADA, ada, given)
    request = pb.OfferTicketsForResaleRequest(name=ada.name, tickets=[given])
    manager = platform.calls.bearer(OLGA, roles={ORGANIZER: Role.MANAGER})
    (made,) = (await platform.resale.OfferTicketsForResale(request, metadata=manager)).resale_offers
    assert state_of(made) == "OPEN"

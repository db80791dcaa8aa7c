"""Vouchers over rpc: the whole service in process, as organizers and buyers meet it."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from access import Role
from booking_service.composition import build
from booking_service.domain.terms import BookingTerms
from booking_service.settings import Settings
from domain_kit.clock import utc_now
from domain_kit.ids import new_id
from domain_kit.money import Money
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
from resource_api import money_to_wire, time_to_wire
from telemetry import Metrics
from testkit.calls import CallSettings, calls_to
from usher.booking.v1 import booking_pb2, voucher_pb2
from usher.booking.v1 import booking_service_pb2 as booking_rpcs
from usher.booking.v1 import voucher_service_pb2 as pb
from usher.booking.v1.booking_service_pb2_grpc import BookingServiceStub
from usher.booking.v1.voucher_service_pb2_grpc import VoucherServiceStub

EVENT, OTHER, ORGANIZER = f"events/{new_id()}", f"events/{new_id()}", f"organizers/{new_id()}"
ADA, BOB, OLGA = (f"users/{new_id()}" for _ in range(3))
HALF = {"percent_off_basis_points": 5000}


@dataclass(frozen=True, kw_only=True)
class OwnDatabase(Settings):
    name: str = ""

    @property
    def database(self) -> str:
        return self.name


@asynccontextmanager
async def running(uri, name):
    settings = OwnDatabase(mongodb_uri=uri, kafka_brokers="127.0.0.1:1", page_token_key=b"0123456789abcdef", name=name)
    async with (
        build(settings, Metrics("booking")) as service,
        calls_to(service, CallSettings(service="booking", max_in_flight=1000)) as calls,
    ):
        yield SimpleNamespace(
            bookings=BookingServiceStub(calls.channel), vouchers=VoucherServiceStub(calls.channel), calls=calls
        )


@pytest.fixture
async def platform(mongo_uri, make):
    name = f"test_{new_id()}"
    async with running(mongo_uri, name) as started, open_database(mongo_uri, name) as database:
        started.make, started.other = make, make.lanes_on(Journal(database))
        for event in (EVENT, OTHER):
            await sell(started, event)
        started.ada = started.calls.bearer(ADA)
        started.manager = started.calls.bearer(OLGA, {ORGANIZER: Role.MANAGER})
        yield started


async def sell(platform, event=EVENT, version=1, **changes):
    make, start = platform.make, utc_now() + timedelta(days=30)
    kinds = [
        replace(make.type(name, **more), name=f"{event}/ticketTypes/{name}")
        for name, more in (("standard", {}), ("secret", {"hidden": True}), ("free", {"price": Money(0, "EUR")}))
    ]
    times = {"start_time": start, "end_time": start + timedelta(hours=3)}
    offer = make.offer(*kinds, event=event, organizer=ORGANIZER, version=version, **{**times, **changes})
    await platform.other.submit(make.project(offer), make.cause())


def booking_of(*codes, kind="standard", quantity=1, event=EVENT):
    line = booking_pb2.BookingLine(ticket_type=f"{event}/ticketTypes/{kind}", quantity=quantity)
    return booking_pb2.Booking(lines=[line], voucher_codes=codes)


async def book(platform, *codes, event=EVENT, **wanted):
    request = booking_rpcs.CreateBookingRequest(parent=event, booking=booking_of(*codes, event=event, **wanted))
    return await platform.bookings.CreateBooking(request, metadata=platform.ada)


async def quote(platform, *codes, **wanted):
    request = booking_rpcs.QuoteBookingRequest(parent=EVENT, booking=booking_of(*codes, **wanted))
    return await platform.bookings.QuoteBooking(request, metadata=platform.ada)


async def issue(platform, code="SPRING", event=EVENT, request_id="", **fields):
    request = pb.CreateVoucherRequest(
        parent=event, voucher=voucher_pb2.Voucher(code=code, **fields), request_id=request_id
    )
    return await platform.vouchers.CreateVoucher(request, metadata=platform.manager)


async def refusal_of(call):
    with pytest.raises((FailedPrecondition, NotFound)) as refused:
        await call
    return refused.value


async def test_a_voucher_from_creation_to_its_last_use(platform):
    made = await issue(platform, max_uses=2, tag="press", **HALF)
    assert (made.name, made.code, made.uses) == (f"{EVENT}/vouchers/spring", "SPRING", 0)
    quoted = await quote(platform, "Spring", quantity=2)
    booking = await book(platform, "sPRING", quantity=2)
    assert quoted.total == booking.total == money_to_wire(Money(2500, "EUR"))
    assert quoted.lines == booking.lines
    assert list(booking.lines[0].vouchers) == [made.name]
    assert booking.lines[0].units[0].reductions[0].source == "SPRING"
    for call in (book(platform, "SPRING"), quote(platform, "SPRING")):
        refused = await refusal_of(call)
        assert (refused.reason, refused.metadata["remaining"]) == ("VOUCHER_USED_UP", "0")
    used = await platform.vouchers.GetVoucher(pb.GetVoucherRequest(name=made.name), metadata=platform.manager)
    assert (used.uses, used.etag) == (2, made.etag)
    cancel = booking_rpcs.CancelBookingRequest(name=booking.name)
    await platform.bookings.CancelBooking(cancel, metadata=platform.ada)
    assert (await book(platform, "SPRING", quantity=2)).total == quoted.total


async def test_a_code_is_refused_with_the_reason_that_it_deserves(platform):
    now = utc_now()
    await issue(platform, "GOODCODE", **HALF)
    await issue(platform, "TOOLATE1", valid_until_time=time_to_wire(now - timedelta(seconds=1)), **HALF)
    await issue(platform, "TOOEARLY", valid_from_time=time_to_wire(now + timedelta(hours=1)), **HALF)
    await issue(platform, "ELSEWHERE", event=OTHER, **HALF)
    await issue(platform, "SECRETS", ticket_types=[f"{EVENT}/ticketTypes/secret"], reveals_hidden=True)
    await issue(platform, "ANOTHER1", amount_off=money_to_wire(Money(100, "EUR")))
    gone = await issue(platform, "DELETED1", **HALF)
    await platform.vouchers.DeleteVoucher(pb.DeleteVoucherRequest(name=gone.name), metadata=platform.manager)
    for codes, reason in [
        (["GOODCODF"], "VOUCHER_UNKNOWN"),
        (["DELETED1"], "VOUCHER_UNKNOWN"),
        (["ELSEWHERE"], "VOUCHER_UNKNOWN"),
        (["TOOLATE1"], "VOUCHER_EXPIRED"),
        (["TOOEARLY"], "VOUCHER_NOT_YET_VALID"),
        (["SECRETS"], "VOUCHER_NOT_APPLICABLE"),
        (["GOODCODE", "ANOTHER1"], "VOUCHERS_NOT_COMBINABLE"),
        (["GOODCODE", "GOODCODF"], "VOUCHER_UNKNOWN"),
    ]:
        for call in (book(platform, *codes), quote(platform, *codes)):
            refused = await refusal_of(call)
            assert (refused.reason, refused.metadata["voucher_code"]) == (reason, codes[-1])
    assert (await refusal_of(book(platform, "GOODCODE", kind="free"))).reason == "VOUCHER_NOT_APPLICABLE"
    unknown, deleted = [await refusal_of(book(platform, code)) for code in ("DELETED2", "DELETED1")]
    assert unknown.message.replace("DELETED2", "DELETED1") == deleted.message
    for codes in ([f"CODE{number}" for number in range(11)], ["abc"], ["a" * 41], ["no spaces"], [""]):
        with pytest.raises(InvalidArgument):
            await book(platform, *codes)
    listed = await platform.vouchers.ListVouchers(pb.ListVouchersRequest(parent=EVENT), metadata=platform.manager)
    assert {each.uses for each in listed.vouchers} == {0}


async def test_hidden_types_stay_hidden_without_a_code(platform):
    """INVARIANT: a hidden type and one that does not exist are refused alike, whatever the code."""
    await issue(platform, "REVEALS1", reveals_hidden=True, ticket_types=[f"{EVENT}/ticketTypes/secret"])
    await issue(platform, "HALFCODE", **HALF)
    for codes in ([], ["HALFCODE"], ["UNKNOWN1"]):
        for ask in (book, quote):
            hidden, unknown = [await refusal_of(ask(platform, *codes, kind=kind)) for kind in ("secret", "nothing")]
            assert type(hidden) is type(unknown)
            assert hidden.reason == unknown.reason
            assert hidden.message.replace("secret", "nothing") == unknown.message
    booking = await book(platform, "REVEALS1", "HALFCODE", kind="secret")
    assert list(booking.lines[0].vouchers) == [f"{EVENT}/vouchers/reveals1", f"{EVENT}/vouchers/halfcode"]

    async def offered(**more):
        request = booking_rpcs.GetAvailabilityRequest(name=f"{EVENT}/availability", **more)
        found = await platform.bookings.GetAvailability(request)
        return {each.ticket_type.rpartition("/")[2]: each.remaining for each in found.ticket_types}

    assert await offered() == {"standard": 49, "free": 49}
    assert await offered(voucher_code="reveals1") == {"standard": 49, "secret": 49, "free": 49}
    await issue(platform, "KEEPS123", reserved_tickets=9, ticket_types=[f"{EVENT}/ticketTypes/standard"])
    assert await offered() == {"standard": 40, "free": 40}
    assert await offered(voucher_code="KEEPS123") == {"standard": 49, "free": 40}
    assert (await refusal_of(offered(voucher_code="UNKNOWN1"))).reason == "VOUCHER_UNKNOWN"


async def test_who_may_manage_and_who_may_read(platform):
    made = await issue(platform, **HALF)
    viewer = platform.calls.bearer(BOB, {ORGANIZER: Role.VIEWER})
    stranger = platform.calls.bearer(BOB, {f"organizers/{new_id()}": Role.OWNER})
    get, listing = pb.GetVoucherRequest(name=made.name), pb.ListVouchersRequest(parent=EVENT)
    assert await platform.vouchers.GetVoucher(get, metadata=viewer) == made
    draft = voucher_pb2.Voucher(code="OTHER1")
    for rpc, request in [
        (platform.vouchers.CreateVoucher, pb.CreateVoucherRequest(parent=EVENT, voucher=draft)),
        (platform.vouchers.BatchCreateVouchers, pb.BatchCreateVouchersRequest(parent=EVENT, voucher={}, count=1)),
        (platform.vouchers.UpdateVoucher, pb.UpdateVoucherRequest(voucher=made)),
        (platform.vouchers.DeleteVoucher, pb.DeleteVoucherRequest(name=made.name)),
        (platform.vouchers.GetVoucher, get),
        (platform.vouchers.ListVouchers, listing),
    ]:
        may_read = request in (get, listing)
        for who in (platform.ada, stranger, *([] if may_read else [viewer])):
            with pytest.raises(PermissionDenied):
                await rpc(request, metadata=who)
        with pytest.raises(Unauthenticated):
            await rpc(request)


async def test_a_voucher_is_changed_by_mask_and_etag(platform):
    made = await issue(platform, comment="ours", max_uses=9, **HALF)

    async def update(*paths, **fields):
        request = pb.UpdateVoucherRequest(
            voucher=voucher_pb2.Voucher(name=made.name, **fields), update_mask=FieldMask(paths=paths)
        )
        return await platform.vouchers.UpdateVoucher(request, metadata=platform.manager)

    changed = await update("price", "comment", price=money_to_wire(Money(999, "EUR")), etag=made.etag)
    assert (changed.WhichOneof("benefit"), changed.comment, changed.max_uses) == ("price", "", 9)
    assert (await book(platform, "SPRING", quantity=2)).total == money_to_wire(Money(1998, "EUR"))
    with pytest.raises(Aborted, match="ETAG_MISMATCH"):
        await update("tag", tag="x", etag=made.etag)
    refused = await refusal_of(update("max_uses", max_uses=1))
    assert (refused.reason, refused.metadata["uses"]) == ("VOUCHER_IN_USE", "2")
    delete = pb.DeleteVoucherRequest(name=made.name)
    refused = await refusal_of(platform.vouchers.DeleteVoucher(delete, metadata=platform.manager))
    assert (refused.reason, refused.metadata["uses"]) == ("VOUCHER_IN_USE", "2")
    for paths, fields, reason in [
        (["code"], {"code": "OTHER1"}, "FIELD_IMMUTABLE"),
        (["nonsense"], {}, "UPDATE_MASK_INVALID"),
        (["amount_off"], {"amount_off": money_to_wire(Money(0, "EUR"))}, "FIELD_INVALID"),
        (["amount_off"], {"amount_off": money_to_wire(Money(5, "CAD"))}, "FIELD_INVALID"),
        (["price"], {"price": money_to_wire(Money(-5, "EUR"))}, "FIELD_INVALID"),
        (["reserved_tickets"], {"reserved_tickets": 10}, "FIELD_INVALID"),
        (["ticket_types"], {"ticket_types": [f"{OTHER}/ticketTypes/standard"]}, "FIELD_INVALID"),
        (["dates"], {"dates": [f"{EVENT}/dates/none"]}, "FIELD_INVALID"),
    ]:
        with pytest.raises(InvalidArgument, match=reason):
            await update(*paths, **fields)
    ended = await update("valid_until_time", valid_until_time=time_to_wire(utc_now()))
    assert ended.uses == 2
    assert (await refusal_of(book(platform, "SPRING"))).reason == "VOUCHER_EXPIRED"


async def test_codes_are_unique_generated_and_repeated_by_request_id(platform):
    first = await issue(platform, "", request_id="r1", **HALF)
    assert len(first.code) == 16
    assert await issue(platform, "", request_id="r1", **HALF) == first
    with pytest.raises(AlreadyExists, match="VOUCHER_EXISTS"):
        await issue(platform, first.code.lower())
    request = pb.BatchCreateVouchersRequest(
        parent=EVENT, voucher={"tag": "many", "max_uses": 1}, count=1000, code_prefix="A-", request_id="r2"
    )
    made = await platform.vouchers.BatchCreateVouchers(request, metadata=platform.manager, timeout=60)
    assert len({each.code for each in made.vouchers}) == 1000
    again = await platform.vouchers.BatchCreateVouchers(request, metadata=platform.manager, timeout=60)
    assert again == made
    listing = pb.ListVouchersRequest(parent=EVENT, filter='tag = "many" AND used_up = false', page_size=400)
    names = set()
    while True:
        page = await platform.vouchers.ListVouchers(listing, metadata=platform.manager)
        names |= {each.name for each in page.vouchers}
        listing.page_token = page.next_page_token
        if not page.next_page_token:
            break
    assert names == {each.name for each in made.vouchers}
    for wrong in ({"count": 0}, {"count": 1001}, {"code_prefix": "A" * 25}, {"voucher": {"code": "SAME"}}):
        fields = {"voucher": {}, "count": 1} | wrong
        with pytest.raises(InvalidArgument):
            await platform.vouchers.BatchCreateVouchers(
                pb.BatchCreateVouchersRequest(parent=EVENT, **fields), metadata=platform.manager
            )


async def test_20_buyers_at_once_get_the_3_uses(platform):
    """INVARIANT: uses never exceed max_uses, and nobody hears INTERNAL."""
    await issue(platform, max_uses=3, **HALF)
    results = await asyncio.gather(*(book(platform, "SPRING") for _ in range(20)), return_exceptions=True)
    refused = [each for each in results if isinstance(each, BaseException)]
    assert len(results) - len(refused) == 3
    assert {each.reason for each in refused} == {"VOUCHER_USED_UP"}


async def test_a_reservation_lapses_in_the_background(platform):
    until = utc_now() + timedelta(seconds=1)
    made = await issue(platform, reserved_tickets=5, valid_until_time=time_to_wire(until))
    get = pb.GetVoucherRequest(name=made.name)
    assert made.reserved_left == 5
    async with asyncio.timeout(20):
        while made.reserved_left:
            made = await platform.vouchers.GetVoucher(get, metadata=platform.manager)
            await asyncio.sleep(0.05)
    assert utc_now() >= until


async def test_a_quote_is_refused_as_booking_would_be_and_takes_nothing(platform):
    await sell(platform, version=2, terms=BookingTerms(most_per_booking=3, most_per_person=2))
    for wanted, reason in [
        ({"quantity": 4}, "TOO_MANY_IN_BOOKING"),
        ({"quantity": 3}, "TOO_MANY_FOR_PERSON"),
        ({"kind": "nothing"}, "RESOURCE_NOT_FOUND"),
    ]:
        refused = [await refusal_of(call) for call in (quote(platform, **wanted), book(platform, **wanted))]
        assert [each.reason for each in refused] == [reason, reason]
        assert refused[0].metadata == refused[1].metadata
    with pytest.raises(InvalidArgument):
        await quote(platform, quantity=0)
    with pytest.raises(Unauthenticated):
        await platform.bookings.QuoteBooking(booking_rpcs.QuoteBookingRequest(parent=EVENT, booking=booking_of()))
    assert (await quote(platform, quantity=2)).total == money_to_wire(Money(5000, "EUR"))
    availability = booking_rpcs.GetAvailabilityRequest(name=f"{EVENT}/availability")
    assert (await platform.bookings.GetAvailability(availability)).ticket_types[0].remaining == 50

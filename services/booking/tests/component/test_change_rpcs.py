"""Changing, cancelling, approving over rpc: who may do what, and what the answers say."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from access import Role
from booking_service.composition import build
from booking_service.domain.commands import ClaimPayment
from booking_service.domain.pricing.inputs import RefundStep
from booking_service.domain.terms import BookingTerms
from booking_service.settings import Settings
from domain_kit.clock import utc_now
from domain_kit.ids import new_id
from domain_kit.money import Money
from domain_kit.refusals import Aborted, FailedPrecondition, InvalidArgument, PermissionDenied
from mongo_store import Journal, open_database
from resource_api import money_from_wire
from telemetry import Metrics
from testkit.calls import CallSettings, calls_to
from usher.booking.v1 import booking_change_service_pb2 as pb
from usher.booking.v1 import booking_pb2, booking_service_pb2
from usher.booking.v1.booking_change_service_pb2_grpc import BookingChangeServiceStub
from usher.booking.v1.booking_service_pb2_grpc import BookingServiceStub

EVENT, ORGANIZER = f"events/{new_id()}", f"organizers/{new_id()}"
ADA, BOB, OLGA = (f"users/{new_id()}" for _ in range(3))
HALF = BookingTerms(change_allowed=True, transfer_allowed=True, refund_steps=(RefundStep(timedelta(0), 5_000),))


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
        calls_to(service, CallSettings(service="booking")) as calls,
        open_database(uri, name) as database,
    ):
        yield SimpleNamespace(
            bookings=BookingServiceStub(calls.channel), changes=BookingChangeServiceStub(calls.channel),
            ada=calls.bearer(ADA), bob=calls.bearer(BOB), olga=calls.bearer(OLGA, {ORGANIZER: Role.MANAGER}),
            gate=calls.bearer(BOB, {ORGANIZER: Role.CHECK_IN}), make=make, other=make.lanes_on(Journal(database)),
        )  # fmt: skip


@pytest.fixture
async def platform(mongo_uri, make):
    async with running(mongo_uri, make) as started:
        now = utc_now()
        kinds = [
            replace(make.type(name, **changes), name=f"{EVENT}/ticketTypes/{name}")
            for name, changes in {
                "standard": {}, "vip": {"price": Money(6000, "EUR")}, "asked": {"approval_required": True},
                "guest": {"approval_required": True, "price": Money(0, "EUR")},
            }.items()
        ]  # fmt: skip
        times = {"start_time": now + timedelta(days=9), "end_time": now + timedelta(days=10)}
        offer = make.offer(*kinds, event=EVENT, organizer=ORGANIZER, terms=HALF, **times)
        await started.other.submit(make.project(offer), make.cause())
        yield started


async def book(platform, kind="standard", quantity=1):
    line = booking_pb2.BookingLine(ticket_type=f"{EVENT}/ticketTypes/{kind}", quantity=quantity)
    request = booking_service_pb2.CreateBookingRequest(parent=EVENT, booking=booking_pb2.Booking(lines=[line]))
    return await platform.bookings.CreateBooking(request, metadata=platform.ada)


async def pay(platform, booking):
    paid = ClaimPayment(
        EVENT, booking.name, f"payments/{new_id()}", money_from_wire(booking.amount_due), platform.make.Issuer()
    )
    await platform.other.submit(paid, platform.make.cause())
    return await get(platform, booking)


async def get(platform, booking, who=None):
    request = booking_service_pb2.GetBookingRequest(name=booking.name)
    return await platform.bookings.GetBooking(request, metadata=who or platform.ada)


def add(kind, quantity=1):
    return [booking_pb2.BookingLine(ticket_type=f"{EVENT}/ticketTypes/{kind}", quantity=quantity)]


def units(*amounts):
    return [(each.units, each.nanos) for each in amounts]


async def test_a_buyer_sees_the_difference_first_then_changes_pays_and_has_the_new_ticket(platform):
    booking = await pay(platform, await book(platform, quantity=2))
    leaves = booking.tickets[0].name
    request = pb.ChangeBookingRequest(name=booking.name, remove_tickets=[leaves], add_lines=add("vip"))
    trial = pb.ChangeBookingRequest(validate_only=True)
    trial.MergeFrom(request)
    tried = await platform.changes.ChangeBooking(trial, metadata=platform.ada)
    assert units(tried.last_price_change.price_difference, tried.last_price_change.amount_due) == [(35, 0)] * 2
    assert (await get(platform, booking)).etag == booking.etag
    request.etag = booking.etag
    waiting = await platform.changes.ChangeBooking(request, metadata=platform.ada)
    assert waiting.state == booking_pb2.BOOKING_STATE_CONFIRMED
    assert units(waiting.amount_due, waiting.pending_change.amount_due) == [(35, 0)] * 2
    assert waiting.pending_change.removed_tickets == [leaves]
    assert waiting.hold_expire_time.ToDatetime() > utc_now().replace(tzinfo=None)
    done = await pay(platform, waiting)
    states = {each.name: each.state for each in done.tickets}
    assert (len(states), states[leaves]) == (3, booking_pb2.TICKET_STATE_VOID)
    assert units(done.total, done.amount_paid, done.amount_due) == [(85, 0), (85, 0), (0, 0)]
    assert (len(done.extra_payments), done.HasField("pending_change")) == (1, False)


async def test_a_buyer_withdraws_a_change_and_owes_nothing_any_more(platform):
    booking = await pay(platform, await book(platform, quantity=2))
    request = pb.ChangeBookingRequest(name=booking.name, add_lines=add("vip"))
    waiting = await platform.changes.ChangeBooking(request, metadata=platform.ada)
    withdraw = pb.WithdrawChangeRequest(name=booking.name, reason="too dear", etag=waiting.etag, request_id="once")
    with pytest.raises(PermissionDenied):
        await platform.changes.WithdrawChange(withdraw, metadata=platform.bob)
    after = await platform.changes.WithdrawChange(withdraw, metadata=platform.ada)
    assert await platform.changes.WithdrawChange(withdraw, metadata=platform.ada) == after
    assert (after.total, after.amount_due.units, after.tickets) == (booking.total, 0, booking.tickets)
    assert [after.HasField(each) for each in ("pending_change", "last_price_change", "hold_expire_time")] == [False] * 3
    assert (after.history[-1].action, after.history[-1].reason) == ("BookingChangeExpired", "too dear")
    again = pb.WithdrawChangeRequest(name=booking.name)
    with pytest.raises(FailedPrecondition, match="NO_CHANGE_PENDING") as refused:
        await platform.changes.WithdrawChange(again, metadata=platform.olga)
    assert refused.value.metadata["state"] == "CONFIRMED"


async def test_the_answer_of_a_buyers_change_says_what_goes_back_and_what_is_retained(platform):
    booking = await pay(platform, await book(platform, quantity=2))
    request = pb.ChangeBookingRequest(name=booking.name, remove_tickets=[booking.tickets[1].name])
    after = await platform.changes.ChangeBooking(request, metadata=platform.ada)
    assert units(after.refund_due, after.amount_retained, after.amount_paid) == [(12, 500_000_000)] * 2 + [
        (37, 500_000_000)
    ]
    whole = pb.ChangeBookingRequest(name=booking.name, remove_tickets=[booking.tickets[0].name])
    with pytest.raises(FailedPrecondition, match="NOTHING_LEFT"):
        await platform.changes.ChangeBooking(whole, metadata=platform.ada)


async def test_strangers_change_nothing_and_organizers_give_everything_back(platform):
    booking = await pay(platform, await book(platform, quantity=2))
    request = pb.ChangeBookingRequest(name=booking.name, remove_tickets=[booking.tickets[1].name])
    for stranger in (platform.bob, platform.gate):
        with pytest.raises(PermissionDenied):
            await platform.changes.ChangeBooking(request, metadata=stranger)
    after = await platform.changes.ChangeBooking(request, metadata=platform.olga)
    assert units(after.refund_due, after.amount_retained) == [(25, 0), (0, 0)]
    assert after.history[-1].actor == OLGA


async def test_a_buyer_cancels_by_the_terms_and_an_organizer_as_they_say(platform):
    def cancel(booking, **changes):
        return booking_service_pb2.CancelBookingRequest(name=booking.name, **changes)

    mine = await pay(platform, await book(platform, quantity=2))
    with pytest.raises(PermissionDenied):
        await platform.bookings.CancelBooking(cancel(mine, refund_basis_points=10_000), metadata=platform.ada)
    off = await platform.bookings.CancelBooking(cancel(mine), metadata=platform.ada)
    assert units(off.refund_due, off.amount_retained, off.amount_due) == [(25, 0), (25, 0), (0, 0)]
    for asked, back in (({}, 50), ({"refund_basis_points": 2000}, 10), ({"refund_basis_points": 0}, 0)):
        theirs = await pay(platform, await book(platform, quantity=2))
        off = await platform.bookings.CancelBooking(cancel(theirs, **asked), metadata=platform.olga)
        assert units(off.refund_due, off.amount_retained) == [(back, 0), (50 - back, 0)]


async def test_a_held_booking_is_changed_by_number_and_wrong_lines_are_refused(platform):
    held = await book(platform, quantity=3)
    fewer = [pb.LineReduction(ticket_type=held.lines[0].ticket_type, quantity=2)]
    request = pb.ChangeBookingRequest(name=held.name, remove_lines=fewer, add_lines=add("vip"))
    after = await platform.changes.ChangeBooking(request, metadata=platform.ada)
    assert units(after.total, after.amount_due) == [(85, 0)] * 2
    wrong = pb.ChangeBookingRequest(name=held.name)
    wrong.add_lines.add(ticket_type=f"events/{new_id()}/ticketTypes/x", quantity=1)
    with pytest.raises(InvalidArgument) as refused:
        await platform.changes.ChangeBooking(wrong, metadata=platform.ada)
    assert refused.value.violations[0].field == "add_lines[0].ticket_type"
    with pytest.raises(FailedPrecondition, match="APPROVAL_REQUIRED"):
        await platform.changes.ChangeBooking(
            pb.ChangeBookingRequest(name=held.name, add_lines=add("asked")), metadata=platform.ada
        )


async def test_the_organizer_agrees_or_does_not_and_nobody_else_decides(platform):
    asked, guest, other = [await book(platform, kind) for kind in ("asked", "guest", "asked")]
    assert asked.state == booking_pb2.BOOKING_STATE_PENDING_APPROVAL
    approve = pb.ApproveBookingRequest(name=asked.name)
    for somebody in (platform.ada, platform.gate):
        with pytest.raises(PermissionDenied):
            await platform.changes.ApproveBooking(approve, metadata=somebody)
    agreed = await platform.changes.ApproveBooking(approve, metadata=platform.olga)
    assert agreed.state == booking_pb2.BOOKING_STATE_HELD
    assert (await platform.changes.ApproveBooking(approve, metadata=platform.olga)).etag == agreed.etag
    free = await platform.changes.ApproveBooking(pb.ApproveBookingRequest(name=guest.name), metadata=platform.olga)
    assert (free.state, len(free.tickets)) == (booking_pb2.BOOKING_STATE_CONFIRMED, 1)
    reject = pb.RejectBookingRequest(name=other.name, reason="full")
    off = await platform.changes.RejectBooking(reject, metadata=platform.olga)
    assert (off.state, off.cancel_reason) == (booking_pb2.BOOKING_STATE_CANCELLED, "full")
    assert (await platform.changes.RejectBooking(reject, metadata=platform.olga)).etag == off.etag


async def test_a_buyer_passes_a_ticket_on_and_only_the_new_code_admits(platform):
    booking = await pay(platform, await book(platform, quantity=2))
    old, bob = booking.tickets[0], booking_pb2.Attendee(display_name="Bob", email="bob@example.org")
    request = pb.TransferTicketRequest(name=old.name, attendee=bob, request_id="once", etag=booking.etag)
    with pytest.raises(PermissionDenied):
        await platform.changes.TransferTicket(request, metadata=platform.bob)
    with pytest.raises(InvalidArgument):
        await platform.changes.TransferTicket(pb.TransferTicketRequest(name=old.name), metadata=platform.ada)
    after = await platform.changes.TransferTicket(request, metadata=platform.ada)
    assert await platform.changes.TransferTicket(request, metadata=platform.ada) == after
    new = after.tickets[-1]
    assert (new.attendee, new.price, new.ticket_type) == (bob, old.price, old.ticket_type)
    assert (new.code, new.transferred, bool(after.tickets[1].code)) == ("", True, True)
    (new,) = [each for each in (await get(platform, booking, platform.olga)).tickets if each.name == new.name]
    assert (after.total, after.amount_paid, after.history[-1].action) == (
        booking.total, booking.amount_paid, "TicketTransferred",
    )  # fmt: skip
    again = pb.TransferTicketRequest(name=new.name, attendee=bob)
    with pytest.raises(FailedPrecondition, match="TICKET_TRANSFERRED"):
        await platform.changes.TransferTicket(again, metadata=platform.ada)
    last = (await platform.changes.TransferTicket(again, metadata=platform.olga)).tickets[-1]
    scan = booking_service_pb2.CheckInTicketRequest(parent=EVENT, code=new.code)
    with pytest.raises(FailedPrecondition, match="TICKET_VOID"):
        await platform.bookings.CheckInTicket(scan, metadata=platform.gate)
    scan.code = last.code
    admitted = await platform.bookings.CheckInTicket(scan, metadata=platform.gate)
    assert (admitted.ticket.name, admitted.ticket.attendee) == (last.name, bob)
    stale = pb.TransferTicketRequest(name=booking.tickets[1].name, attendee=bob, etag=booking.etag)
    with pytest.raises(Aborted, match="ETAG_MISMATCH"):
        await platform.changes.TransferTicket(stale, metadata=platform.olga)

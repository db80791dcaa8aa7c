"""Bookings in currencies that the event offers, over rpc: from the event's own domain events to the answers."""

from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace

import pytest

from access import Role
from booking_service.composition import build
from booking_service.domain.commands import ClaimPayment
from booking_service.inbound.consumers import event_subscription
from booking_service.settings import Settings
from domain_kit.clock import utc_now
from domain_kit.ids import new_id
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, InvalidArgument
from event_backbone import Received
from mongo_store import Journal, open_database
from resource_api import money_from_wire, money_to_wire
from telemetry import Metrics
from testkit.calls import CallSettings, calls_to
from usher.booking.v1 import attendee_service_pb2, booking_change_service_pb2, booking_pb2
from usher.booking.v1 import booking_service_pb2 as pb
from usher.booking.v1.attendee_service_pb2_grpc import AttendeeServiceStub
from usher.booking.v1.booking_change_service_pb2_grpc import BookingChangeServiceStub
from usher.booking.v1.booking_service_pb2_grpc import BookingServiceStub
from usher.event.v1 import domain_events_pb2 as event_facts
from usher.event.v1 import event_pb2

EVENT, ORGANIZER, ADA, OLGA = f"events/{new_id()}", f"organizers/{new_id()}", f"users/{new_id()}", f"users/{new_id()}"
TYPE = f"{EVENT}/ticketTypes/standard"


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
    async with (
        build(settings, Metrics("booking")) as service,
        calls_to(service, CallSettings(service="booking")) as calls,
        open_database(mongo_uri, name) as database,
    ):
        started = SimpleNamespace(
            stub=BookingServiceStub(calls.channel), changes=BookingChangeServiceStub(calls.channel),
            groups=AttendeeServiceStub(calls.channel), ada=calls.bearer(ADA), make=make,
            olga=calls.bearer(OLGA, {ORGANIZER: Role.MANAGER}), other=make.lanes_on(Journal(database)),
        )  # fmt: skip
        await tell(started, "163.25", 1)
        yield started


async def tell(platform, rate, version, age=timedelta(0)):
    """The event, on sale at 49.00 euros, as its domain event tells it; yen at that rate."""
    now = utc_now()
    event = event_pb2.Event(
        name=EVENT, organizer=ORGANIZER, state=event_pb2.EVENT_STATE_PUBLISHED, currency_code="EUR", time_zone="UTC"
    )
    event.booking_terms.change_allowed = True
    event.max_rate_age.FromTimedelta(timedelta(hours=1))
    for field, days in (("start_time", 9), ("end_time", 10), ("publish_time", -1)):
        getattr(event, field).FromDatetime(now + timedelta(days=days))
    event.offered_currencies.add(currency_code="JPY", rate=rate, rate_source="ECB").rate_time.FromDatetime(now - age)
    snapshot = event_facts.EventSnapshot(event=event)
    snapshot.ticket_types.add(
        name=TYPE, display_name="Standard", capacity_pools=[f"{EVENT}/capacityPools/hall"], max_per_booking=9,
        price=money_to_wire(Money(4900, "EUR")),
    )  # fmt: skip
    snapshot.capacity_pools.add(name=f"{EVENT}/capacityPools/hall", capacity=50)
    kind = event_facts.EventPublished if version == 1 else event_facts.EventUpdated
    _, handler = event_subscription(platform.other).by_type()[kind.DESCRIPTOR.full_name]
    await handler(kind(snapshot=snapshot), Received(new_id(), "t", EVENT, version, now, "", ""))


def wanted(currency, quantity=2):
    lines = [booking_pb2.BookingLine(ticket_type=TYPE, quantity=quantity)]
    return booking_pb2.Booking(lines=lines, currency_code=currency)


async def test_a_booking_in_yen_is_quoted_held_changed_and_paid_back_at_one_rate(platform):
    """INVARIANT: what was paid less what goes back is what the rest costs, whatever the rate is meanwhile."""
    stub, ada = platform.stub, platform.ada
    quote = await stub.QuoteBooking(pb.QuoteBookingRequest(parent=EVENT, booking=wanted("JPY")), metadata=ada)
    assert (money_from_wire(quote.total), quote.exchange.rate) == (Money(15998, "JPY"), "163.25")
    held = await stub.CreateBooking(pb.CreateBookingRequest(parent=EVENT, booking=wanted("JPY")), metadata=ada)
    assert (held.currency_code, held.exchange) == ("JPY", quote.exchange)
    assert money_from_wire(held.exchange.base_total) == Money(9800, "EUR")
    assert money_from_wire(held.amount_due) == Money(15998, "JPY")
    claim = ClaimPayment(EVENT, held.name, "payments/1", Money(15998, "JPY"), platform.make.Issuer())
    await platform.other.submit(claim, platform.make.cause())
    await tell(platform, "999.99", 2)
    fewer = booking_change_service_pb2.ChangeBookingRequest(name=held.name)
    fewer.remove_lines.add(ticket_type=TYPE, quantity=1)
    changed = await platform.changes.ChangeBooking(fewer, metadata=ada)
    assert money_from_wire(changed.last_price_change.refund_due) == Money(7999, "JPY")
    off = await stub.CancelBooking(pb.CancelBookingRequest(name=held.name), metadata=ada)
    assert (money_from_wire(off.refund_due), off.exchange.rate) == (Money(15998, "JPY"), "163.25")
    today = await stub.QuoteBooking(pb.QuoteBookingRequest(parent=EVENT, booking=wanted("JPY")), metadata=ada)
    assert today.exchange.rate == "999.99"


async def test_a_booking_in_the_currency_of_the_event_says_so_and_nothing_more(platform):
    for currency in ("", "EUR"):
        request = pb.CreateBookingRequest(parent=EVENT, booking=wanted(currency))
        held = await platform.stub.CreateBooking(request, metadata=platform.ada)
        assert (held.currency_code, held.HasField("exchange")) == ("EUR", False)
        assert not held.lines[0].HasField("base_total")


async def test_an_organizer_books_for_a_group_in_yen(platform):
    request = attendee_service_pb2.CreateGroupBookingRequest(parent=EVENT, user=ADA, currency_code="JPY")
    request.lines.add(ticket_type=TYPE, quantity=12)
    request.invoice.SetInParent()
    group = await platform.groups.CreateGroupBooking(request, metadata=platform.olga)
    assert (money_from_wire(group.total), group.exchange.rate_source) == (Money(12 * 7999, "JPY"), "ECB")


@pytest.mark.parametrize(
    ("currency", "kind", "reason"),
    [("XXQ", InvalidArgument, "CURRENCY_UNKNOWN"), ("USD", FailedPrecondition, "CURRENCY_NOT_OFFERED"),
     ("JPY", FailedPrecondition, "RATE_STALE"), ("yen", InvalidArgument, "FIELD_INVALID")],
)  # fmt: skip
async def test_a_currency_that_cannot_be_had_is_a_typed_refusal(platform, currency, kind, reason):
    await tell(platform, "163.25", 2, age=timedelta(hours=2))
    for call, request in (
        (platform.stub.CreateBooking, pb.CreateBookingRequest), (platform.stub.QuoteBooking, pb.QuoteBookingRequest),
    ):  # fmt: skip
        with pytest.raises(kind) as told:
            await call(request(parent=EVENT, booking=wanted(currency)), metadata=platform.ada)
        assert told.value.reason == reason

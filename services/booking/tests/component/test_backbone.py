"""Over a real Kafka wire: offers and payments come in, facts go out, and availability follows."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import pytest

from booking_service.composition import build
from booking_service.settings import Settings
from domain_kit.backbone import EncodedEvent
from domain_kit.clock import utc_now
from domain_kit.ids import new_id
from domain_kit.refusals import PermissionDenied
from event_backbone import Consumer, Relay, Subscription
from mongo_store import JournalRow, VersionedEvent
from telemetry import Metrics
from testkit.calls import CallSettings, calls_to
from testkit.memory import MemoryInbox, MemoryJournal, MemoryOutbox
from testkit.noida import kafka_elastic_engine
from usher.booking.v1 import booking_pb2
from usher.booking.v1 import booking_service_pb2 as pb
from usher.booking.v1 import domain_events_pb2 as facts
from usher.booking.v1.booking_service_pb2_grpc import BookingServiceStub
from usher.event.v1 import domain_events_pb2 as event_facts
from usher.event.v1 import event_pb2
from usher.payment.v1 import domain_events_pb2 as payment_facts
from usher.payment.v1 import payment_pb2

HEARD = (facts.BookingHeld, facts.BookingConfirmed, facts.AvailabilityChanged)


@dataclass(frozen=True, kw_only=True)
class OwnDatabase(Settings):
    name: str = ""

    @property
    def database(self) -> str:
        return self.name


@pytest.fixture
def brokers():
    with kafka_elastic_engine() as engine:
        yield engine.brokers


class Elsewhere:
    """Another service, as far as booking sees it: an outbox and a relay."""

    def __init__(self, domain: str, brokers: str) -> None:
        self.journal = MemoryJournal()
        self.relay = Relay(
            MemoryOutbox(self.journal), topic=f"usher.{domain}.v1", source=f"//usher/{domain}", brokers=brokers
        )
        self.running = asyncio.create_task(self.relay.run())

    async def tell(self, make, subject, message):
        event = VersionedEvent(EncodedEvent(message.DESCRIPTOR.full_name, message.SerializeToString()), subject, 1)
        await self.journal.commit([], JournalRow(make.cause(), subject, [event]))

    async def end(self):
        self.relay.stop()
        await self.running


async def test_an_event_is_published_booked_paid_and_told(mongo_uri, brokers, make):
    event, ada, heard = f"events/{new_id()}", f"users/{new_id()}", []

    async def hear(message, received):
        heard.append((type(message).__name__, received.version))

    listening = Consumer(
        Subscription("test", ["usher.booking.v1"], dict.fromkeys(HEARD, hear)),
        MemoryInbox(), brokers=brokers,
    )  # fmt: skip
    listener = asyncio.create_task(listening.run())
    events, payments = Elsewhere("event", brokers), Elsewhere("payment", brokers)
    settings = OwnDatabase(
        mongodb_uri=mongo_uri, kafka_brokers=brokers, page_token_key=b"0123456789abcdef", name=f"test_{new_id()}"
    )
    async with build(settings, Metrics("booking")) as service, calls_to(service, CallSettings()) as calls:
        stub, bearer = BookingServiceStub(calls.channel), calls.bearer(ada)
        snapshot = event_facts.EventSnapshot(event=event_pb2.Event(name=event, organizer="organizers/o", state=2))
        snapshot.event.start_time.FromDatetime(utc_now() + timedelta(days=9))
        snapshot.event.end_time.FromDatetime(utc_now() + timedelta(days=10))
        snapshot.event.publish_time.FromDatetime(utc_now())
        kind = snapshot.ticket_types.add(name=f"{event}/ticketTypes/a", capacity_pools=[f"{event}/capacityPools/hall"])
        kind.price.currency_code, kind.price.units = "EUR", 25
        snapshot.capacity_pools.add(name=f"{event}/capacityPools/hall", capacity=5)
        await events.tell(make, event, event_facts.EventPublished(snapshot=snapshot))

        line = booking_pb2.BookingLine(ticket_type=kind.name, quantity=2)
        request = pb.CreateBookingRequest(parent=event, booking=booking_pb2.Booking(lines=[line]))
        held = await eventually(lambda: stub.CreateBooking(request, metadata=bearer), lambda booking: booking.name)
        paid = payment_pb2.Payment(name=f"payments/{new_id()}", booking=held.name, amount=held.total)
        await payments.tell(make, paid.name, payment_facts.PaymentSucceeded(payment=paid))
        get = pb.GetBookingRequest(name=held.name)
        confirmed = await eventually(lambda: stub.GetBooking(get, metadata=bearer), lambda booking: booking.tickets)
        assert (confirmed.state, confirmed.payment) == (booking_pb2.BOOKING_STATE_CONFIRMED, paid.name)

        async def all_heard():
            return [each for each in heard if each[0] != "AvailabilityChanged"]

        await eventually(all_heard, lambda seen: len(seen) == 2)
        assert await all_heard() == [("BookingHeld", 1), ("BookingConfirmed", 2)]
        assert ("AvailabilityChanged", 1) in heard
    for each in (events, payments):
        await each.end()
    listening.stop()
    await listener


async def eventually(call, good, seconds=40):
    async with asyncio.timeout(seconds):
        while True:
            try:
                answer = await call()
            except PermissionDenied:
                raise
            except Exception:
                answer = None
            if answer is not None and good(answer):
                return answer
            await asyncio.sleep(0.05)

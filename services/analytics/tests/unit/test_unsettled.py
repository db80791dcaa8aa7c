"""Domain events that wait hold freshness back, for those they are about."""

from datetime import UTC, datetime, timedelta

from google.protobuf.message import Message

from analytics_service.inbound.consumers import BOOKING, PAYMENT, USER, Listener
from analytics_service.outbound.unsettled import ParkedEvents
from domain_kit.backbone import InboxEvent, ParkedEvent
from testkit.memory import MemoryInbox
from usher.booking.v1 import booking_pb2
from usher.booking.v1 import domain_events_pb2 as booking_events
from usher.payment.v1 import payment_pb2
from usher.payment.v1.domain_events_pb2 import RefundCompleted

TIME = datetime(2027, 3, 1, tzinfo=UTC)


def parked(
    consumer: str, message: Message, hours: int, *, payload: bytes | None = None, dead: bool = False
) -> ParkedEvent:
    event = InboxEvent(
        id=f"e{hours}",
        type=message.DESCRIPTOR.full_name,
        source="s",
        subject=f"subject{hours}",
        version=1,
        time=TIME + timedelta(hours=hours),
        payload=message.SerializeToString() if payload is None else payload,
        correlation_id="",
        traceparent="",
    )
    return ParkedEvent(consumer, event, dead, "", 1, TIME)


async def test_the_oldest_that_may_be_about_the_organizer_counts(memory_stores) -> None:
    stores, inbox = memory_stores(), MemoryInbox()
    unsettled = ParkedEvents(inbox, Listener(stores.facts, stores.organizers, lambda: None).subscriptions())
    assert await unsettled.oldest("organizers/o") is None
    of_o = booking_pb2.Booking(organizer="organizers/o")
    await inbox.park(parked(BOOKING, booking_events.BookingHeld(booking=of_o), 1))  # counts nothing
    await inbox.park(parked(BOOKING, booking_events.BookingConfirmed(booking=of_o), 5, dead=True))
    await inbox.park(parked(PAYMENT, RefundCompleted(payment=payment_pb2.Payment(organizer="organizers/p")), 3))
    assert await unsettled.oldest("organizers/o") == TIME + timedelta(hours=5)
    assert await unsettled.oldest("organizers/p") == TIME + timedelta(hours=3)
    assert await unsettled.oldest("organizers/q") is None
    await inbox.park(parked(PAYMENT, RefundCompleted(), 2, payload=b"\xff"))
    assert await unsettled.oldest("organizers/q") == TIME + timedelta(hours=2)
    assert USER == "analytics.user"

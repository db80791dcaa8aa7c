"""What payment keeps of other services' facts."""

from datetime import UTC, datetime

from google.protobuf.message import Message
from google.type.money_pb2 import Money

from event_backbone import Received, Subscription
from payment_service.domain.receipt import Receipt, Seller
from payment_service.inbound.receipts import receipt_subscription, seller_subscription
from usher.booking.v1 import booking_pb2
from usher.booking.v1 import domain_events_pb2 as facts
from usher.user.v1 import domain_events_pb2 as user
from usher.user.v1 import organizer_pb2


class Kept:
    """Knowledge in lists."""

    def __init__(self) -> None:
        self.receipts: list[tuple[str, int]] = []
        self.sellers: list[tuple[str, int]] = []

    async def keep_receipt(self, receipt: Receipt, version: int) -> None:
        self.receipts.append((receipt.source, version))

    async def keep_seller(self, seller: Seller, version: int) -> None:
        self.sellers.append((seller.display_name, version))


async def told(subscription: Subscription, fact: Message, version: int) -> None:
    received = Received("id", fact.DESCRIPTOR.full_name, "subject", version, datetime.now(UTC), "", "")
    await subscription.handlers[type(fact)](fact, received)


async def test_a_receipt_is_kept_for_each_payment_and_none_for_what_cost_nothing() -> None:
    kept = Kept()
    subscription = receipt_subscription(kept)
    free = booking_pb2.Booking(name="b", total=Money(currency_code="EUR"))
    paid = booking_pb2.Booking(name="b", total=Money(currency_code="EUR", units=5), payment="payments/1")
    changed = booking_pb2.Booking(
        total=Money(currency_code="EUR", units=7), payment="payments/1", extra_payments=["payments/2"],
        last_price_change=booking_pb2.PriceChange(amount_due=Money(currency_code="EUR", units=2)),
    )  # fmt: skip
    await told(subscription, facts.BookingConfirmed(booking=free), 2)
    await told(subscription, facts.BookingConfirmed(booking=paid), 3)
    await told(subscription, facts.BookingChanged(booking=changed), 4)
    await told(subscription, facts.BookingChanged(booking=paid), 5)
    await told(subscription, facts.PaymentUnclaimed(booking=paid, payment="payments/9"), 6)
    assert kept.receipts == [("payments/1", 3), ("payments/2", 4), ("payments/9", 6)]


async def test_an_organizer_is_kept_as_it_was_made_and_as_it_changed() -> None:
    kept = Kept()
    subscription = seller_subscription(kept)
    for version, (kind, name) in enumerate([(user.OrganizerCreated, "old"), (user.OrganizerUpdated, "new")], 1):
        snapshot = user.OrganizerSnapshot(organizer=organizer_pb2.Organizer(name="organizers/o", display_name=name))
        await told(subscription, kind(snapshot=snapshot), version)
    assert kept.sellers == [("old", 1), ("new", 2)]

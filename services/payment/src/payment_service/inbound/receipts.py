"""What payment keeps of bookings and organizers, so that it can issue invoices without asking anybody."""

from event_backbone import Received, Subscription
from payment_service.domain.invoice_ports import Knowledge
from payment_service.domain.receipt import Receipt
from payment_service.wire.receipts import receipt_of_booking, receipt_of_change, seller_from_wire
from usher.booking.v1 import domain_events_pb2 as booking
from usher.user.v1 import domain_events_pb2 as user

RECEIPTS, SELLERS = "payment.receipts", "payment.sellers"


def receipt_subscription(known: Knowledge) -> Subscription:
    """What each payment was for."""

    async def keep(receipt: Receipt, received: Received) -> None:
        await known.keep_receipt(receipt, received.version)

    async def confirmed(fact: booking.BookingConfirmed, received: Received) -> None:
        if fact.booking.payment:
            await keep(receipt_of_booking(fact.booking, fact.booking.payment), received)

    async def changed(fact: booking.BookingChanged, received: Received) -> None:
        receipt = receipt_of_change(fact)
        if receipt is not None:
            await keep(receipt, received)

    async def unclaimed(fact: booking.PaymentUnclaimed, received: Received) -> None:
        await keep(receipt_of_booking(fact.booking, fact.payment), received)

    return Subscription(
        RECEIPTS,
        ["usher.booking.v1"],
        {booking.BookingConfirmed: confirmed, booking.BookingChanged: changed, booking.PaymentUnclaimed: unclaimed},
    )


def seller_subscription(known: Knowledge) -> Subscription:
    """Who sells."""

    async def told(fact: user.OrganizerCreated | user.OrganizerUpdated, received: Received) -> None:
        await known.keep_seller(seller_from_wire(fact.snapshot.organizer), received.version)

    return Subscription(SELLERS, ["usher.user.v1"], {user.OrganizerCreated: told, user.OrganizerUpdated: told})

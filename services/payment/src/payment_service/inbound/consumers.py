"""What payment learns from the booking service."""

from domain_kit.clock import Clock, utc_now
from event_backbone import Received, Subscription
from payment_service.domain.gateway import RefundingGateway
from payment_service.domain.ports import PaymentRepository
from payment_service.handlers.call_off_payment import call_off_payment
from payment_service.handlers.refund_payment import refund_at_most
from resource_api import money_from_wire
from usher.booking.v1 import domain_events_pb2 as booking_facts

BOOKINGS = "payment.booking"
REQUESTER = "services/payment"


def booking_subscription(
    payments: PaymentRepository, gateway: RefundingGateway, clock: Clock = utc_now
) -> Subscription:
    """Pays back what a cancelled booking is due, and calls off what is no longer to be paid."""

    async def cancelled(fact: booking_facts.BookingCancelled, received: Received) -> None:
        booking = fact.booking
        await call_off_payment(payments, gateway, booking.name, cause=received.cause(BOOKINGS, "call-off"), clock=clock)
        if fact.HasField("refund_due") and booking.payment:
            due = money_from_wire(fact.refund_due)
            await refund_at_most(
                payments, gateway, booking.payment, received.id.lower(), due, "The booking was cancelled.", REQUESTER,
                cause=received.cause(BOOKINGS), clock=clock,
            )  # fmt: skip

    async def unclaimed(fact: booking_facts.PaymentUnclaimed, received: Received) -> None:
        await refund_at_most(
            payments, gateway, fact.payment, received.id.lower(), None, "The booking could not take the payment.",
            REQUESTER, cause=received.cause(BOOKINGS), clock=clock,
        )  # fmt: skip

    return Subscription(
        BOOKINGS,
        ["usher.booking.v1"],
        {booking_facts.BookingCancelled: cancelled, booking_facts.PaymentUnclaimed: unclaimed},
    )

"""What payment learns from the booking service."""

from typing import Protocol

from domain_kit.clock import Clock, utc_now
from domain_kit.money import Money
from event_backbone import Received, Subscription
from payment_service.domain.invoice_ports import Knowledge
from payment_service.domain.ports import Gateways, PaymentRepository
from payment_service.handlers.call_off_payment import call_off_payments
from payment_service.handlers.refund_payment import refund_at_most, refund_booking
from payment_service.wire.bookings import owed_from_wire
from payment_service.wire.receipts import receipt_of_refund
from resource_api import money_from_wire
from usher.booking.v1 import booking_pb2
from usher.booking.v1 import domain_events_pb2 as booking_facts

BOOKINGS = "payment.booking"
REQUESTER = "services/payment"


class _WithBooking(Protocol):
    booking: booking_pb2.Booking


def booking_subscription(
    payments: PaymentRepository, gateways: Gateways, known: Knowledge, clock: Clock = utc_now
) -> Subscription:
    """Pays back what a cancelled or changed booking is due, and calls off what is no longer to be paid."""

    async def call_off(booking: booking_pb2.Booking, owed: Money | None, received: Received) -> None:
        cause = received.cause(BOOKINGS, "call-off")
        await call_off_payments(payments, gateways, booking.name, owed=owed, cause=cause, clock=clock)

    async def pay_back(booking: booking_pb2.Booking, due: Money, why: str, received: Received) -> None:
        taken = (*((booking.payment,) if booking.payment else ()), *booking.extra_payments)
        await refund_booking(
            payments, gateways, taken, received.id.lower(), due, why, REQUESTER, cause=received.cause(BOOKINGS),
            clock=clock,
        )  # fmt: skip

    async def cancelled(fact: booking_facts.BookingCancelled, received: Received) -> None:
        await call_off(fact.booking, None, received)
        if fact.HasField("refund_due"):
            await pay_back(fact.booking, money_from_wire(fact.refund_due), "The booking was cancelled.", received)

    async def changed(fact: booking_facts.BookingChanged, received: Received) -> None:
        await call_off(fact.booking, owed_from_wire(fact.booking).total, received)
        if fact.HasField("refund_due"):
            receipt = receipt_of_refund(fact, received.id.lower())
            if receipt is not None:  # known before there is a refund that a credit note is written for
                await known.keep_receipt(receipt, received.version)
            await pay_back(fact.booking, money_from_wire(fact.refund_due), "The booking was changed.", received)

    async def owes_otherwise(fact: _WithBooking, received: Received) -> None:
        await call_off(fact.booking, owed_from_wire(fact.booking).total, received)

    async def unclaimed(fact: booking_facts.PaymentUnclaimed, received: Received) -> None:
        await refund_at_most(
            payments, gateways, fact.payment, received.id.lower(), None, "The booking could not take the payment.",
            REQUESTER, cause=received.cause(BOOKINGS), clock=clock,
        )  # fmt: skip

    return Subscription(
        BOOKINGS,
        ["usher.booking.v1"],
        {
            booking_facts.BookingCancelled: cancelled,
            booking_facts.BookingChanged: changed,
            booking_facts.BookingChangeHeld: owes_otherwise,
            booking_facts.BookingChangeExpired: owes_otherwise,
            booking_facts.PaymentUnclaimed: unclaimed,
        },
    )

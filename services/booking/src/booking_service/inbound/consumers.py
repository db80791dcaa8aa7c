"""What booking learns from the event and payment services."""

from typing import Any, Protocol

from booking_service.domain.commands import TicketIssuer
from booking_service.domain.ports import Desk
from booking_service.handlers.claim_payment import claim_payment
from booking_service.handlers.project_offer import project_offer
from booking_service.inbound.offers import offer_from_wire
from event_backbone import Received, Subscription
from resource_api import money_from_wire
from usher.event.v1 import domain_events_pb2 as event_facts
from usher.payment.v1 import domain_events_pb2 as payment_facts

EVENTS, PAYMENTS = "booking.event", "booking.payment"
EVENT_FACTS: tuple[Any, ...] = (
    event_facts.EventCreated,
    event_facts.EventUpdated,
    event_facts.EventPublished,
    event_facts.EventCancelled,
    event_facts.EventDeleted,
    event_facts.TicketTypeCreated,
    event_facts.TicketTypeChanged,
    event_facts.TicketTypeDeleted,
    event_facts.CapacityPoolCreated,
    event_facts.CapacityPoolChanged,
    event_facts.CapacityPoolDeleted,
    event_facts.EventDateCreated,
    event_facts.EventDateChanged,
    event_facts.EventDateDeleted,
    event_facts.QuestionCreated,
    event_facts.QuestionChanged,
    event_facts.QuestionDeleted,
    event_facts.DiscountCreated,
    event_facts.DiscountChanged,
    event_facts.DiscountDeleted,
    event_facts.SeatingPlanChanged,
)


class _WithSnapshot(Protocol):
    snapshot: event_facts.EventSnapshot


def event_subscription(desk: Desk) -> Subscription:
    """Keeps the offers: every domain event of an event carries all that is sold for it."""

    async def project(fact: _WithSnapshot, received: Received) -> None:
        await project_offer(desk, offer_from_wire(fact.snapshot, received.version), cause=received.cause(EVENTS))

    return Subscription(EVENTS, ["usher.event.v1"], dict.fromkeys(EVENT_FACTS, project))


def payment_subscription(desk: Desk, issuer: TicketIssuer) -> Subscription:
    """Confirms what was paid."""

    async def claim(fact: payment_facts.PaymentSucceeded, received: Received) -> None:
        paid = fact.payment
        await claim_payment(
            desk, issuer, booking=paid.booking, payment=paid.name, amount=money_from_wire(paid.amount),
            cause=received.cause(PAYMENTS),
        )  # fmt: skip

    return Subscription(PAYMENTS, ["usher.payment.v1"], {payment_facts.PaymentSucceeded: claim})

"""Puts the payment service together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from access import Ownership
from chassis import open_chassis
from domain_kit.refusals import NotFound
from grpc_runtime import Service, Worker, open_channel
from payment_service.domain.payment import Payment
from payment_service.handlers.settle_payment import settle_payment
from payment_service.inbound.consumers import booking_subscription
from payment_service.inbound.servicer import Parts, PaymentServicer
from payment_service.inbound.workers import SettlingWorker
from payment_service.outbound.bookings import BookingClient
from payment_service.outbound.open_work import MongoOpenWork
from payment_service.outbound.repositories import MongoPayments, ensure_indexes
from payment_service.outbound.resilient_gateway import ResilientGateway
from payment_service.outbound.stripe_gateway import open_stripe
from payment_service.settings import Settings
from resilience import Breaker, Bulkhead, Resilient, Retry
from resource_api import PageTokens
from telemetry import Metrics
from usher.booking.v1.booking_service_pb2_grpc import BookingServiceStub
from usher.payment.v1.payment_service_pb2_grpc import add_PaymentServiceServicer_to_server


@asynccontextmanager
async def build(settings: Settings, metrics: Metrics) -> AsyncIterator[Service]:
    """The running parts, for as long as the context lasts."""
    async with AsyncExitStack() as stack:
        chassis = await stack.enter_async_context(open_chassis(settings, metrics))
        channel = await stack.enter_async_context(open_channel(settings.booking_target, metrics=metrics))
        stripe = await stack.enter_async_context(
            open_stripe(
                settings.stripe_url,
                settings.stripe_api_key,
                timeout=settings.gateway_seconds,
                return_url=settings.public_url,
                webhook_secrets=settings.stripe_webhook_secrets,
            )
        )
        await ensure_indexes(chassis.database)
        gateway = ResilientGateway(stripe, _guard(stripe.name, settings, metrics))
        clock = chassis.journal.clock

        async def settle(name: str) -> Payment:
            return await settle_payment(payments, gateway, name, clock=clock)

        settling = SettlingWorker(MongoOpenWork(chassis.database), settle, clock)
        payments = MongoPayments(chassis.journal, on_urgent=settling.wake)

        async def owner_of(name: str) -> Ownership | None:
            try:
                payment = await payments.get(name)
            except NotFound:
                return None
            return Ownership(payment.payer, payment.organizer)

        parts = Parts(
            payments=payments,
            bookings=BookingClient(BookingServiceStub(channel)),
            gateway=gateway,
            webhooks=stripe,
            page_tokens=PageTokens(settings.page_token_key),
            clock=clock,
        )
        yield Service(
            servicers=[(add_PaymentServiceServicer_to_server, PaymentServicer(parts))],
            workers=[
                *chassis.workers(booking_subscription(payments, gateway, clock)),
                Worker("settling", settling.run, settling.stop),
            ],
            health=chassis.health,
            owner_of=owner_of,
            key_cache=chassis.key_cache,
        )


def _guard(name: str, settings: Settings, metrics: Metrics) -> Resilient:
    return Resilient(
        name,
        timeout=settings.gateway_seconds,
        retry=Retry(attempts=3, initial=0.1, maximum=1.0),
        breaker=Breaker(name, failures=10, reset_seconds=5.0, metrics=metrics.calls),
        bulkhead=Bulkhead(name, limit=32, queue=256, metrics=metrics.calls),
        metrics=metrics.calls,
    )

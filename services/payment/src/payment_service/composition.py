"""Puts the payment service together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from access import Ownership
from chassis import open_chassis
from domain_kit.refusals import NotFound
from grpc_runtime import Service, Worker, identity_of, open_channel
from mongo_store import Migration, Schema
from payment_service.accounting import ACCOUNTING_INDEXES, open_accounting
from payment_service.domain.gateways import Notice
from payment_service.domain.payment import Payment
from payment_service.domain.webhook_inbox import Kept
from payment_service.handlers.receive_notice import is_applied, receive_notice
from payment_service.handlers.settle_payment import settle_payment
from payment_service.inbound.consumers import booking_subscription
from payment_service.inbound.in_hand import InHand
from payment_service.inbound.parts import Parts
from payment_service.inbound.saved_method_servicer import SavedPaymentMethodServicer
from payment_service.inbound.servicer import PaymentServicer
from payment_service.inbound.workers import SettlingWorker, WebhookWorker
from payment_service.metrics import NoticeMetrics, count_business
from payment_service.outbound.bookings import BookingClient
from payment_service.outbound.former import adopt_former_notes
from payment_service.outbound.gateway_registry import open_gateways, read_credentials
from payment_service.outbound.keepers import INDEXES as KEEPERS_INDEXES
from payment_service.outbound.keepers import MongoKeepers
from payment_service.outbound.open_work import MongoOpenWork
from payment_service.outbound.payment_settings import MongoPaymentSettings
from payment_service.outbound.repositories import INDEXES, MongoPayments
from payment_service.outbound.webhook_inbox import MongoWebhookInbox
from payment_service.settings import Settings
from resilience import Breaker, Bulkhead, Resilient, Retry
from resource_api import PageTokens
from telemetry import Metrics
from usher.booking.v1.booking_service_pb2_grpc import BookingServiceStub
from usher.payment.v1.payment_service_pb2_grpc import add_PaymentServiceServicer_to_server
from usher.payment.v1.saved_payment_method_service_pb2_grpc import add_SavedPaymentMethodServiceServicer_to_server

SCHEMA = Schema.of(INDEXES, KEEPERS_INDEXES, *ACCOUNTING_INDEXES, migrations=[Migration(2, expand=adopt_former_notes)])
# Seconds from one batch of domain events to the next: nobody waits for either, and those that come together share
# their statements. An invoice is first looked for three seconds after its payment.
REFUND_GAP, RECEIPT_GAP = 0.3, 1.0


@asynccontextmanager
async def build(settings: Settings, metrics: Metrics) -> AsyncIterator[Service]:
    """The running parts, for as long as the context lasts."""
    async with AsyncExitStack() as stack:
        chassis = await stack.enter_async_context(open_chassis(settings, metrics, SCHEMA))
        channel = await stack.enter_async_context(
            open_channel(settings.booking_target, metrics=metrics, identity=identity_of(settings))
        )
        organizers = MongoPaymentSettings(chassis.journal)
        gateways = await stack.enter_async_context(
            open_gateways(
                read_credentials(settings.gateways_file),
                organizers,
                public_url=settings.public_url,
                timeout=settings.gateway_seconds,
                new_breaker=lambda name: Breaker(name, failures=10, reset_seconds=5.0, metrics=metrics.calls),
                guard=lambda name, breaker: _guard(name, breaker, settings, metrics),
            )
        )
        count_business(metrics)
        clock = chassis.journal.clock

        async def settle(name: str) -> Payment:
            return await settle_payment(payments, gateways, name, clock=clock)

        async def all_heard(gateway: str) -> bool:
            confirmed = [
                name
                for name in settling.confirmations.names
                if (payment := payments.written_last(name)) is not None and payment.current.gateway == gateway
            ]
            return any(await asyncio.gather(*map(settling.confirmations.heard, confirmed)))

        async def apply(kept: Kept) -> None:
            with notices.applying(kept.gateway):
                await receive_notice(
                    payments, gateways, kept.gateway, kept.notice,
                    clock=clock, heard=settling.confirmations.heard, all_heard=all_heard, telling=told.hold,
                )  # fmt: skip

        async def known(gateway: str, notice: Notice) -> bool:
            heard = settling.confirmations.heard
            if not await is_applied(payments, gateway, notice, heard=heard, all_heard=all_heard):
                return False
            with notices.applying(gateway):
                return True

        settling = SettlingWorker(MongoOpenWork(chassis.database), settle, clock)
        told = InHand()  # payments that a notice is being applied to
        inbox = MongoWebhookInbox(chassis.database)
        webhooks = WebhookWorker(inbox, apply, clock)
        accounting, notices = open_accounting(chassis, settings), NoticeMetrics(metrics)
        payments = MongoPayments(chassis.journal, settling.money_moves, accounting.books)

        async def owner_of(name: str) -> Ownership | None:
            """Of a payment, an invoice, or a booking that has a payment."""
            if name.startswith("invoices/"):
                return await accounting.owner_of(name)
            if not name.startswith("payments/"):
                found = (await payments.list_page({"booking": name}, None, 1)).items
                return Ownership(found[0].payer, found[0].organizer) if found else None
            try:
                # Whose it is never changes.
                payment = payments.written_last(name) or await payments.get(name)
            except NotFound:
                return None
            return Ownership(payment.payer, payment.organizer)

        parts = Parts(
            payments=payments,
            bookings=BookingClient(BookingServiceStub(channel)),
            gateways=gateways,
            settings=organizers,
            inbox=inbox,
            keepers=MongoKeepers(chassis.database),
            page_tokens=PageTokens(settings.page_token_key),
            public_url=settings.public_url,
            on_kept=webhooks.begin,
            in_hand=settling.confirmations.hold,
            notified=told.heard,
            is_applied=known,
            clock=clock,
        )
        yield Service(
            servicers=[
                (add_PaymentServiceServicer_to_server, PaymentServicer(parts)),
                (add_SavedPaymentMethodServiceServicer_to_server, SavedPaymentMethodServicer(parts)),
                *accounting.servicers,
            ],
            workers=[
                *chassis.workers(
                    booking_subscription(payments, gateways, accounting.knowledge, clock), read_gap=REFUND_GAP
                ),
                *chassis.workers(*accounting.subscriptions, publishes=False, read_gap=RECEIPT_GAP),
                *accounting.workers,
                Worker("settling", settling.run, settling.stop),
                Worker("webhooks", webhooks.run, webhooks.stop),
            ],
            health=chassis.health,
            owner_of=owner_of,
            key_cache=chassis.key_cache,
        )


def _guard(name: str, breaker: Breaker, settings: Settings, metrics: Metrics) -> Resilient:
    return Resilient(
        name,
        timeout=settings.gateway_seconds,
        retry=Retry(attempts=3, initial=0.1, maximum=1.0),
        breaker=breaker,
        bulkhead=Bulkhead(name, limit=32, queue=256, metrics=metrics.bulkheads),
        metrics=metrics.calls,
    )

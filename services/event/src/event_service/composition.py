"""Puts the event service together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from access import Ownership
from chassis import open_chassis
from domain_kit.refusals import NotFound
from event_service.domain.seating import MOST_ROWS, MOST_SEATS
from event_service.inbound.servicer import EventServicer
from event_service.metrics import count_business
from event_service.outbound.checked_events import CheckedEvents
from event_service.outbound.repositories import INDEXES, MongoEvents
from event_service.outbound.takings import PaymentClient
from event_service.settings import Settings
from grpc_runtime import Service, identity_of, open_channel
from mongo_store import Schema
from resource_api import PageTokens
from telemetry import Metrics
from usher.event.v1.event_service_pb2 import UpdateSeatingPlanRequest
from usher.event.v1.event_service_pb2_grpc import add_EventServiceServicer_to_server
from usher.payment.v1.payment_service_pb2_grpc import PaymentServiceStub

SCHEMA = Schema(INDEXES)
# A plan with as many seats, all accessible, rows and sections as it may have.
MOST_ITEMS = {UpdateSeatingPlanRequest.DESCRIPTOR.full_name: 2 * MOST_SEATS + MOST_ROWS + 200}


@asynccontextmanager
async def build(settings: Settings, metrics: Metrics) -> AsyncIterator[Service]:
    """The running parts, for as long as the context lasts."""
    async with AsyncExitStack() as stack:
        chassis = await stack.enter_async_context(open_chassis(settings, metrics, SCHEMA))
        count_business(metrics)
        events = MongoEvents(chassis.journal)
        if settings.payment_target:
            channel = await stack.enter_async_context(
                open_channel(settings.payment_target, metrics=metrics, identity=identity_of(settings))
            )
            events = CheckedEvents(chassis.journal, PaymentClient(PaymentServiceStub(channel)))

        async def owner_of(name: str) -> Ownership | None:
            try:
                event = await events.get("/".join(name.split("/")[:2]))
            except NotFound:
                return None
            return Ownership(organizer=event.organizer)

        yield Service(
            servicers=[
                (add_EventServiceServicer_to_server, EventServicer(events, PageTokens(settings.page_token_key)))
            ],
            workers=chassis.workers(),
            health=chassis.health,
            owner_of=owner_of,
            key_cache=chassis.key_cache,
            most_items=MOST_ITEMS,
        )

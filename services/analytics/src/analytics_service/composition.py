"""Puts the analytics service together."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

from analytics_service import metrics as declared
from analytics_service.handlers.count_sales import count_sales
from analytics_service.handlers.show_facts import heal_index, show_facts
from analytics_service.inbound.consumers import Listener
from analytics_service.inbound.servicer import AnalyticsServicer
from analytics_service.inbound.workers import Repeating
from analytics_service.outbound import facts as facts_store
from analytics_service.outbound import sheets as sheets_store
from analytics_service.outbound.fact_index import ElasticFactIndex, definition
from analytics_service.outbound.facts import MongoFacts
from analytics_service.outbound.former import adopt_former_facts
from analytics_service.outbound.sheets import MongoSheets, ProjectedOrganizers
from analytics_service.outbound.unsettled import ParkedEvents
from analytics_service.settings import Settings
from chassis import open_chassis
from elastic_store import Elastic, open_elastic
from grpc_runtime import HealthCheck, Service, Worker
from mongo_store import Database, Migration, Schema
from telemetry import Metrics
from usher.analytics.v1.analytics_service_pb2_grpc import add_AnalyticsServiceServicer_to_server

SCHEMA = Schema.of(facts_store.INDEXES, sheets_store.INDEXES, migrations=[Migration(2, expand=adopt_former_facts)])
READ_GAP = 1.0  # seconds; figures are counted about once a second anyway
POLL_SECONDS = 3.0  # who files facts wakes the rest of its process; this is for what another left when it was killed


@asynccontextmanager
async def build(settings: Settings, metrics: Metrics) -> AsyncIterator[Service]:
    """The running parts, for as long as the context lasts. Elasticsearch may be away at the start."""
    async with (
        open_chassis(settings, metrics, SCHEMA) as chassis,
        _open_elastic(settings, metrics) as elastic,
    ):
        facts = MongoFacts(chassis.database, metrics.outcomes(declared.FACTS))
        sheets = MongoSheets(chassis.database)
        organizers = ProjectedOrganizers(chassis.database)
        index = ElasticFactIndex(elastic.index(definition(settings.facts_index)))
        counting = Repeating("counting", partial(count_sales, facts, sheets), seconds=POLL_SECONDS)
        showing = Repeating("showing", partial(show_facts, facts, index), seconds=POLL_SECONDS)
        healed = metrics.counter(declared.HEALED).inc

        async def heal() -> None:
            if await heal_index(facts, index):
                healed()

        healing = Repeating("healing", heal, seconds=settings.tend_seconds)

        def wake() -> None:
            counting.wake()
            showing.wake()

        subscriptions = Listener(facts, organizers, wake).subscriptions()
        unsettled = ParkedEvents(chassis.inbox, subscriptions)
        yield Service(
            servicers=[
                (add_AnalyticsServiceServicer_to_server, AnalyticsServicer(facts, sheets, organizers, unsettled))
            ],
            workers=[
                *(Worker(each.name, each.run, each.stop) for each in (counting, showing, healing)),
                *chassis.workers(*subscriptions, publishes=False, read_gap=READ_GAP),
            ],
            health=[*chassis.health, HealthCheck("elasticsearch", elastic.ping)],
            key_cache=chassis.key_cache,
        )


async def prepare_index(settings: Settings, _database: Database) -> Sequence[str]:
    """Make the index; one of an older generation goes on answering until this code starts."""
    async with _open_elastic(settings, Metrics(settings.service)) as elastic:
        return await elastic.index(definition(settings.facts_index)).make()


def _open_elastic(settings: Settings, metrics: Metrics) -> AbstractAsyncContextManager[Elastic]:
    return open_elastic(
        settings.elasticsearch_url,
        api_key=settings.elasticsearch_api_key,
        ca_certs=settings.elasticsearch_ca_certs,
        metrics=metrics.elastic,
    )

"""Puts the search service together."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from chassis import open_chassis
from elastic_store import Elastic, open_elastic
from grpc_runtime import HealthCheck, Service, Worker
from mongo_store import Database, Schema
from resource_api import PageTokens
from search_service import metrics as declared
from search_service.inbound.consumers import booking_subscription, event_subscription
from search_service.inbound.servicer import SearchServicer
from search_service.inbound.workers import TendingWorker
from search_service.outbound.event_index import ElasticEventIndex
from search_service.outbound.mapping import definition
from search_service.outbound.sources import MongoSources
from search_service.outbound.views import Views
from search_service.settings import Settings
from telemetry import Metrics
from usher.search.v1.search_service_pb2_grpc import add_SearchServiceServicer_to_server

SCHEMA = Schema()
READ_GAP = 0.3  # seconds; what is found may lag so far behind


@asynccontextmanager
async def build(settings: Settings, metrics: Metrics) -> AsyncIterator[Service]:
    """The running parts, for as long as the context lasts. Elasticsearch may be away at the start."""
    async with (
        open_chassis(settings, metrics, SCHEMA) as chassis,
        _open_elastic(settings, metrics) as elastic,
    ):
        sources, stored = MongoSources(chassis.database), elastic.index(definition(settings.index_name))
        views = Views(stored, most=settings.views_kept)
        index = ElasticEventIndex(stored, views)
        tending = TendingWorker(
            sources, index, seconds=settings.tend_seconds, healed=metrics.counter(declared.HEALED).inc
        )

        async def findable() -> bool:
            await elastic.ping()
            return tending.prepared

        try:
            yield Service(
                servicers=[
                    (
                        add_SearchServiceServicer_to_server,
                        SearchServicer(
                            index,
                            PageTokens(settings.page_token_key),
                            searched=metrics.outcomes(declared.SEARCHES),
                            suggested=metrics.outcomes(declared.SUGGESTIONS),
                        ),
                    )
                ],
                workers=[
                    Worker("tending", tending.run, tending.stop),
                    *chassis.workers(
                        event_subscription(sources, index),
                        booking_subscription(sources, index),
                        publishes=False,
                        read_gap=READ_GAP,
                    ),
                ],
                health=[*chassis.health, HealthCheck("elasticsearch", findable)],
                key_cache=chassis.key_cache,
            )
        finally:
            await views.close()


async def prepare_index(settings: Settings, database: Database) -> Sequence[str]:
    """Make the index and fill it; one of an older generation goes on answering until this code starts."""
    async with _open_elastic(settings, Metrics(settings.service)) as elastic:
        stored = elastic.index(definition(settings.index_name))
        return await ElasticEventIndex(stored, Views(stored, most=1)).make(MongoSources(database).pages)


def _open_elastic(settings: Settings, metrics: Metrics) -> AbstractAsyncContextManager[Elastic]:
    return open_elastic(
        settings.elasticsearch_url,
        api_key=settings.elasticsearch_api_key,
        ca_certs=settings.elasticsearch_ca_certs,
        metrics=metrics.elastic,
    )

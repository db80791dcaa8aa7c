"""Database, journal, relay, consumers and health of one service."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial

from chassis.key_cache import StoredKeySet
from environment import ServiceSettings
from event_backbone import Consumer, Received, Relay, Subscription
from grpc_runtime import HealthCheck, StartRefused, Worker
from mongo_store import CodeTooOld, Database, Journal, MongoInbox, MongoOutbox, Schema, open_database
from mongo_store.instances import noted
from mongo_store.schema import admit, prepare
from telemetry import Metrics, continue_from

OUTBOX_PATIENCE = 0.25  # seconds, see MongoOutbox
READ_GAP = 0.1  # seconds from one batch of a consumer to the next
NEEDS_NEWER_CODE = 3  # the exit code of a service that its database refuses
OWN_COLLECTIONS_ALONE = Schema()


@dataclass(frozen=True, slots=True)
class Chassis:
    """The parts a composition builds on. `health` says NOT_SERVING without the database; Kafka may be away."""

    settings: ServiceSettings
    metrics: Metrics
    database: Database
    journal: Journal
    outbox: MongoOutbox
    inbox: MongoInbox
    key_cache: StoredKeySet

    def workers(
        self, *subscriptions: Subscription, publishes: bool = True, read_gap: float = READ_GAP
    ) -> Sequence[Worker]:
        """A relay, unless the service has no domain events of its own, and one consumer a subscription.

        read_gap: see event_backbone.Consumer; greater where nobody waits for what a service makes of domain events.
        """
        brokers = self.settings.kafka_brokers
        relay = Relay(
            self.outbox,
            topic=self.settings.topic,
            source=f"//usher/{self.settings.service}",
            brokers=brokers,
            metrics=self.metrics.relay,
        )
        consumers = [
            Consumer(
                each, self.inbox, brokers=brokers, metrics=self.metrics.consumers, around=_in_its_trace, gap=read_gap
            )
            for each in subscriptions
        ]
        return [
            *([Worker("relay", relay.run, relay.stop)] if publishes else []),
            *(
                Worker(f"consumer {subscription.consumer}", consumer.run, consumer.stop)
                for subscription, consumer in zip(subscriptions, consumers, strict=True)
            ),
        ]

    @property
    def health(self) -> Sequence[HealthCheck]:
        """The checks of what every service uses."""
        return [
            HealthCheck("mongodb", self.database.ping),
            HealthCheck("kafka", self._some_broker_listens, required=False),
        ]

    async def _some_broker_listens(self) -> bool:
        for address in self.settings.kafka_brokers.split(","):
            host, _, port = address.strip().rpartition(":")
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    _, writer = await asyncio.open_connection(host, int(port))
                writer.close()
                return True
        return False


@asynccontextmanager
async def open_chassis(
    settings: ServiceSettings, metrics: Metrics, schema: Schema = OWN_COLLECTIONS_ALONE
) -> AsyncIterator[Chassis]:
    """The parts, connected, over a database that is as `schema` says; closed at the end.

    Unavailable when there is no database, StartRefused when it needs newer code.
    """
    application = f"usher-{settings.service}"
    async with open_database(settings.mongodb_uri, settings.database, application=application) as database:
        try:
            async with noted(database, schema.version, partial(admit, database, schema)):
                await prepare(database, schema)
                journal = Journal(database, metrics=metrics.store)
                outbox = MongoOutbox(journal, patience=OUTBOX_PATIENCE)
                inbox = MongoInbox(database)
                yield Chassis(settings, metrics, database, journal, outbox, inbox, StoredKeySet(database))
        except CodeTooOld as refused:
            raise StartRefused(str(refused), NEEDS_NEWER_CODE) from None


def _in_its_trace(received: Received) -> AbstractContextManager[None]:
    return continue_from(received.traceparent, received.correlation_id)

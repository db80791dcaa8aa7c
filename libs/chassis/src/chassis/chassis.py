"""Database, journal, relay, consumers and health of one service."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial

from chassis.key_cache import StoredKeySet
from domain_kit.backbone import OutboxEvent
from environment import ServiceSettings
from event_backbone import AroundBatch, BrokerUnavailable, Consumer, KafkaBroker, Received, Relay, Subscription
from grpc_runtime import HealthCheck, StartRefused, Worker
from mongo_store import CodeTooOld, Database, Journal, MongoInbox, MongoOutbox, Schema, open_database
from mongo_store.instances import noted
from mongo_store.schema import admit, prepare
from telemetry import Metrics, continue_from, correlation_id, current_traceparent, new_correlation_id, sending, span

log = logging.getLogger(__name__)

OUTBOX_PATIENCE, MARKS_AFTER = 0.25, 1.0  # seconds, see MongoOutbox
READ_GAP = 0.1  # seconds from one batch of a consumer to the next
LOGIN_SECONDS = 30.0  # how long the outcome of a login counts
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
    broker: KafkaBroker

    def workers(
        self, *subscriptions: Subscription, publishes: bool = True, read_gap: float = READ_GAP
    ) -> Sequence[Worker]:
        """A relay, unless the service has no domain events of its own, and one consumer a subscription.

        read_gap: see event_backbone.Consumer; greater where nobody waits for what a service makes of domain events.
        """
        consumers = [
            Consumer(
                each,
                self.inbox,
                brokers=self.broker,
                metrics=self.metrics.consumers,
                around=_in_its_trace,
                gap=read_gap,
            )
            for each in subscriptions
        ]
        return [
            *([self._relay()] if publishes else []),
            *(
                Worker(f"consumer {subscription.consumer}", consumer.run, consumer.stop)
                for subscription, consumer in zip(subscriptions, consumers, strict=True)
            ),
        ]

    def _relay(self) -> Worker:
        relay = Relay(
            self.outbox,
            topic=self.settings.topic,
            source=f"//usher/{self.settings.service}",
            brokers=self.broker,
            metrics=self.metrics.relay,
            around=_sending(self.settings.topic),
        )
        return Worker("relay", relay.run, relay.stop)

    @property
    def health(self) -> Sequence[HealthCheck]:
        """The checks of what every service uses."""
        secured = self.settings.kafka_encrypted or self.settings.kafka_logged_in
        return [
            HealthCheck("mongodb", self.database.ping),
            HealthCheck("kafka", _login_check(self.broker) if secured else self._some_broker_listens, required=False),
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

    Unavailable when there is no database, StartRefused when it needs newer code, SettingsError for certificates of
    Kafka that cannot be used.
    """
    broker = KafkaBroker.of(settings)
    async with open_database(
        settings.mongodb_uri, settings.database, application=f"usher-{settings.service}", metrics=metrics.store
    ) as database:
        try:
            admission = partial(admit, database, schema)
            async with noted(database, schema.version, admission), database.sessions.watched():
                await prepare(database, schema)
                journal = Journal(database, metrics=metrics.store, told=metrics.committed, origin=_origin)
                outbox = MongoOutbox(journal, patience=OUTBOX_PATIENCE, marks_after=MARKS_AFTER)
                inbox = MongoInbox(database)
                yield Chassis(settings, metrics, database, journal, outbox, inbox, StoredKeySet(database), broker)
        except CodeTooOld as refused:
            raise StartRefused(str(refused), NEEDS_NEWER_CODE) from None


def _login_check(broker: KafkaBroker) -> Callable[[], Awaitable[bool]]:
    """A connection that is dropped again counts as an attack where clients log in, so this one is seldom and whole."""
    known, until = False, 0.0

    async def answers() -> bool:
        nonlocal known, until
        if time.monotonic() > until:
            try:
                await broker.ensure_topics({})
                known = True
            except BrokerUnavailable:
                known = False
            until = time.monotonic() + LOGIN_SECONDS
        return known

    return answers


def _origin() -> tuple[str, str]:
    """Of what a service does without a call or a domain event that would say where it began."""
    return correlation_id() or new_correlation_id(), current_traceparent()


@contextmanager
def _in_its_trace(received: Received) -> Iterator[Received]:
    """What a handler writes continues its own span, and that one the sender's."""
    kind = received.type.rpartition(".")[2]
    with (
        continue_from(received.traceparent, received.correlation_id),
        span(f"process {kind}", "consumer", **{"messaging.system": "kafka", "messaging.message.id": received.id}),
    ):
        log.debug("processing", extra={"type": received.type, "subject": received.subject})
        yield replace(received, traceparent=current_traceparent())


def _sending(topic: str) -> AroundBatch:
    def around(events: Sequence[OutboxEvent]) -> AbstractContextManager[Sequence[str]]:
        attributes = {"messaging.system": "kafka", "messaging.destination.name": topic}
        return sending(f"send {topic}", [event.traceparent for event in events], **attributes)

    return around

"""The databases and the broker of a running stack, for commands that look into a service's inbox and outbox."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from domain_kit.backbone import ParkedEvent
from event_backbone import redrive, replay
from local_stack.platform_processes import SERVICES
from local_stack.readiness import LOOPBACK
from local_stack.stack import Stack
from mongo_store import Database, Journal, MongoInbox, MongoOutbox, open_database
from usher_cli.options import CommandFailure


@asynccontextmanager
async def database_of(stack: Stack, service: str) -> AsyncIterator[Database]:
    """The database of one service of a running stack; CommandFailure for an unknown service."""
    if service not in SERVICES:
        raise CommandFailure(f"no service {service}; there are {', '.join(SERVICES)}")
    uri = f"mongodb://{LOOPBACK}:{stack.state().ports['mongodb']}/?replicaSet=secantus&serverSelectionTimeoutMS=3000"
    async with open_database(uri, f"usher_{service}", application="usher-cli") as database:
        yield database


async def parked_events(stack: Stack) -> list[ParkedEvent]:
    """What the consumers of all services have put aside."""
    found: list[ParkedEvent] = []
    for service in SERVICES:
        async with database_of(stack, service) as database:
            inbox = MongoInbox(database)
            for consumer in await inbox.consumers():
                found.extend(await inbox.parked(consumer))
    return found


async def revive(stack: Stack, consumer: str, ids: Sequence[str]) -> int:
    """Make dead domain events of a consumer due again; how many."""
    async with database_of(stack, consumer.partition(".")[0]) as database:
        return await redrive(MongoInbox(database), consumer, ids)


async def publish_again(stack: Stack, service: str, *, subject: str, types: Sequence[str], reset: Sequence[str]) -> int:
    """Publish the event store of a service, after the consumers in `reset` have forgotten it; how many."""
    for consumer in reset:
        async with database_of(stack, consumer.partition(".")[0]) as database:
            await MongoInbox(database).reset(consumer, subject)
    async with database_of(stack, service) as database:
        return await replay(
            MongoOutbox(Journal(database)),
            topic=f"usher.{service}.v1",
            source=f"//usher/{service}",
            brokers=f"{LOOPBACK}:{stack.state().ports['kafka']}",
            subject_prefix=subject,
            types=types,
        )

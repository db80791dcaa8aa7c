"""What operators do with one service's stores: `python -m <service> dead-letters`, `redrive`, `forget`, `replay`."""

import argparse
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from domain_kit.backbone import ParkedEvent
from environment import ServiceSettings
from event_backbone import KafkaBroker, redrive, replay
from mongo_store import Database, Journal, MongoInbox, MongoOutbox

DONE, MISUSED = 0, 2


@dataclass(frozen=True, slots=True)
class Said:
    """What a command prints, a line each, and its exit code."""

    lines: Sequence[str]
    code: int = DONE


@dataclass(frozen=True, slots=True)
class Command:
    """A word after `python -m <service>`: what it does, what it takes, and how it is done.

    run: Refusal where a store is away.
    """

    name: str
    does: str
    takes: Callable[[argparse.ArgumentParser], None]
    run: Callable[[ServiceSettings, Database, argparse.Namespace], Awaitable[Said]]


async def _dead_letters(_: ServiceSettings, database: Database, given: argparse.Namespace) -> Said:
    inbox = MongoInbox(database)
    found = [each for consumer in await inbox.consumers() for each in await inbox.parked(consumer)]
    return Said([_line(each) for each in found if each.dead or given.waiting] or ["no dead letters"])


def _line(each: ParkedEvent) -> str:
    event = each.event
    return json.dumps(
        {
            "consumer": each.consumer, "id": event.id, "type": event.type, "subject": event.subject,
            "version": event.version, "dead": each.dead, "attempts": each.attempts, "reason": each.reason,
        }
    )  # fmt: skip


async def _redrive(settings: ServiceSettings, database: Database, given: argparse.Namespace) -> Said:
    if wrong := _not_ours(settings, given.consumer):
        return wrong
    count = await redrive(MongoInbox(database), given.consumer, given.ids)
    return Said([f"{count} domain events of {given.consumer} will be tried again"])


async def _forget(settings: ServiceSettings, database: Database, given: argparse.Namespace) -> Said:
    if wrong := _not_ours(settings, given.consumer):
        return wrong
    await MongoInbox(database).reset(given.consumer, given.subject)
    return Said([f"{given.consumer} has forgotten what it applied of {given.subject or 'everything'}"])


async def _replay(settings: ServiceSettings, database: Database, given: argparse.Namespace) -> Said:
    count = await replay(
        MongoOutbox(Journal(database)), topic=settings.topic, source=f"//usher/{settings.service}",
        brokers=KafkaBroker.of(settings), subject_prefix=given.subject, types=given.types,
    )  # fmt: skip
    return Said([f"{count} domain events of {settings.service} published again"])


def _not_ours(settings: ServiceSettings, consumer: str) -> Said | None:
    if consumer.partition(".")[0] == settings.service:
        return None
    return Said([f"{consumer} is no consumer of {settings.service}: theirs are {settings.service}.…"], MISUSED)


def _takes_waiting(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--waiting", action="store_true", help="also those that wait for a predecessor or a projection")


def _takes_ids(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("consumer", help="as dead-letters names it, such as search.booking")
    parser.add_argument("ids", nargs="*", help="of domain events; all when none is given")


def _takes_consumer(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("consumer", help="such as search.booking")
    _takes_subject(parser)


def _takes_subject(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--subject", default="", help="only aggregates whose name begins so")


def _takes_types(parser: argparse.ArgumentParser) -> None:
    _takes_subject(parser)
    parser.add_argument("--type", dest="types", action="append", default=[], help="only this type, a full name")


OPERATING = (
    Command("dead-letters", "list domain events that consumers could not apply", _takes_waiting, _dead_letters),
    Command("redrive", "let a consumer try its dead domain events again", _takes_ids, _redrive),
    Command("forget", "let a consumer forget what it has applied, before a replay", _takes_consumer, _forget),
    Command("replay", "publish this service's domain events again, oldest first", _takes_types, _replay),
)

"""`python -m event_backbone.topics` brings topics into the shape operators want; nothing is lost.

Safe to repeat, and beside running services. A topic of another shape gets more partitions and another retention, never
fewer partitions, and no other copies (which is a reassignment, an operator's work).
"""

import argparse
import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.admin.new_partitions import NewPartitions
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from environment import KafkaSettings, SettingsError, read
from event_backbone.broker import BrokerUnavailable
from event_backbone.closing import close_admin
from event_backbone.security import Security, security_of

RETENTION = "retention.ms"
SET_ON_THE_TOPIC = 1  # DYNAMIC_TOPIC_CONFIG in Kafka's protocol
PATIENCE = 30.0  # seconds for all of it


@dataclass(frozen=True, slots=True)
class Shape:
    """How a topic is to be. copies: of each partition, where there are as many brokers."""

    partitions: int
    copies: int
    retention_hours: int

    @property
    def settings(self) -> Mapping[str, str]:
        """As Kafka names them."""
        return {RETENTION: str(self.retention_hours * 3_600_000)}


async def shape_topics(
    brokers: str, names: Sequence[str], shape: Shape, security: Security | None = None
) -> Sequence[str]:
    """Make and change; what was done, a line each, empty when all were so already. BrokerUnavailable."""
    options = security() if security else {}
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers, client_id="usher-topics", **options)
    try:
        async with asyncio.timeout(PATIENCE):
            await admin.start()
            return [*await _make(admin, names, shape), *await _change(admin, names, shape)]
    except (KafkaError, TimeoutError, OSError) as error:
        raise BrokerUnavailable(f"topics: {error!r}") from error
    finally:
        await close_admin(admin)


async def _make(admin: Any, names: Sequence[str], shape: Shape) -> list[str]:
    missing = sorted(set(names) - set(await admin.list_topics()))
    if not missing:
        return []
    copies = min(shape.copies, len((await admin.describe_cluster())["brokers"]))
    wanted = [NewTopic(name, shape.partitions, copies, topic_configs=dict(shape.settings)) for name in missing]
    for topic, code, *_ in (await admin.create_topics(wanted)).topic_errors:
        if code not in (0, TopicAlreadyExistsError.errno):
            raise for_code(code)(topic)
    return [f"{name}: made" for name in missing]


async def _change(admin: Any, names: Sequence[str], shape: Shape) -> list[str]:
    done = []
    for topic in await admin.describe_topics(list(names)):
        name, now = topic["topic"], len(topic["partitions"])
        if 0 < now < shape.partitions:
            await admin.create_partitions({name: NewPartitions(shape.partitions)})
            done.append(f"{name}: {shape.partitions} partitions instead of {now}")
        own = await _own_settings(admin, name)
        if dict(shape.settings).items() - own.items():
            # Kafka forgets what is not named again.
            wanted = ConfigResource(ConfigResourceType.TOPIC, name, {**own, **shape.settings})
            for answer in await admin.alter_configs([wanted]):
                _raise_for(answer)
            done.append(f"{name}: kept {shape.retention_hours} hours")
    return done


async def _own_settings(admin: Any, name: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for answer in await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)]):
        _raise_for(answer)
        for *_, entries in answer.resources:
            found |= {key: value for key, value, _, source, *_ in entries if source == SET_ON_THE_TOPIC}
    return found


def _raise_for(answer: Any) -> None:
    for code, message, *_ in answer.resources:
        if code:
            raise for_code(code)(message)


def main() -> None:
    """Read the command line and USHER_KAFKA_…, say what was done."""
    parser = argparse.ArgumentParser(prog="python -m event_backbone.topics", description=__doc__)
    parser.add_argument("topics", nargs="+", metavar="TOPIC")
    for option in ("partitions", "copies", "retention-hours"):
        parser.add_argument(f"--{option}", type=int, required=True)
    options = parser.parse_args()
    shape = Shape(options.partitions, options.copies, options.retention_hours)
    try:
        settings = read(KafkaSettings, os.environ)
        done = asyncio.run(shape_topics(settings.kafka_brokers, options.topics, shape, security_of(settings)))
    except SettingsError as wrong:
        raise SystemExit(str(wrong)) from None
    except BrokerUnavailable as error:
        raise SystemExit(f"{settings.kafka_brokers} cannot be used: {error}") from None
    print("\n".join(done) or "All topics are as they should be.")  # noqa: T201 a command


if __name__ == "__main__":
    main()

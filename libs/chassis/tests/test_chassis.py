"""The parts every service is built on are connected, named, and need the database alone."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Iterator

import pytest

from chassis import Chassis, open_chassis
from chassis import chassis as parts
from domain_kit.ids import new_id
from domain_kit.refusals import Unavailable
from environment import ServiceSettings, SettingsError
from event_backbone import BrokerUnavailable, KafkaBroker, Subscription
from telemetry import Metrics
from testkit.engines import mongo_engine


@pytest.fixture(scope="module")
def mongo() -> Iterator[str]:
    with mongo_engine() as uri:
        yield uri


def settings(mongodb: str, brokers: str = "127.0.0.1:1") -> ServiceSettings:
    return ServiceSettings(
        service=f"jars_{new_id()}", mongodb_uri=mongodb, kafka_brokers=brokers, page_token_key=b"k" * 32
    )


@pytest.fixture
async def chassis(mongo: str) -> AsyncIterator[Chassis]:
    async with open_chassis(settings(mongo), Metrics("jars")) as chassis:
        yield chassis


async def test_a_service_has_a_relay_and_a_consumer_for_each_subscription(chassis):
    subscriptions = [Subscription(f"jars.{name}", [f"usher.{name}.v1"], {}) for name in ("event", "booking")]
    assert [each.name for each in chassis.workers(*subscriptions)] == [
        "relay", "consumer jars.event", "consumer jars.booking",
    ]  # fmt: skip


async def test_a_service_without_domain_events_of_its_own_has_no_relay(chassis):
    assert [each.name for each in chassis.workers(publishes=False)] == []


async def test_only_the_database_decides_whether_a_service_serves(chassis):
    """INVARIANT: a broker that is away stops nothing; domain events wait in the journal."""
    health = {check.name: check for check in chassis.health}
    assert {name: check.required for name, check in health.items()} == {"mongodb": True, "kafka": False}
    await health["mongodb"].check()
    assert await health["kafka"].check() is False


async def test_one_broker_that_listens_is_enough(mongo):
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        async with open_chassis(settings(mongo, f"127.0.0.1:1, 127.0.0.1:{port}"), Metrics("jars")) as chassis:
            assert await chassis.health[1].check() is True


async def test_the_keys_that_verified_last_are_there_for_the_next_process(chassis):
    assert await chassis.key_cache.load() is None
    for keys in (b'{"keys": []}', b'{"keys": [{}]}'):
        await chassis.key_cache.save(keys)
        assert await chassis.key_cache.load() == keys


async def test_without_a_database_nothing_is_built():
    with pytest.raises(Unavailable):
        async with open_chassis(settings("mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200"), Metrics("jars")):
            pass


async def test_a_broker_that_is_logged_in_to_is_asked_whole_and_seldom(mongo, monkeypatch):
    """A connection that is dropped before the login counts as an attack there."""
    asked = []

    async def ensure_topics(_self, topics):
        asked.append(topics)

    monkeypatch.setattr(KafkaBroker, "ensure_topics", ensure_topics)
    secured = dataclasses.replace(settings(mongo), kafka_security="SASL_PLAINTEXT", kafka_user="u", kafka_password="p")
    async with open_chassis(secured, Metrics("jars")) as chassis:
        check = chassis.health[1].check
        assert [await check(), await check()] == [True, True]
        assert len(asked) == 1
        monkeypatch.setattr(parts, "LOGIN_SECONDS", 0.0)
        again = chassis.health[1].check
        assert [await again(), await again()] == [True, True]
        assert len(asked) == 3

        async def refused(_self, topics):
            raise BrokerUnavailable("login")

        monkeypatch.setattr(KafkaBroker, "ensure_topics", refused)
        assert await again() is False


async def test_certificates_of_kafka_that_cannot_be_used_stop_the_start(mongo):
    secured = dataclasses.replace(settings(mongo), kafka_security="SSL", kafka_ca_file="/nowhere.pem")
    with pytest.raises(SettingsError, match="USHER_KAFKA_CA_FILE cannot be used: No such file or directory"):
        async with open_chassis(secured, Metrics("jars")):
            pass

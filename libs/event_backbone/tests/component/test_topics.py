"""Topics are brought into shape on a real Kafka wire, as often as one likes."""

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from event_backbone import BrokerUnavailable, ensure_topics
from event_backbone.topics import RETENTION, Shape, _own_settings, shape_topics

NAMES = ["usher.one.v1", "usher.two.v1"]


async def found(brokers):
    """Partitions and retention of each of NAMES that is there."""
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    try:
        topics = [topic for topic in await admin.describe_topics(NAMES) if topic["partitions"]]
        return {
            topic["topic"]: (len(topic["partitions"]), (await _own_settings(admin, topic["topic"])).get(RETENTION))
            for topic in topics
        }
    finally:
        await admin.close()


async def test_missing_topics_are_made_others_grow_and_a_second_time_nothing_is_done(engine):
    await ensure_topics(engine.brokers, {NAMES[0]: 2})
    done = await shape_topics(engine.brokers, NAMES, Shape(partitions=3, copies=3, retention_hours=2))
    assert done == [f"{NAMES[1]}: made", f"{NAMES[0]}: 3 partitions instead of 2", f"{NAMES[0]}: kept 2 hours"]
    assert await found(engine.brokers) == dict.fromkeys(NAMES, (3, "7200000"))
    assert await shape_topics(engine.brokers, NAMES, Shape(partitions=3, copies=3, retention_hours=2)) == []


async def test_partitions_are_never_taken_away(engine):
    await shape_topics(engine.brokers, NAMES, Shape(partitions=4, copies=1, retention_hours=1))
    await shape_topics(engine.brokers, NAMES, Shape(partitions=2, copies=1, retention_hours=1))
    assert {partitions for partitions, _ in (await found(engine.brokers)).values()} == {4}


async def test_a_broker_that_is_away_is_said_to_be_so():
    with pytest.raises(BrokerUnavailable, match="topics"):
        await shape_topics("127.0.0.1:1", NAMES, Shape(1, 1, 1))

"""Relay and consumer on a real Kafka wire that is killed, taken away and brought back."""

import asyncio
import time
from contextlib import AsyncExitStack

import pytest

from event_backbone import BrokerUnavailable, KafkaBroker, ensure_topics, replay
from event_backbone.broker import Outgoing

TOPIC, SOURCE = "usher.booking.v1", "//usher/booking"


async def test_a_domain_event_reaches_its_handler_within_tens_of_milliseconds(
    engine, store, listener, relay_of, consumer_of, running, eventually
):
    relay = relay_of(store, engine.brokers, poll_seconds=20.0, lease_seconds=90.0)
    async with running(relay, consumer_of(listener, engine.brokers)):
        await store.commit("bookings/first")
        await eventually(lambda: listener.applied)
        took = []
        for number in range(10):
            await asyncio.sleep(0.02)
            began = time.monotonic()
            await store.commit(f"bookings/{number}")
            await eventually(lambda number=number: (f"bookings/{number}", 1) in listener.applied)
            took.append(time.monotonic() - began)
        assert min(took) < 0.06, took  # the least, since other tests share the machine


async def test_a_broker_killed_again_and_again_costs_no_domain_event_and_repeats_none(
    engine, store, listener, relay_of, consumer_of, running, eventually
):
    """INVARIANT: every committed domain event is applied exactly once, in order, though the broker loses records."""
    async with running(relay_of(store, engine.brokers), consumer_of(listener, engine.brokers)):
        committed = 0
        for _ in range(3):
            for number in range(60):
                await store.commit(f"bookings/{number % 9}")
                committed += 1
                await asyncio.sleep(0.005)
            engine.kill()
            for number in range(10):
                await store.commit(f"bookings/{number % 9}")
                committed += 1
            await asyncio.to_thread(engine.start)
        await eventually(lambda: len(set(listener.applied)) == committed, 30.0)
        await eventually(lambda: store.journal.published)
    assert len(listener.applied) == committed
    for number in range(9):
        versions = listener.versions(f"bookings/{number}")
        assert versions == sorted(versions)


async def test_a_consumer_that_was_away_during_the_loss_misses_nothing(
    engine, store, listener, relay_of, consumer_of, running, eventually
):
    async with running(relay_of(store, engine.brokers), consumer_of(listener, engine.brokers)):
        for number in range(30):
            await store.commit(f"bookings/{number % 5}")
        await eventually(lambda: len(listener.applied) == 30)
    engine.kill()
    engine.wipe()
    await asyncio.to_thread(engine.start)
    async with running(relay_of(store, engine.brokers)):
        for number in range(30):
            await store.commit(f"bookings/{number % 5}")
        await eventually(lambda: store.journal.published)
    async with running(consumer_of(listener, engine.brokers)):
        await eventually(lambda: len(listener.applied) == 60, 20.0)
    assert len(set(listener.applied)) == 60


async def test_while_the_broker_is_away_the_outbox_grows_and_afterwards_everything_arrives(
    engine, store, listener, relay_of, consumer_of, running, eventually
):
    async with running(relay_of(store, engine.brokers), consumer_of(listener, engine.brokers)):
        await store.commit("bookings/0")
        await eventually(lambda: listener.applied)
        engine.kill()
        for number in range(100):
            await store.commit(f"bookings/{number}")
            await asyncio.sleep(0.05)
        assert len(await store.outbox.pending(1000)) >= 100
        await asyncio.to_thread(engine.start)
        await eventually(lambda: len(listener.applied) == 101, 20.0)
    assert len(set(listener.applied)) == 101


async def test_two_members_share_the_partitions_and_one_takes_over_when_the_other_leaves(
    engine, store, listener, new_listener, relay_of, consumer_of, running, eventually
):
    other = new_listener()
    other.inbox = listener.inbox
    async with running(relay_of(store, engine.brokers), consumer_of(other, engine.brokers)):
        async with running(consumer_of(listener, engine.brokers)):

            async def both_had_some():
                for number in range(20):
                    await store.commit(f"bookings/{number}")
                await asyncio.sleep(0.2)
                return listener.applied and other.applied

            await eventually(both_had_some, 20.0)
        for number in range(20):
            await store.commit(f"bookings/{number}")
        total = sum(store.versions.values())
        await eventually(lambda: len(set(listener.applied) | set(other.applied)) == total, 20.0)
    for number in range(20):
        mine, others = listener.versions(f"bookings/{number}"), other.versions(f"bookings/{number}")
        assert mine == sorted(mine)
        assert others == sorted(others)


async def test_a_replay_feeds_a_new_consumer_on_an_empty_broker(
    engine, store, listener, new_listener, relay_of, consumer_of, running, eventually
):
    for number in range(50):
        await store.commit(f"bookings/{number % 3}")
    await ensure_topics(engine.brokers, {TOPIC: 3})
    assert await replay(store.outbox, topic=TOPIC, source=SOURCE, brokers=engine.brokers) == 50
    async with running(consumer_of(listener, engine.brokers)):
        await eventually(lambda: len(listener.applied) == 50)


async def test_junk_in_the_topic_is_a_dead_letter(engine, store, listener, relay_of, consumer_of, running, eventually):
    await ensure_topics(engine.brokers, {TOPIC: 1})
    broker = KafkaBroker(engine.brokers)
    async with broker.writer() as writer:
        await writer.send([Outgoing(TOPIC, None, b"", ()), Outgoing(TOPIC, b"k", b"\xff", (("ce_id", b"\xff"),))])
    async with running(relay_of(store, engine.brokers), consumer_of(listener, engine.brokers)):
        await store.commit("bookings/a")
        await eventually(lambda: listener.applied)
    async with broker.reader("inspection", ["usher.dead-letters.v1"]) as reader:
        letters = []

        async def both():
            letters.extend(await reader.read(0.2, 10))
            return len(letters) == 2

        await eventually(both)
    assert {dict(letter.headers)["dead-letter-reason"][:11] for letter in letters} == {b"UNDECODABLE"}


async def test_stopping_is_bounded_though_the_broker_is_gone(
    engine, store, listener, relay_of, consumer_of, running, eventually
):
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(running(relay_of(store, engine.brokers), consumer_of(listener, engine.brokers)))
        await store.commit("bookings/a")
        await eventually(lambda: listener.applied)
        engine.kill()
        await store.commit("bookings/a")
        await asyncio.sleep(0.3)
        began = time.monotonic()
    assert time.monotonic() - began < 8.0


async def test_a_broker_that_was_never_there_is_reported_and_leaves_nothing_open(store, engine):
    engine.kill()
    broker = KafkaBroker(engine.brokers, timeout=0.5)
    for opening in (broker.writer(), broker.reader("g", [TOPIC])):
        with pytest.raises(BrokerUnavailable):
            async with opening:
                pass
    with pytest.raises(BrokerUnavailable):
        await ensure_topics(broker, {TOPIC: 1})

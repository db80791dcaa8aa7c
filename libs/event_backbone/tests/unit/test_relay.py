"""The relay publishes what was committed, in order, and one process of a service does it."""

import asyncio
import time
from contextlib import contextmanager

import pytest

from domain_kit.clock import utc_now
from event_backbone.metrics import Silence

TOPIC = "usher.booking.v1"


def sent(broker):
    return [(record.key.decode(), dict(record.headers)["ce_aggregateversion"]) for record in broker.records(TOPIC)]


async def test_domain_events_of_an_aggregate_are_published_in_version_order(
    store, broker, relay_of, running, eventually
):
    await store.commit("bookings/a", "held", "confirmed")
    await store.commit("bookings/b", "held")
    await store.commit("bookings/a", "cancelled")
    async with running(relay_of(store, broker)):
        await eventually(lambda: len(sent(broker)) == 4)
        assert [version for key, version in sent(broker) if key == "bookings/a"] == [b"1", b"2", b"3"]
        await eventually(lambda: store.journal.published)


async def test_a_commit_wakes_the_relay_at_once(store, broker, relay_of, running, eventually):
    async with running(relay_of(store, broker, poll_seconds=30.0, lease_seconds=60.0)):
        await eventually(lambda: TOPIC in broker.logs)
        await asyncio.sleep(0.05)
        began = time.monotonic()
        await store.commit("bookings/a")
        await eventually(lambda: sent(broker))
        assert time.monotonic() - began < 0.5


async def test_of_two_relays_one_publishes_and_the_other_takes_over(store, broker, relay_of, running, eventually):
    async with running(relay_of(store, broker), relay_of(store, broker)):
        for number in range(20):
            await store.commit(f"bookings/{number}")
        await eventually(lambda: len(sent(broker)) == 20)
        await asyncio.sleep(0.2)
        assert len(sent(broker)) == 20
    # The leader gave its lease back: the next one need not wait for it to end.
    async with running(relay_of(store, broker, lease_seconds=30.0)):
        await store.commit("bookings/after")
        await eventually(lambda: len(sent(broker)) == 21, 2.0)


async def test_while_the_broker_is_down_the_outbox_keeps_everything(store, broker, relay_of, running, eventually):
    broker.down = True
    async with running(relay_of(store, broker)):
        for number in range(10):
            await store.commit(f"bookings/{number}")
        await asyncio.sleep(0.1)
        assert len(await store.outbox.pending(100)) == 10
        broker.down = False
        await eventually(lambda: len(sent(broker)) == 10)


async def test_stopping_ends_the_relay_without_an_error(store, broker, relay_of):
    relay = relay_of(store, broker)
    task = asyncio.create_task(relay.run())
    await asyncio.sleep(0.05)
    relay.stop()
    await asyncio.wait_for(task, 1.0)


async def test_a_store_that_fails_for_a_while_only_delays(store, broker, relay_of, running, eventually, monkeypatch):
    failures = iter([OSError("no store")] * 3)
    pending = store.outbox.pending

    async def sometimes(limit):
        for failure in failures:
            raise failure
        return await pending(limit)

    monkeypatch.setattr(store.outbox, "pending", sometimes)
    await store.commit("bookings/a")
    async with running(relay_of(store, broker)):
        await eventually(lambda: sent(broker))


@pytest.mark.parametrize("keep", [0, 3])
async def test_lost_records_are_published_again_beyond_every_offset_a_consumer_can_have(
    store, broker, relay_of, running, eventually, keep
):
    async with running(relay_of(store, broker, partitions=1)):
        for _ in range(10):
            await store.commit("bookings/a")
        await eventually(lambda: len(sent(broker)) == 10)
        await eventually(lambda: store.journal.published)
        broker.lose(TOPIC, keep)
        await eventually(lambda: len(broker.records(TOPIC)) > 11 and store.journal.published)
    control = [record for record in broker.records(TOPIC) if record.key is None]
    again = [record for record in broker.records(TOPIC) if record.key is not None and record.offset >= keep]
    # INVARIANT: a consumer that had read to offset 10 finds a control record or a domain event at or after it.
    assert max(record.offset for record in control) >= 10
    assert min(record.offset for record in again) > max(record.offset for record in control)
    assert [dict(record.headers)["ce_aggregateversion"] for record in again] == [b"%d" % n for n in range(1, 11)]


async def test_a_loss_is_noticed_by_the_offsets_of_a_batch(store, broker, relay_of, running, eventually):
    async with running(relay_of(store, broker, partitions=1, check_seconds=60.0)):
        for _ in range(5):
            await store.commit("bookings/a")
        await eventually(lambda: len(sent(broker)) == 5)
        await eventually(lambda: store.journal.published)
        broker.lose(TOPIC)
        await store.commit("bookings/a")
        await eventually(lambda: len(broker.records(TOPIC)) == 12)
    versions = [int(dict(r.headers)["ce_aggregateversion"]) for r in broker.records(TOPIC) if r.key and r.offset > 5]
    assert [record.offset for record in broker.records(TOPIC) if not record.key] == [1, 2, 3, 4, 5]
    assert versions == [1, 2, 3, 4, 5, 6]


async def test_padding_goes_beyond_what_a_consumer_group_has_committed(store, broker, relay_of, running, eventually):
    await broker.ensure_topics({TOPIC: 1})
    broker._groups["a consumer"][TOPIC, 0] = 50  # of an earlier refill, whose control records were lost too
    async with running(relay_of(store, broker, partitions=1)):
        await store.commit("bookings/a")
        await eventually(lambda: store.journal.published)
        broker.lose(TOPIC)
        await eventually(lambda: broker.records(TOPIC) and broker.records(TOPIC)[-1].offset > 50)


async def test_each_domain_event_is_sent_with_what_surrounds_its_batch_says(
    store, broker, relay_of, running, eventually
):
    @contextmanager
    def around(events):
        yield [f"below {event.traceparent}" for event in events]

    await store.commit("bookings/a", traceparent="00-a-b-01")
    async with running(relay_of(store, broker, around=around)):
        await eventually(lambda: sent(broker))
    assert [dict(record.headers)["traceparent"] for record in broker.records(TOPIC)] == [b"below 00-a-b-01"]


async def test_published_domain_events_are_counted_with_their_delay(store, broker, relay_of, running, eventually):
    class Counting(Silence):
        def published(self, topic, events, oldest_seconds):
            told.append((topic, events, 0 <= oldest_seconds < 60))

    told = []
    store.journal.clock = utc_now
    await store.commit("bookings/a", "held", "confirmed")
    async with running(relay_of(store, broker, metrics=Counting())):
        await eventually(lambda: told)
    assert told == [(TOPIC, 2, True)]

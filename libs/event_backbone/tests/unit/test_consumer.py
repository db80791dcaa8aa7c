"""A consumer hands each domain event of an aggregate to its handler in order, once, and goes on past trouble."""

import asyncio
import dataclasses
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest

from domain_kit.refusals import Aborted, FailedPrecondition, ResourceExhausted, Unavailable
from event_backbone import DEAD_LETTER_TOPIC, NotYet, redrive, replay
from event_backbone.broker import Outgoing
from event_backbone.metrics import Silence
from event_backbone.records import encode_event

TOPIC, SOURCE = "usher.booking.v1", "//usher/booking"


async def put(broker, store, *, only=lambda event: True, order=lambda event: 0):
    """What the relay would publish, in an order of one's own."""
    await broker.ensure_topics({TOPIC: 4})
    events = [event async for event in store.outbox.everything() if only(event)]
    for event in sorted(events, key=order):
        broker.append(encode_event(event, topic=TOPIC, source=SOURCE))


def reasons(broker):
    return [dict(record.headers)["dead-letter-reason"].decode() for record in broker.records(DEAD_LETTER_TOPIC)]


async def test_domain_events_reach_their_handler_in_order_and_with_their_attributes(
    store, listener, broker, consumer_of, running, eventually
):
    await store.commit("bookings/a", "held", "confirmed", correlation_id="c1", traceparent="00-a-b-01")
    seen = []

    async def handle(message, received):
        seen.append((message.value, received.version, received.correlation_id, received.traceparent))
        assert received.cause("search.bookings").key == f"search.bookings|{received.id}"
        assert received.cause("search.bookings").actor == "services/search"

    listener.handle = handle
    await put(broker, store)
    async with running(consumer_of(listener, broker)):
        await eventually(lambda: len(seen) == 2)
    assert seen == [("held", 1, "c1", "00-a-b-01"), ("confirmed", 2, "c1", "00-a-b-01")]


async def test_a_repeated_domain_event_is_handled_once(store, listener, broker, consumer_of, running, eventually):
    await store.commit("bookings/a", "one", "two")
    await put(broker, store)
    async with running(consumer_of(listener, broker)):
        await eventually(lambda: len(listener.applied) == 2)
        listener.inbox.park = None  # a repetition is dropped, not put aside
        await put(broker, store)
        await store.commit("bookings/a", "three")
        await put(broker, store)
        await eventually(lambda: len(listener.applied) == 3)
    assert listener.calls == [("bookings/a", 1), ("bookings/a", 2), ("bookings/a", 3)]


async def test_after_a_gap_the_later_ones_wait_for_their_predecessor(
    store, listener, broker, consumer_of, running, eventually
):
    await store.commit("bookings/a", "one", "two", "three", "four")
    await store.commit("bookings/b", "one")
    await put(broker, store, only=lambda event: event.version != 2)
    async with running(consumer_of(listener, broker)):
        await eventually(lambda: len(listener.applied) == 2)
        parked = await listener.inbox.parked("search.bookings")
        assert [(each.event.version, each.dead, each.reason) for each in parked] == [
            (3, False, "PREDECESSOR_MISSING"),
            (4, False, "PREDECESSOR_MISSING"),
        ]
        await put(broker, store, only=lambda event: event.version == 2)
        await eventually(lambda: listener.versions("bookings/a") == [1, 2, 3, 4])
        await eventually(lambda: not listener.inbox._parked)


async def test_domain_events_in_reverse_order_are_handled_in_order(
    store, listener, broker, consumer_of, running, eventually
):
    for number in range(5):
        await store.commit(f"bookings/{number}", *"abcdefgh")
    await put(broker, store, order=lambda event: -event.version)
    async with running(consumer_of(listener, broker, batch=3)):
        await eventually(lambda: len(listener.applied) == 40)
    assert all(listener.versions(f"bookings/{number}") == list(range(1, 9)) for number in range(5))


async def test_a_failing_domain_event_becomes_a_dead_letter_and_blocks_only_its_aggregate_until_a_redrive(
    store, listener, broker, consumer_of, running, eventually
):
    await store.commit("bookings/a", "one", "two", "three")
    await store.commit("bookings/b", "one", "two")
    listener.fail["bookings/a", 2] = FailedPrecondition("BOOKING_ODD", "It is odd.")
    await put(broker, store)
    async with running(consumer_of(listener, broker)):
        await eventually(lambda: broker.records(DEAD_LETTER_TOPIC))
        await eventually(lambda: listener.versions("bookings/b") == [1, 2])
        dead, waiting = await listener.inbox.parked("search.bookings")
        assert (dead.event.version, dead.dead, dead.attempts) == (2, True, 1)
        assert (waiting.event.version, waiting.dead) == (3, False)
        assert listener.calls.count(("bookings/a", 2)) == 3
        assert reasons(broker) == ["BOOKING_ODD: It is odd."]
        headers = dict(broker.records(DEAD_LETTER_TOPIC)[0].headers)
        assert (headers["ce_id"], headers["dead-letter-consumer"]) == (dead.event.id.encode(), b"search.bookings")

        await asyncio.sleep(0.7)  # a waiting one would have been tried again by now
        assert listener.calls.count(("bookings/a", 2)) == 3
        listener.fail.clear()
        assert await redrive(listener.inbox, "search.bookings") == 1
        await eventually(lambda: listener.versions("bookings/a") == [1, 2, 3])
        await eventually(lambda: not listener.inbox._parked)


async def test_not_yet_waits_and_is_tried_again_without_a_dead_letter(
    store, listener, broker, consumer_of, running, eventually
):
    await store.commit("bookings/a", "one", "two")
    listener.fail["bookings/a", 1] = NotYet("events/x has not arrived")
    await put(broker, store)
    async with running(consumer_of(listener, broker)):
        await eventually(lambda: len(listener.inbox._parked) == 2)
        assert listener.applied == []
        listener.fail.clear()
        await eventually(lambda: listener.versions("bookings/a") == [1, 2])
        await eventually(lambda: not listener.inbox._parked)
    assert not broker.records(DEAD_LETTER_TOPIC)


@pytest.mark.parametrize(
    "trouble",
    [
        Unavailable("STORE_UNAVAILABLE", "It does not answer."),
        Aborted("WRITE_CONFLICT", "Others were first."),
        ResourceExhausted("LANE_FULL", "Too many wait.", retry_after=timedelta(seconds=1)),
    ],
)
async def test_what_passes_by_itself_is_no_reason_for_a_dead_letter(
    store, listener, broker, consumer_of, running, eventually, trouble
):
    await store.commit("bookings/a")
    listener.fail["bookings/a", 1] = trouble
    await put(broker, store)
    async with running(consumer_of(listener, broker)):
        await eventually(lambda: listener.inbox._parked)
        listener.fail.clear()
        await eventually(lambda: listener.applied)
    assert not broker.records(DEAD_LETTER_TOPIC)


async def test_a_handler_that_hangs_is_cut_off(store, listener, broker, consumer_of, running, eventually):
    await store.commit("bookings/a")
    await store.commit("bookings/b")
    listener.hold["bookings/a"] = asyncio.Event()
    await put(broker, store)
    async with running(consumer_of(listener, broker, handler_seconds=0.05, tries=1)):
        await eventually(lambda: listener.applied == [("bookings/b", 1)] and listener.inbox._parked)


async def test_a_type_nobody_asked_for_only_moves_the_position(
    store, listener, broker, consumer_of, running, eventually, unknown_message
):
    await store.commit("bookings/a", unknown_message, "two", unknown_message, "four")
    await put(broker, store)
    async with running(consumer_of(listener, broker)):
        await eventually(lambda: listener.versions("bookings/a") == [2, 4])


async def test_a_damaged_payload_is_a_dead_letter_and_a_replay_heals_it(
    store, listener, broker, consumer_of, running, eventually
):
    await store.commit("bookings/a", "one", "two")
    await broker.ensure_topics({TOPIC: 4})
    events = [event async for event in store.outbox.everything()]
    broker.append(encode_event(dataclasses.replace(events[0], payload=b"\xff\xff"), topic=TOPIC, source=SOURCE))
    broker.append(encode_event(events[1], topic=TOPIC, source=SOURCE))
    async with running(consumer_of(listener, broker)):
        await eventually(lambda: reasons(broker))
        assert reasons(broker)[0].startswith("UNDECODABLE")
        assert listener.calls == []
        assert await replay(store.outbox, topic=TOPIC, source=SOURCE, brokers=broker) == 2
        await eventually(lambda: listener.versions("bookings/a") == [1, 2])


async def test_a_record_that_is_no_domain_event_is_a_dead_letter_and_no_crash_loop(
    store, listener, broker, consumer_of, running, eventually
):
    await broker.ensure_topics({TOPIC: 1})
    broker.append(Outgoing(TOPIC, b"bookings/a", b"junk", (("x", b"\xff"),)))
    await store.commit("bookings/a")
    await put(broker, store)
    async with running(consumer_of(listener, broker)):
        await eventually(lambda: listener.applied == [("bookings/a", 1)])
    assert len(broker.records(DEAD_LETTER_TOPIC)) == 1
    assert dict(broker.records(DEAD_LETTER_TOPIC)[0].headers)["dead-letter-origin"] == f"{TOPIC}/0/0".encode()


async def test_aggregates_of_one_batch_are_handled_at_the_same_time(
    store, listener, broker, consumer_of, running, eventually
):
    for name in "abcdef":
        await store.commit(f"bookings/{name}", "one", "two")
        listener.hold[f"bookings/{name}"] = asyncio.Event()
    await put(broker, store)
    async with running(consumer_of(listener, broker, concurrency=4)):
        await eventually(lambda: len(listener.calls) == 4)
        await asyncio.sleep(0.05)
        assert len(listener.calls) == 4
        for hold in listener.hold.values():
            hold.set()
        await eventually(lambda: len(listener.applied) == 12)
    assert all(listener.versions(f"bookings/{name}") == [1, 2] for name in "abcdef")


async def test_a_backlog_is_worked_off_without_the_gap_between_batches(
    store, listener, broker, consumer_of, running, eventually
):
    for number in range(9):
        await store.commit(f"bookings/{number}")
    await put(broker, store)
    async with running(consumer_of(listener, broker, batch=2, gap=30.0)):
        await eventually(lambda: len(listener.applied) == 9)


async def test_positions_of_a_batch_are_raised_in_one_write(
    store, listener, broker, consumer_of, running, eventually, monkeypatch
):
    for number in range(30):
        await store.commit(f"bookings/{number}")
    await put(broker, store)
    writes, advance = [], listener.inbox.advance

    async def counted(consumer, positions, before):
        writes.append(positions)
        await advance(consumer, positions, before)

    monkeypatch.setattr(listener.inbox, "advance", counted)
    async with running(consumer_of(listener, broker)):
        await eventually(lambda: len(listener.applied) == 30)
        await eventually(lambda: broker._groups["search.bookings"])
    assert [len(each) for each in writes] == [30]


async def test_an_inbox_that_fails_for_a_while_loses_and_repeats_nothing(
    store, listener, broker, consumer_of, running, eventually, monkeypatch
):
    failures, positions = iter([Unavailable("STORE_UNAVAILABLE", "away")] * 2), listener.inbox.positions

    async def sometimes(consumer, subjects):
        for failure in failures:
            raise failure
        return await positions(consumer, subjects)

    monkeypatch.setattr(listener.inbox, "positions", sometimes)
    await store.commit("bookings/a", "one", "two")
    await put(broker, store)
    async with running(consumer_of(listener, broker)):
        await eventually(lambda: listener.versions("bookings/a") == [1, 2])


async def test_two_members_of_a_group_share_the_work(
    store, listener, broker, consumer_of, running, eventually, new_listener
):
    other = new_listener()
    other.inbox = listener.inbox
    await broker.ensure_topics({TOPIC: 4})
    async with running(consumer_of(listener, broker), consumer_of(other, broker)):
        await eventually(lambda: len(broker._members["search.bookings"]) == 2)
        for number in range(40):
            await store.commit(f"bookings/{number}", "one", "two")
        await put(broker, store)
        await eventually(lambda: len(listener.applied) + len(other.applied) == 80)
    assert listener.applied
    assert other.applied
    assert not set(listener.applied) & set(other.applied)


async def test_a_reset_inbox_and_a_replay_feed_a_consumer_from_zero(
    store, listener, broker, consumer_of, running, eventually
):
    await store.commit("bookings/a", "one", "two")
    await store.commit("bookings/b", "one")
    await put(broker, store)
    async with running(consumer_of(listener, broker)):
        await eventually(lambda: len(listener.applied) == 3)
        await listener.inbox.reset("search.bookings", "bookings/a")
        assert await replay(store.outbox, topic=TOPIC, source=SOURCE, brokers=broker, subject_prefix="bookings/a") == 2
        await eventually(lambda: listener.versions("bookings/a") == [1, 2, 1, 2])
    assert listener.versions("bookings/b") == [1]


async def test_cancelling_lets_the_batch_in_hand_finish(store, listener, broker, consumer_of, eventually):
    listener.hold["bookings/a"] = asyncio.Event()
    await store.commit("bookings/a")
    await put(broker, store)
    task = asyncio.create_task(consumer_of(listener, broker).run())
    await eventually(lambda: listener.calls)
    task.cancel()
    await asyncio.sleep(0.05)
    listener.hold["bookings/a"].set()
    began = time.monotonic()
    await asyncio.wait({task})
    assert time.monotonic() - began < 1.0
    assert await listener.inbox.positions("search.bookings", ["bookings/a"]) == {"bookings/a": 1}


async def test_the_reason_of_an_unexpected_failure_tells_its_kind_and_nothing_personal(
    store, listener, broker, consumer_of, running, eventually
):
    """INVARIANT: no personal data in a Kafka header, whatever an exception says."""
    await store.commit("bookings/a", "one")
    listener.fail["bookings/a", 1] = KeyError("ada@example.org")
    await put(broker, store)
    async with running(consumer_of(listener, broker)):
        await eventually(lambda: broker.records(DEAD_LETTER_TOPIC))
    assert reasons(broker) == ["UNEXPECTED: KeyError"]


async def test_a_handler_sees_what_surrounds_it_says_it_received(
    store, listener, broker, consumer_of, running, eventually
):
    """So what it writes continues the work of the consumer, and that of who sent the domain event only through it."""
    seen = []

    @contextmanager
    def around(received):
        yield dataclasses.replace(received, traceparent=f"below {received.traceparent}")

    async def handle(message, received):
        seen.append(received.cause("search.bookings").traceparent)

    listener.handle = handle
    await store.commit("bookings/a", traceparent="00-a-b-01")
    await put(broker, store)
    async with running(consumer_of(listener, broker, around=around)):
        await eventually(lambda: seen)
    assert seen == ["below 00-a-b-01"]


async def test_delays_and_dead_letters_are_told(store, listener, broker, consumer_of, running, eventually):
    class Counting(Silence):
        def delayed(self, consumer, seconds):
            told.append((consumer, seconds >= 0))

        def dead_lettered(self, consumer, kind):
            told.append((consumer, kind))

    told = []
    listener.fail["bookings/b", 1] = FailedPrecondition("NO", "never")
    await store.commit("bookings/a")
    await store.commit("bookings/b")
    await put(broker, store)
    broker.append(Outgoing(TOPIC, b"k", b"v", (("ce_id", b"x"),)))
    async with running(consumer_of(listener, broker, metrics=Counting())):
        await eventually(lambda: len(told) == 3)
    name = "search.bookings"
    assert sorted(map(str, told)) == sorted(map(str, [(name, True), (name, "failed"), (name, "undecodable")]))

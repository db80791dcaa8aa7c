"""A consumer passes over what it does not handle without writing, and still misses, repeats and reorders nothing."""

import asyncio
import dataclasses
from contextlib import contextmanager
from datetime import timedelta

import pytest
from google.protobuf.wrappers_pb2 import BoolValue, Int64Value, StringValue
from hypothesis import given, settings
from hypothesis import strategies as st

from domain_kit.backbone import EncodedEvent, InboxEvent, OutboxEvent
from domain_kit.clock import utc_now
from domain_kit.refusals import FailedPrecondition, Unavailable
from domain_kit.trails import BEGINNING
from event_backbone import Subscription
from event_backbone.application import Application
from event_backbone.attempts import Attempts
from event_backbone.broker import Outgoing
from event_backbone.dead_letters import DeadLetters
from event_backbone.metrics import Silence
from event_backbone.records import encode_event
from mongo_store.rows import versioned
from testkit.broker import MemoryBroker
from testkit.memory import MemoryInbox

TOPIC, SOURCE, CONSUMER = "usher.booking.v1", "//usher/booking", "search.bookings"
KINDS = {"s": StringValue, "b": BoolValue, "i": Int64Value}


def history(subject, letters, trail=BEGINNING):
    """The domain events of an aggregate: "sib" are three of three types."""
    encoded = [EncodedEvent(KINDS[each].DESCRIPTOR.full_name, KINDS[each]().SerializeToString()) for each in letters]
    return [
        InboxEvent(
            f"{subject}-{each.version}", each.event.type, SOURCE, subject, each.version, utc_now(),
            each.event.payload, "", "", each.trail,
        )
        for each in versioned(encoded, subject, 0, trail)[0]
    ]  # fmt: skip


class Rig:
    """An application whose process may die: `start` begins with what the inbox holds, as a new process does."""

    def __init__(self, handled="sb"):
        self.handled, self.inbox, self.seen, self.fail = handled, MemoryInbox(), [], {}
        self.now = utc_now()
        self.start()

    def start(self):
        subscription = Subscription(CONSUMER, [TOPIC], {KINDS[each]: self._handle for each in self.handled})
        attempts = Attempts(subscription, Silence(), tries=1)
        letters = DeadLetters(MemoryBroker(), CONSUMER)
        self.application = Application(
            CONSUMER, self.inbox, attempts, letters, Silence(), lambda: self.now, concurrency=4
        )  # fmt: skip

    async def _handle(self, _message, received):
        error = self.fail.pop((received.subject, received.version), None)
        if error is not None:
            raise error
        self.seen.append((received.subject, received.version))

    async def apply(self, events):
        await self.application.apply(events)

    async def settle(self):
        """What waits is tried again when its time has come."""
        for _ in range(12):
            self.now += timedelta(minutes=1)
            await self.inbox.revive(CONSUMER)
            await self.application.sweep()

    def first_calls(self, subject):
        return list(dict.fromkeys(self.versions(subject)))

    def versions(self, subject):
        return [version for name, version in self.seen if name == subject]


@contextmanager
def unwritten(inbox):
    """Positions do not get there."""

    async def fail(*_):
        raise Unavailable("DIED", "before the positions were written")

    inbox.advance = fail
    try:
        yield
    finally:
        del inbox.advance


HISTORIES = st.lists(st.text("sbi", min_size=1, max_size=12), min_size=1, max_size=3)


@settings(max_examples=200, deadline=None)
@given(histories=HISTORIES, data=st.data(), trails=st.lists(st.booleans(), min_size=3, max_size=3))
def test_every_handled_one_is_applied_once_and_in_order_in_whatever_order_they_come(histories, data, trails):
    """INVARIANT: however a broker delivers, and wherever a process dies, handlers see each once and in version order.

    Dying after a handler and before the position is written repeats a call; handlers answer that by its cause.
    """
    lives = {}
    for number, letters in enumerate(histories):
        lives[f"b/{number}"] = history(f"b/{number}", letters, BEGINNING if trails[number] else None)
    everything = [event for life in lives.values() for event in life]
    order = data.draw(st.permutations(everything))
    order += data.draw(st.lists(st.sampled_from(everything), max_size=10))  # repeats
    order += data.draw(st.permutations(everything)) if data.draw(st.booleans()) else []  # a replay
    cuts = data.draw(st.lists(st.integers(1, 6), min_size=len(order), max_size=len(order)))
    deaths = data.draw(st.booleans())  # before positions are written
    trouble = data.draw(st.lists(st.sampled_from(everything), max_size=4))

    async def deliver():
        rig = Rig()
        rig.fail = {(each.subject, each.version): Unavailable("AWAY", "x") for each in trouble}
        left = list(order)
        for size in cuts:
            if not left:
                break
            if deaths and data.draw(st.integers(0, 5)) == 0:
                with pytest.raises(Unavailable), unwritten(rig.inbox):
                    await rig.apply(left[:size])
                    raise Unavailable("DIED", "before the offsets were committed")
                rig.start()
            await rig.apply(left[:size])
            left = left[size:]
            if data.draw(st.booleans()):
                rig.start()
                await rig.application.sweep()
        await rig.settle()
        return rig

    rig = asyncio.run(deliver())
    for number, letters in enumerate(histories):
        wanted = [version for version, letter in enumerate(letters, 1) if letter in rig.handled]
        assert rig.first_calls(f"b/{number}") == wanted
        if not deaths:
            assert rig.versions(f"b/{number}") == wanted
    assert not asyncio.run(rig.inbox.parked(CONSUMER)) or all(
        not trails[int(each.event.subject[2:])] for each in asyncio.run(rig.inbox.parked(CONSUMER))
    )


async def test_what_nobody_handles_costs_neither_a_look_nor_a_write():
    rig = Rig()

    async def never(*_):
        raise AssertionError("the inbox was asked")

    rig.inbox.positions = rig.inbox.advance = rig.inbox.park = never
    await rig.apply([event for number in range(50) for event in history(f"b/{number}", "iii")])


async def test_a_gap_of_what_nobody_handles_is_no_gap():
    rig = Rig("s")
    first, *_, last = history("b/1", "sibibis")
    await rig.apply([first])
    await rig.apply([last])
    assert rig.versions("b/1") == [1, 7]
    assert await rig.inbox.positions(CONSUMER, ["b/1"]) == {"b/1": 7}


async def test_a_gap_that_hides_one_that_is_handled_waits_for_it():
    rig = Rig("s")
    one, _, three, _, five = history("b/1", "sisis")
    await rig.apply([one, five])
    assert rig.versions("b/1") == [1]
    await rig.apply([three])
    assert rig.versions("b/1") == [1, 3, 5]


async def test_behind_a_dead_one_nothing_is_passed_over():
    rig = Rig("s")
    rig.fail["b/1", 1] = FailedPrecondition("ODD", "x")
    await rig.apply(history("b/1", "sis"))
    assert rig.versions("b/1") == []
    await rig.settle()
    assert rig.versions("b/1") == [1, 3]


async def test_a_replay_heals_one_without_a_trail_behind_one_that_was_passed_over():
    """Such as an aggregate that an older release has changed in between."""
    rig = Rig("s")
    one, two = history("b/1", "is")
    await rig.apply([one, dataclasses.replace(two, trail=None)])
    assert rig.versions("b/1") == []
    await rig.apply([one])
    assert rig.versions("b/1") == [2]


@pytest.mark.parametrize("before", ["s", "si"])
async def test_a_release_that_handles_more_reads_again_what_the_one_before_passed_over(
    before, listener, new_listener, broker, running, eventually, consumer_of
):
    """INVARIANT: what follows does not wait for ever for a domain event that an older release had no handler for."""
    await broker.ensure_topics({TOPIC: 1})

    def put(event):
        sent = encode_event(outgoing(event), topic=TOPIC, source=SOURCE)
        broker.append(sent)

    life = history("bookings/a", "sisi")
    listener.subscription = lambda name: subscription_of(listener, before)
    for event in life[:2]:
        put(event)
    async with running(consumer_of(listener, broker)):
        await eventually(lambda: broker._groups[CONSUMER].get((TOPIC, 0)) == 2)
    newer = new_listener()
    newer.inbox = listener.inbox
    newer.subscription = lambda name: subscription_of(newer, "si")
    for event in life[2:]:
        put(event)
    async with running(consumer_of(newer, broker)):
        await eventually(lambda: newer.versions("bookings/a")[-2:] == [3, 4])
    assert newer.versions("bookings/a") == ([2, 3, 4] if before == "s" else [3, 4])
    assert listener.versions("bookings/a") == ([1] if before == "s" else [1, 2])


def subscription_of(listener, letters):
    return Subscription(CONSUMER, [TOPIC], {KINDS[each]: listener.handle for each in letters})


def outgoing(event):
    names = [field.name for field in dataclasses.fields(OutboxEvent) if field.name not in ("row", "index")]
    return OutboxEvent(**{name: getattr(event, name) for name in names}, row="", index=0)


async def test_what_nobody_handles_is_not_even_decoded_where_its_successors_tell_of_it(
    store, listener, broker, consumer_of, running, eventually
):
    class Counting(Silence):
        def dead_lettered(self, consumer, kind):
            told.append(kind)

    told = []
    await store.commit("bookings/a")
    await broker.ensure_topics({TOPIC: 4})
    other, trail = ("ce_type", b"usher.booking.v1.Other"), ("ce_aggregatetrail", b"")
    for headers in ((other, trail), (other,), (trail,)):
        broker.append(Outgoing(TOPIC, b"k", b"v", headers))
    for event in [each async for each in store.outbox.everything()]:
        broker.append(encode_event(event, topic=TOPIC, source=SOURCE))
    async with running(consumer_of(listener, broker, metrics=Counting())):
        await eventually(lambda: len(listener.applied) == 1)
        await eventually(lambda: len(told) == 2)
    assert told == ["undecodable", "undecodable"]

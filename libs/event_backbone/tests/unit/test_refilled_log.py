"""A consumer misses nothing of a log that was lost and filled again, and takes nothing twice."""

from contextlib import asynccontextmanager

from domain_kit.refusals import Unavailable
from event_backbone.broker import BrokerUnavailable
from event_backbone.records import encode_event, encode_refill

TOPIC, SOURCE = "usher.booking.v1", "//usher/booking"


async def put(broker, store):
    """What the relay would publish, in one partition."""
    await broker.ensure_topics({TOPIC: 1})
    async for event in store.outbox.everything():
        broker.append(encode_event(event, topic=TOPIC, source=SOURCE))


async def test_a_broker_that_lost_records_costs_no_domain_event_and_repeats_none(
    store, listener, broker, consumer_of, relay_of, running, eventually
):
    async with running(relay_of(store, broker), consumer_of(listener, broker)):
        for number in range(60):
            await store.commit(f"bookings/{number % 7}")
            if number % 20 == 10:
                await eventually(lambda: listener.applied)
                broker.lose(TOPIC, keep=1)
        await eventually(lambda: len(listener.applied) == 60)
    assert len(set(listener.applied)) == len(listener.applied) == 60


async def test_control_records_send_a_consumer_back_once_and_cost_the_store_one_question(
    store, listener, broker, consumer_of, running, eventually
):
    await store.commit("bookings/a", "one", "two", "three")
    await put(broker, store)
    broker._groups["search.bookings"][TOPIC, 0] = 3  # read before the log was lost and written again
    for _ in range(50):
        broker.append(encode_refill(TOPIC, 0, epoch="e", lost_from=1, source=SOURCE))
    asked, rewound = [], listener.inbox.rewound

    async def counted(consumer, epoch):
        asked.append(epoch)
        return await rewound(consumer, epoch)

    listener.inbox.rewound = counted
    await listener.inbox.advance("search.bookings", {"bookings/a": 1})
    async with running(consumer_of(listener, broker, batch=10)):
        await eventually(lambda: listener.versions("bookings/a") == [2, 3])
        await eventually(lambda: broker._groups["search.bookings"][TOPIC, 0] == 53)
    assert asked == [f"e/{TOPIC}/0"]
    async with running(consumer_of(listener, broker)):  # another member, which finds it noted
        broker.append(encode_refill(TOPIC, 0, epoch="e", lost_from=1, source=SOURCE))
        await eventually(lambda: broker._groups["search.bookings"][TOPIC, 0] == 54)
    assert len(asked) == 2


async def test_of_two_losses_a_consumer_goes_back_to_where_the_first_began(
    store, listener, broker, consumer_of, running, eventually
):
    await store.commit("bookings/a", "one", "two", "three")
    await put(broker, store)
    broker._groups["search.bookings"][TOPIC, 0] = 3
    for epoch, lost_from in (("e", 0), ("f", 2)):
        broker.append(encode_refill(TOPIC, 0, epoch=epoch, lost_from=lost_from, source=SOURCE))
    async with running(consumer_of(listener, broker)):
        await eventually(lambda: listener.versions("bookings/a") == [1, 2, 3])


async def test_a_consumer_that_could_not_go_back_does_it_when_the_broker_is_there_again(
    store, listener, broker, consumer_of, running, eventually
):
    await store.commit("bookings/a", "one")
    await put(broker, store)
    broker._groups["search.bookings"][TOPIC, 0] = 1
    broker.append(encode_refill(TOPIC, 0, epoch="e", lost_from=0, source=SOURCE))
    tried, reader_of = [], broker.reader

    @asynccontextmanager
    async def stubborn(group, topics):
        async with reader_of(group, topics) as reader:
            rewind = reader.rewind

            async def second_time(topic, partition, offset):
                tried.append(offset)
                if len(tried) == 1:
                    raise BrokerUnavailable("not now")
                await rewind(topic, partition, offset)

            reader.rewind = second_time
            yield reader

    broker.reader = stubborn
    async with running(consumer_of(listener, broker)):
        await eventually(lambda: listener.versions("bookings/a") == [1])
    assert tried == [0, 0]


async def test_a_consumer_whose_store_is_away_while_it_goes_back_does_it_again_and_applies_nothing_twice(
    store, listener, broker, consumer_of, running, eventually
):
    await store.commit("bookings/a", "one", "two")
    await put(broker, store)
    broker._groups["search.bookings"][TOPIC, 0] = 2
    for _ in range(1200):
        broker.append(encode_refill(TOPIC, 0, epoch="e", lost_from=0, source=SOURCE))
    tried, note = [], listener.inbox.note_rewound

    async def third_time(consumer, epoch):
        tried.append(epoch)
        if len(tried) < 3:
            raise Unavailable("STORE_UNAVAILABLE", "not now")
        await note(consumer, epoch)

    listener.inbox.note_rewound = third_time
    async with running(consumer_of(listener, broker), consumer_of(listener, broker)):
        await eventually(lambda: broker._groups["search.bookings"][TOPIC, 0] == 1202)
    assert len(tried) == 3
    assert listener.versions("bookings/a") == [1, 2]

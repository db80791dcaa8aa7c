"""Of a consumer that gets nowhere it is told how much waits for it."""

from event_backbone.metrics import Silence
from event_backbone.records import encode_event

TOPIC, SOURCE = "usher.booking.v1", "//usher/booking"


class Lags(Silence):
    def __init__(self):
        self.told, self.rebuilds = [], 0

    def lag(self, consumer, records):
        self.told.append(records)

    def rebuilt(self, consumer):
        self.rebuilds += 1


async def test_who_fails_at_every_batch_tells_that_it_waits(store, listener, broker, consumer_of, running, eventually):
    async def broken(consumer, place):
        raise KeyError("types")

    works, listener.inbox.handled_types = listener.inbox.handled_types, broken
    await store.commit("bookings/a", "one", "two", "three")
    await broker.ensure_topics({TOPIC: 4})
    async for event in store.outbox.everything():
        broker.append(encode_event(event, topic=TOPIC, source=SOURCE))
    lags = Lags()
    # Whoever measured only while all goes well would not have come to it yet: it fails before the first 60 s are over.
    async with running(consumer_of(listener, broker, metrics=lags, watch_seconds=60.0)):
        await eventually(lambda: lags.rebuilds >= 2)
        assert set(lags.told) == {3}
        assert listener.applied == []
        listener.inbox.handled_types = works
        await eventually(lambda: len(listener.applied) == 3)

"""The way of domain events: committed, published, applied."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from telemetry import families
from telemetry.declarations import Declared
from telemetry.registry import Registry, labelled

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from telemetry.metrics import Event

Count = Callable[[], object]


class DomainEventMetrics:
    """Domain events this process committed. Each is counted by its type, and as what a service says it is besides.

    One whose commit was acknowledged to nobody is not counted: these are figures for people to look at, the journal is
    what accounts.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry, self._counter = registry, registry.counter(families.DOMAIN_EVENTS)
        self._counts: dict[str, list[Count]] = {}
        self._reads: defaultdict[str, list[Callable[[bytes], object]]] = defaultdict(list)

    def count(self, kind: str, count: Count) -> None:
        """Call `count` for each domain event of a type."""
        self._of(kind).append(count)

    def outcomes(self, declared: "Mapping[Declared, Mapping[str, type[Message]]]") -> None:
        """Counters with a label `outcome`, and the type of domain event that each of its values stands for."""
        for metric, kinds in declared.items():
            counter = self._registry.counter(metric)
            for outcome, kind in kinds.items():
                self.count(kind.DESCRIPTOR.full_name, counter.labels(outcome).inc)

    def read(self, kind: str, read: Callable[[bytes], object]) -> None:
        """Call `read` with the payload of each domain event of a type."""
        self._reads[kind].append(read)

    def committed(self, events: "Iterable[Event]") -> None:
        """Must be quick: a booking waits for it."""
        counts, reads = self._counts, self._reads
        for event in events:
            kind = event.type
            for count in counts.get(kind) or self._of(kind):
                count()
            if kind in reads:
                for read in reads[kind]:
                    read(event.payload)

    def _of(self, kind: str) -> list[Count]:
        return self._counts.setdefault(kind, [self._counter.labels(kind).inc])


class RelayMetrics:
    """Implements event_backbone.RelayMetrics: the way from the outbox to the broker."""

    def __init__(self, registry: Registry) -> None:
        self._published = labelled(registry.counter(families.RELAY_PUBLISHED))
        self._delay = registry.histogram(families.RELAY_DELAY)
        self._failed = labelled(registry.counter(families.RELAY_FAILURES))
        self._refilled = labelled(registry.counter(families.RELAY_REFILLED))
        self._leads = labelled(registry.gauge(families.RELAY_LEADS))
        self._age = registry.gauge(families.OUTBOX_AGE)

    def published(self, topic: str, events: int, oldest_seconds: float) -> None:
        """Domain events acknowledged by the broker; seconds since the commit of the oldest."""
        self._published(topic).inc(events)
        self._delay.observe(oldest_seconds)

    def failed(self, topic: str) -> None:
        """A batch will be tried again."""
        self._failed(topic).inc()

    def refilled(self, topic: str, rows: int) -> None:
        """Rows made pending again."""
        self._refilled(topic).inc(rows)

    def leads(self, topic: str, leads: bool) -> None:
        """Whether this process relays; who does not tells no age."""
        self._leads(topic).set(leads)
        if not leads:
            self._age.set(0)

    def outbox_age(self, seconds: float) -> None:
        """Zero when nothing waits."""
        self._age.set(seconds)


class ConsumerMetrics:
    """Implements event_backbone.ConsumerMetrics: domain events applied, by consumer."""

    def __init__(self, registry: Registry) -> None:
        self._handled = labelled(registry.counter(families.CONSUMER_EVENTS))
        self._seconds = labelled(registry.histogram(families.CONSUMER_SECONDS))
        self._delay = labelled(registry.histogram(families.CONSUMER_DELAY))
        self._lag = labelled(registry.gauge(families.CONSUMER_LAG))
        self._parked = labelled(registry.gauge(families.CONSUMER_PARKED))
        self._rebuilt = labelled(registry.counter(families.CONSUMER_REBUILDS))
        self._dead_letters = labelled(registry.counter(families.DEAD_LETTERS))

    def handled(self, consumer: str, type: str, outcome: str, seconds: float) -> None:
        """`outcome` is "applied", "parked" (will be tried again) or "dead"."""
        self._handled(consumer, type, outcome).inc()
        self._seconds(consumer).observe(seconds)

    def delayed(self, consumer: str, seconds: float) -> None:
        """One was applied so long after its commit, which another machine's clock has told."""
        self._delay(consumer).observe(max(seconds, 0.0))

    def lag(self, consumer: str, records: int) -> None:
        """Over all partitions."""
        self._lag(consumer).set(records)

    def parked(self, consumer: str, waiting: int, dead: int) -> None:
        """How many wait for something and how many for a redrive."""
        self._parked(consumer, "waiting").set(waiting)
        self._parked(consumer, "dead").set(dead)

    def rebuilt(self, consumer: str) -> None:
        """The client made no progress and was replaced."""
        self._rebuilt(consumer).inc()

    def dead_lettered(self, consumer: str, kind: str) -> None:
        """A record went to the dead letters: "failed" or "undecodable"."""
        self._dead_letters(consumer, kind).inc()

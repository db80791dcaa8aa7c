"""Prometheus metrics of one process: rate, errors and duration of everything it does, and what makes it wait."""

from collections.abc import Sequence
from wsgiref.simple_server import WSGIServer

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    generate_latest,
    start_http_server,
)

# Seconds. From an empty rpc to the longest deadline a caller is given.
DURATIONS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class Metrics:
    """A registry of its own, so that a test or a second service in one process does not share it."""

    def __init__(self, service: str) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        Info("usher_service", "Which service this process is.", registry=self.registry).info({"service": service})
        self.rpcs = RpcMetrics(self, "server")
        self.client_rpcs = RpcMetrics(self, "client")
        self.calls = CallMetrics(self)
        self.store = StoreMetrics(self)
        self.relay = RelayMetrics(self)
        self.consumers = ConsumerMetrics(self)
        self._health = self.gauge("health_check", "1 while a health check passes.", ["check"])

    def counter(self, name: str, text: str, labels: Sequence[str] = ()) -> Counter:
        """`usher_<name>_total`. Labels must have few values: never an id or an address."""
        return Counter(f"usher_{name}", text, labels, registry=self.registry)

    def gauge(self, name: str, text: str, labels: Sequence[str] = ()) -> Gauge:
        """`usher_<name>`."""
        return Gauge(f"usher_{name}", text, labels, registry=self.registry)

    def histogram(
        self, name: str, text: str, labels: Sequence[str] = (), buckets: Sequence[float] = DURATIONS
    ) -> Histogram:
        """`usher_<name>`, in seconds unless `buckets` says otherwise."""
        return Histogram(f"usher_{name}", text, labels, buckets=buckets, registry=self.registry)

    def health(self, check: str, passes: bool) -> None:
        """Remember the last result of a health check."""
        self._health.labels(check).set(passes)

    def text(self) -> bytes:
        """The exposition format, as a scrape reads it."""
        return generate_latest(self.registry)

    def serve(self, port: int, host: str = "0.0.0.0") -> "MetricsServer":
        """Answer scrapes on a thread, on every address since they come from outside; port 0 takes a free one."""
        server, _ = start_http_server(port, host, self.registry)
        return MetricsServer(server)


class MetricsServer:
    """The listener of `Metrics.serve`."""

    def __init__(self, server: WSGIServer) -> None:
        self._server = server
        self.port = int(server.server_port)

    def close(self) -> None:
        """Stop listening; takes up to half a second."""
        self._server.shutdown()
        self._server.server_close()


class RpcMetrics:
    """Rpcs served (`side` "server") or called ("client"); `method` is the full method without the first slash."""

    def __init__(self, metrics: Metrics, side: str) -> None:
        self._handled = metrics.counter(f"rpc_{side}_handled", "Rpcs by outcome.", ["method", "code"])
        self._seconds = metrics.histogram(f"rpc_{side}_seconds", "How long rpcs took.", ["method"])
        self._in_flight = metrics.gauge(f"rpc_{side}_in_flight", "Rpcs under way.")

    def started(self) -> None:
        """One more is under way."""
        self._in_flight.inc()

    def ended(self, method: str, code: str, seconds: float) -> None:
        """`code` is the canonical name: OK, NOT_FOUND, …"""
        self._in_flight.dec()
        self._handled.labels(method, code).inc()
        self._seconds.labels(method).observe(seconds)


class CallMetrics:
    """Implements resilience.CallMetrics: attempts, breakers and bulkheads by dependency."""

    STATES = ("closed", "half-open", "open")

    def __init__(self, metrics: Metrics) -> None:
        self._attempts = metrics.counter("call_attempts", "Attempts at calls by outcome.", ["dependency", "outcome"])
        self._seconds = metrics.histogram("call_seconds", "How long attempts took.", ["dependency"])
        self._breaker = metrics.gauge("breaker_state", "1 for the state the breaker is in.", ["dependency", "state"])
        self._in_use = metrics.gauge("bulkhead_in_use", "Calls inside the bulkhead.", ["dependency"])
        self._waiting = metrics.gauge("bulkhead_waiting", "Calls queued for the bulkhead.", ["dependency"])
        self._refused = metrics.counter("bulkhead_refused", "Calls refused by a full bulkhead.", ["dependency"])

    def attempted(self, name: str, outcome: str, seconds: float) -> None:
        """One attempt ended as ok, failed, timed_out, refused or cancelled."""
        self._attempts.labels(name, outcome).inc()
        self._seconds.labels(name).observe(seconds)

    def breaker_changed(self, name: str, state: str) -> None:
        """The breaker is now closed, half-open or open."""
        for each in self.STATES:
            self._breaker.labels(name, each).set(each == state)

    def bulkhead_used(self, name: str, in_use: int, waiting: int) -> None:
        """Places taken and queue length."""
        self._in_use.labels(name).set(in_use)
        self._waiting.labels(name).set(waiting)

    def bulkhead_refused(self, name: str) -> None:
        """A call found it full."""
        self._refused.labels(name).inc()


class StoreMetrics:
    """Implements mongo_store.StoreMetrics: commits to the service's database."""

    def __init__(self, metrics: Metrics) -> None:
        self._seconds = metrics.histogram("store_commit_seconds", "How long transactions took.")
        self._commands = metrics.histogram("store_commit_commands", "Commands in one transaction.", buckets=SIZES)
        self._retried = metrics.counter("store_retries", "Work done again, by reason.", ["kind"])
        self._refused = metrics.counter("store_refusals", "Commands turned down, by reason.", ["kind"])

    def committed(self, commands: int, seconds: float) -> None:
        """A transaction went through."""
        self._commands.observe(commands)
        self._seconds.observe(seconds)

    def retried(self, kind: str) -> None:
        """Work had to be done again: "transient" or "split"."""
        self._retried.labels(kind).inc()

    def refused(self, kind: str) -> None:
        """A command was turned down: "conflict", "duplicate" or "repeat"."""
        self._refused.labels(kind).inc()


class RelayMetrics:
    """Implements event_backbone.RelayMetrics: the way from the outbox to the broker."""

    def __init__(self, metrics: Metrics) -> None:
        self._published = metrics.counter("relay_published", "Domain events the broker acknowledged.", ["topic"])
        self._failed = metrics.counter("relay_failures", "Batches that could not be published.", ["topic"])
        self._refilled = metrics.counter("relay_refilled", "Rows published again after a loss.", ["topic"])
        self._leads = metrics.gauge("relay_leads", "1 while this process holds the relay's lease.", ["topic"])
        self._age = metrics.gauge("outbox_oldest_pending_seconds", "Age of the oldest unpublished domain event.")

    def published(self, topic: str, events: int) -> None:
        """Domain events acknowledged by the broker."""
        self._published.labels(topic).inc(events)

    def failed(self, topic: str) -> None:
        """A batch was not acknowledged and will be tried again."""
        self._failed.labels(topic).inc()

    def refilled(self, topic: str, rows: int) -> None:
        """Rows made pending again."""
        self._refilled.labels(topic).inc(rows)

    def leads(self, topic: str, leads: bool) -> None:
        """Whether this process relays."""
        self._leads.labels(topic).set(leads)

    def outbox_age(self, seconds: float) -> None:
        """Zero when nothing waits."""
        self._age.set(seconds)


class ConsumerMetrics:
    """Implements event_backbone.ConsumerMetrics: domain events applied, by consumer."""

    def __init__(self, metrics: Metrics) -> None:
        self._handled = metrics.counter("consumer_events", "Domain events by outcome.", ["consumer", "type", "outcome"])
        self._seconds = metrics.histogram("consumer_seconds", "How long applying took.", ["consumer"])
        self._lag = metrics.gauge("consumer_lag", "Records behind the end of the log.", ["consumer"])
        self._parked = metrics.gauge("consumer_parked", "Domain events put aside.", ["consumer", "kind"])
        self._rebuilt = metrics.counter("consumer_rebuilds", "Clients rebuilt because they were stuck.", ["consumer"])

    def handled(self, consumer: str, type: str, outcome: str, seconds: float) -> None:
        """`outcome` is "applied", "repeated", "parked", "dead" or "failed" (will be tried again)."""
        self._handled.labels(consumer, type, outcome).inc()
        self._seconds.labels(consumer).observe(seconds)

    def lag(self, consumer: str, records: int) -> None:
        """Over all partitions."""
        self._lag.labels(consumer).set(records)

    def parked(self, consumer: str, waiting: int, dead: int) -> None:
        """How many wait for something and how many for a redrive."""
        self._parked.labels(consumer, "waiting").set(waiting)
        self._parked.labels(consumer, "dead").set(dead)

    def rebuilt(self, consumer: str) -> None:
        """The client made no progress and was replaced."""
        self._rebuilt.labels(consumer).inc()

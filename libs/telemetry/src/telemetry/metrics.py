"""Prometheus metrics of one process: rate, errors and duration of everything it does, and what makes it wait.

Everything here has the name, text and labels of a declaration (`families.py`, a service's `metrics.py`); groups come
to be when they are first asked for, so that a process shows what it does and nothing else.
"""

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Protocol
from wsgiref.simple_server import WSGIServer

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
    start_http_server,
)

from telemetry import families
from telemetry.backbone_metrics import ConsumerMetrics, DomainEventMetrics, RelayMetrics
from telemetry.call_metrics import BulkheadMetrics, CallMetrics, ElasticMetrics
from telemetry.declarations import Declared
from telemetry.memory_limit import memory_limit
from telemetry.rpc_metrics import RefusalMetrics, RpcMetrics
from telemetry.store_metrics import StoreMetrics


class Event(Protocol):
    """A domain event as it is committed."""

    @property
    def type(self) -> str:
        """Full name of its message."""

    @property
    def payload(self) -> bytes:
        """The message."""


class Metrics:
    """A registry of its own, so that a test or a second service in one process does not share it."""

    def __init__(self, service: str) -> None:
        # A second series for each, which nobody asks for.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        info = families.SERVICE_INFO
        Info(info.name.removesuffix("_info"), info.text, registry=self.registry).info({"service": service})
        self.rpcs = RpcMetrics(self, families.RPC_HANDLED, families.RPC_SECONDS, families.RPC_IN_FLIGHT)
        self.refusals = RefusalMetrics(self)
        self.store = StoreMetrics(self)
        self.loop_lag = self.histogram(families.LOOP_LAG).observe
        self._health = self.gauge(families.HEALTH_CHECK)
        self._deaths = self.counter(families.WORKER_DEATHS)
        self._certificates = self.gauge(families.CERTIFICATE_EXPIRY)
        self.gauge(families.MEMORY_LIMIT).set(memory_limit())
        self._hear: Callable[[Iterable[Event]], None] | None = None

    @cached_property
    def client_rpcs(self) -> RpcMetrics:
        """Of who calls other services."""
        return RpcMetrics(self, families.CLIENT_HANDLED, families.CLIENT_SECONDS, families.CLIENT_IN_FLIGHT)

    @cached_property
    def calls(self) -> CallMetrics:
        """Of who calls what is not ours."""
        return CallMetrics(self)

    @cached_property
    def bulkheads(self) -> BulkheadMetrics:
        """Of who limits such calls, or other work."""
        return BulkheadMetrics(self)

    @cached_property
    def elastic(self) -> ElasticMetrics:
        """Of who uses Elasticsearch."""
        return ElasticMetrics(self)

    @cached_property
    def relay(self) -> RelayMetrics:
        """Of who publishes domain events."""
        return RelayMetrics(self)

    @cached_property
    def domain_events(self) -> DomainEventMetrics:
        """Of who commits domain events; business metrics are counted there."""
        counting = DomainEventMetrics(self)
        self._hear = counting.committed
        return counting

    @cached_property
    def consumers(self) -> ConsumerMetrics:
        """Of who reads domain events."""
        return ConsumerMetrics(self)

    def counter(self, declared: Declared) -> Counter:
        """Registered under its declared name."""
        name = declared.name.removesuffix("_total")
        return Counter(name, declared.text, tuple(declared.labels), registry=self.registry)

    def gauge(self, declared: Declared) -> Gauge:
        """The same."""
        return Gauge(declared.name, declared.text, tuple(declared.labels), registry=self.registry)

    def histogram(self, declared: Declared) -> Histogram:
        """The same."""
        return Histogram(
            declared.name, declared.text, tuple(declared.labels), buckets=declared.buckets, registry=self.registry
        )

    def outcomes(self, declared: Declared) -> Callable[[str], None]:
        """A counter of one label; what is given counts one of its value."""
        labels = self.counter(declared).labels
        return lambda value: labels(value).inc()

    def committed(self, events: Iterable[Event]) -> None:
        """These domain events are in the store to stay."""
        if self._hear is not None:
            self._hear(events)

    def health(self, check: str, passes: bool) -> None:
        """Remember the last result of a health check."""
        self._health.labels(check).set(passes)

    def lives(self, worker: str) -> None:
        """There is such background work; counted from nought on, for no query sees a rise in a counter's birth."""
        self._deaths.labels(worker)

    def worker_died(self, worker: str) -> None:
        """Background work ended by itself and is started again."""
        self._deaths.labels(worker).inc()

    def certificate(self, name: str, ends_at: Callable[[], float]) -> None:
        """What tells a scrape, in a thread of its own, when a certificate ends, in seconds since 1970."""
        self._certificates.labels(name).set_function(ends_at)

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

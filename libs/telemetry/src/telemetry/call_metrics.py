"""Calls of what is not ours: attempts, breakers, bulkheads, Elasticsearch."""

from telemetry import families
from telemetry.registry import Registry, labelled


class CallMetrics:
    """Implements resilience.CallMetrics: attempts and breakers by dependency."""

    STATES = ("closed", "half-open", "open")

    def __init__(self, registry: Registry) -> None:
        self._attempts = labelled(registry.counter(families.CALL_ATTEMPTS))
        self._seconds = labelled(registry.histogram(families.CALL_SECONDS))
        self._breaker = labelled(registry.gauge(families.BREAKER_STATE))

    def attempted(self, name: str, outcome: str, seconds: float) -> None:
        """One attempt ended as ok, failed, timed_out, refused or cancelled."""
        self._attempts(name, outcome).inc()
        self._seconds(name).observe(seconds)

    def breaker_changed(self, name: str, state: str) -> None:
        """The breaker is now closed, half-open or open."""
        for each in self.STATES:
            self._breaker(name, each).set(each == state)


class BulkheadMetrics:
    """Implements resilience.BulkheadMetrics."""

    def __init__(self, registry: Registry) -> None:
        self._in_use = labelled(registry.gauge(families.BULKHEAD_IN_USE))
        self._waiting = labelled(registry.gauge(families.BULKHEAD_WAITING))
        self._refused = labelled(registry.counter(families.BULKHEAD_REFUSED))

    def bulkhead_used(self, name: str, in_use: int, waiting: int) -> None:
        """Places taken and queue length."""
        self._in_use(name).set(in_use)
        self._waiting(name).set(waiting)

    def bulkhead_refused(self, name: str) -> None:
        """A call found it full."""
        self._refused(name).inc()


class ElasticMetrics:
    """Implements elastic_store.ElasticMetrics."""

    def __init__(self, registry: Registry) -> None:
        self._seconds = labelled(registry.histogram(families.ELASTIC_SECONDS))
        self._failures = labelled(registry.counter(families.ELASTIC_FAILURES))

    def answered(self, operation: str, seconds: float, failed: bool) -> None:
        """A request ended, with its repetitions."""
        self._seconds(operation).observe(seconds)
        if failed:
            self._failures(operation).inc()

"""What a service's database does for it."""

from telemetry import families
from telemetry.registry import Registry


class StoreMetrics:
    """Implements mongo_store.StoreMetrics."""

    def __init__(self, registry: Registry) -> None:
        self._seconds = registry.histogram(families.STORE_SECONDS)
        self._commands = registry.histogram(families.STORE_COMMANDS)
        self._operations = registry.histogram(families.STORE_OPERATIONS)
        self._failures = registry.counter(families.STORE_FAILURES)
        self._retried = registry.counter(families.STORE_RETRIES)
        self._refused = registry.counter(families.STORE_REFUSALS)

    def committed(self, commands: int, seconds: float) -> None:
        """A transaction went through."""
        self._commands.observe(commands)
        self._seconds.observe(seconds)

    def operated(self, operation: str, seconds: float, failed: bool) -> None:
        """MongoDB answered, or did not."""
        self._operations.labels(operation).observe(seconds)
        if failed:
            self._failures.labels(operation).inc()

    def retried(self, kind: str) -> None:
        """Work had to be done again: "transient" or "split"."""
        self._retried.labels(kind).inc()

    def refused(self, kind: str) -> None:
        """A command was turned down: "conflict", "duplicate" or "repeat"."""
        self._refused.labels(kind).inc()

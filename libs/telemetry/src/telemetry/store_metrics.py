"""What a service's database does for it."""

from telemetry import families
from telemetry.registry import Registry, labelled


class StoreMetrics:
    """Implements mongo_store.StoreMetrics."""

    def __init__(self, registry: Registry) -> None:
        self._seconds = registry.histogram(families.STORE_SECONDS)
        self._commands = registry.histogram(families.STORE_COMMANDS)
        self._operations = labelled(registry.histogram(families.STORE_OPERATIONS))
        self._failures = labelled(registry.counter(families.STORE_FAILURES))
        self._retried = labelled(registry.counter(families.STORE_RETRIES))
        self._refused = labelled(registry.counter(families.STORE_REFUSALS))

    def committed(self, commands: int, seconds: float) -> None:
        """A transaction went through."""
        self._commands.observe(commands)
        self._seconds.observe(seconds)

    def operated(self, operation: str, seconds: float, failed: bool) -> None:
        """MongoDB answered, or did not."""
        self._operations(operation).observe(seconds)
        if failed:
            self._failures(operation).inc()

    def retried(self, kind: str) -> None:
        """Work had to be done again: "transient" or "split"."""
        self._retried(kind).inc()

    def refused(self, kind: str) -> None:
        """A command was turned down: "conflict", "duplicate" or "repeat"."""
        self._refused(kind).inc()

"""What the store reports about itself; the telemetry library or a test gives the object."""

from typing import Protocol


class StoreMetrics(Protocol):
    """Counters of one journal."""

    def committed(self, commands: int, seconds: float) -> None:
        """One transaction went through with so many commands in it; seconds from its begin to its acknowledged end."""

    def operated(self, operation: str, seconds: float, failed: bool) -> None:
        """MongoDB answered a "read" (documents by name), "find", "insert" or "ping", or failed."""

    def retried(self, kind: str) -> None:
        """Work had to be done again: `transient` (MongoDB asked for it), `split` (a batch went on without some)."""

    def refused(self, kind: str) -> None:
        """A command was turned down: `conflict`, `duplicate` or `repeat`."""


class NoMetrics:
    """Counts nothing."""

    def committed(self, commands: int, seconds: float) -> None:
        """Ignored."""

    def operated(self, operation: str, seconds: float, failed: bool) -> None:
        """Ignored."""

    def retried(self, kind: str) -> None:
        """Ignored."""

    def refused(self, kind: str) -> None:
        """Ignored."""

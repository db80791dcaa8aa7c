"""What the parts report about themselves; telemetry has an implementation, neither imports the other."""

from typing import Protocol


class CallMetrics(Protocol):
    """Receives what happened to calls of the dependency called `name`. Must not raise and must not block."""

    def attempted(self, name: str, outcome: str, seconds: float) -> None:
        """One attempt ended: `outcome` is "ok", "failed", "timed_out", "refused" (breaker open) or "cancelled"."""

    def breaker_changed(self, name: str, state: str) -> None:
        """The breaker is now "closed", "half-open" or "open"; also told once at the start."""


class BulkheadMetrics(Protocol):
    """The same for who waits for calls of `name`."""

    def bulkhead_used(self, name: str, in_use: int, waiting: int) -> None:
        """Calls inside the bulkhead and calls in its queue, after a change; also told once at the start."""

    def bulkhead_refused(self, name: str) -> None:
        """A call found the bulkhead and its queue full."""


class NoMetrics:
    """For callers that do not measure."""

    def attempted(self, name: str, outcome: str, seconds: float) -> None:
        """Nothing."""

    def breaker_changed(self, name: str, state: str) -> None:
        """Nothing."""

    def bulkhead_used(self, name: str, in_use: int, waiting: int) -> None:
        """Nothing."""

    def bulkhead_refused(self, name: str) -> None:
        """Nothing."""

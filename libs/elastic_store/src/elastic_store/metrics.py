"""What the client reports about itself; the telemetry library or a test gives the object."""

from typing import Protocol


class ElasticMetrics(Protocol):
    """Requests by operation, as the client library names it: "search", "bulk", "indices.refresh"."""

    def answered(self, operation: str, seconds: float, failed: bool) -> None:
        """A request ended, all attempts together; failed: nobody could answer it."""

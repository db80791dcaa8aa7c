"""What the groups of metrics need of the registry they belong to."""

from typing import Protocol

from prometheus_client import Counter, Gauge, Histogram

from telemetry.declarations import Declared


class Registry(Protocol):
    """telemetry.Metrics."""

    def counter(self, declared: Declared) -> Counter:
        """Made and registered."""

    def gauge(self, declared: Declared) -> Gauge:
        """The same."""

    def histogram(self, declared: Declared) -> Histogram:
        """The same."""

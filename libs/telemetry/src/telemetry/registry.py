"""What the groups of metrics need of the registry they belong to."""

from collections.abc import Callable
from functools import cache
from typing import Protocol, TypeVar

from prometheus_client import Counter, Gauge, Histogram

from telemetry.declarations import Declared

M = TypeVar("M", Counter, Gauge, Histogram)


def labelled(metric: M) -> Callable[..., M]:
    """Its `labels`, each looked up once: with each call it takes a lock and makes texts of what are texts."""
    found: Callable[..., M] = cache(metric.labels)
    return found


class Registry(Protocol):
    """telemetry.Metrics."""

    def counter(self, declared: Declared) -> Counter:
        """Made and registered."""

    def gauge(self, declared: Declared) -> Gauge:
        """The same."""

    def histogram(self, declared: Declared) -> Histogram:
        """The same."""

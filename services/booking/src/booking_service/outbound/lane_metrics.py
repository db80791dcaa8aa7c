"""Lanes as Prometheus metrics."""

from booking_service import metrics as declared
from telemetry import Metrics


class PrometheusLaneMetrics:
    """outbound.lanes.LaneMetrics."""

    def __init__(self, metrics: Metrics) -> None:
        self._queued = metrics.gauge(declared.LANE_QUEUED)
        self._batch = metrics.histogram(declared.LANE_BATCH)
        self._seconds = metrics.histogram(declared.LANE_SECONDS)
        self._conflicts = metrics.counter(declared.LANE_CONFLICTS)
        self._refused = metrics.counter(declared.REFUSED)

    def queued(self, commands: int) -> None:
        """So many wait."""
        self._queued.set(commands)

    def committed(self, commands: int, seconds: float) -> None:
        """A batch went through."""
        self._batch.observe(commands)
        self._seconds.observe(seconds)

    def conflicted(self) -> None:
        """A batch is decided anew."""
        self._conflicts.inc()

    def refused(self, reason: str) -> None:
        """A booking was refused."""
        self._refused.labels(reason).inc()

"""Lanes as Prometheus metrics."""

from telemetry import Metrics
from telemetry.metrics import SIZES


class PrometheusLaneMetrics:
    """outbound.lanes.LaneMetrics."""

    def __init__(self, metrics: Metrics) -> None:
        self._queued = metrics.gauge("lane_queued", "Commands that wait in the lanes.")
        self._batch = metrics.histogram("lane_batch_commands", "Commands in one commit of a lane.", buckets=SIZES)
        self._seconds = metrics.histogram("lane_batch_seconds", "From a batch's first look at the store to its commit.")
        self._conflicts = metrics.counter("lane_conflicts", "Batches decided anew because others wrote first.")

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

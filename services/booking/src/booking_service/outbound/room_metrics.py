"""Waiting rooms as Prometheus metrics."""

from collections.abc import Callable

from booking_service import metrics as declared
from telemetry import Metrics


class PrometheusRoomMetrics:
    """outbound.waiting_rooms.RoomMetrics. The gauges are over the rooms this process knows; all replicas know the same
    of a room, so that a room is not to be summed over them.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._joins = metrics.counter(declared.ROOM_JOINS)
        self._waiting = metrics.gauge(declared.ROOM_WAITING)
        self._admitted = metrics.gauge(declared.ROOM_ADMITTED)

    def joined(self, users: int) -> None:
        """So many took a place."""
        self._joins.inc(users)

    def ask(self, count: Callable[[], tuple[int, int]]) -> None:
        """Where a scrape gets the places that wait and those admitted."""
        self._waiting.set_function(lambda: count()[0])
        self._admitted.set_function(lambda: count()[1])

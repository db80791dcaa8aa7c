"""Whether holds that are over end."""

from booking_service import metrics as declared
from booking_service.outbound.repositories import due_holds
from mongo_store import Journal
from telemetry import Metrics


class HoldFigures:
    """A gauge; every replica measures the same. Holds that run are not counted: that reads all of them in a rush."""

    def __init__(self, journal: Journal, metrics: Metrics) -> None:
        self._journal, self._clock = journal, journal.clock
        self._overdue = metrics.gauge(declared.HOLDS_OVERDUE)

    async def measure(self) -> None:
        """Unavailable."""
        now = self._clock()
        overdue = await due_holds(self._journal, now, 1)
        oldest = overdue[0].hold_expire_time if overdue else None
        self._overdue.set((now - oldest).total_seconds() if oldest else 0.0)

"""How many holds run, and whether those that are over end."""

from booking_service import metrics as declared
from booking_service.outbound.documents import BOOKINGS
from booking_service.outbound.repositories import due_holds
from mongo_store import Database, Journal
from mongo_store.database import reachable
from telemetry import Metrics

MOST_COUNTED = 10_000


class HoldFigures:
    """Two gauges; every replica measures the same."""

    def __init__(self, database: Database, journal: Journal, metrics: Metrics) -> None:
        self._database, self._journal, self._clock = database, journal, journal.clock
        self._open, self._overdue = metrics.gauge(declared.HOLDS_OPEN), metrics.gauge(declared.HOLDS_OVERDUE)

    async def measure(self) -> None:
        """Unavailable."""
        now = self._clock()
        with reachable():
            running = {"hold_expire_time": {"$gt": now}}
            self._open.set(await self._database.collection(BOOKINGS).count_documents(running, limit=MOST_COUNTED))
        overdue = await due_holds(self._journal, now, 1)
        oldest = overdue[0].hold_expire_time if overdue else None
        self._overdue.set((now - oldest).total_seconds() if oldest else 0.0)

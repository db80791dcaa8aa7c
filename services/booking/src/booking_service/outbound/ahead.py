"""What has come while a commit is under way, decided on what that commit will leave.

Deciding and committing then go on at the same time, the one here, the other in the database. Nobody is told anything
before the commit of their own: where the one before it fails, all of this is decided anew.
"""

from datetime import datetime

from booking_service.outbound.deciding import Deciding, Plan
from booking_service.outbound.lanes import Waiting
from booking_service.outbound.shelf import Shelf


class Ahead:
    """Takes commands that need nothing read and are not refused; the others wait for their turn. failures: see desk."""

    def __init__(self, shelf: Shelf, now: datetime, failures: int) -> None:
        self._shelf, self._deciding = shelf, Deciding({}, {}, now)
        self.now, self.failures = now, failures
        self.batch: list[Waiting] = []

    def take(self, waiting: Waiting) -> bool:
        """Decide it; False if it has to wait, as then has everything after it."""
        known = self._shelf.peek(waiting.command, self._deciding.stocks, self._deciding.records)
        if known is None:
            return False
        self._deciding.know(*known)
        if not self._deciding.add_if_written(waiting):
            return False
        self.batch.append(waiting)
        return True

    def finish(self) -> Plan:
        """What it comes to."""
        return self._deciding.finish()

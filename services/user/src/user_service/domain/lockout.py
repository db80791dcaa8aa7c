"""How long sign-in to an address is closed after wrong passwords in a row (NIST SP 800-63B section 3.2.2)."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Failures:
    """Wrong passwords in a row, and when the last one was given."""

    count: int
    last_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LockoutPolicy:
    """The `allowed`-th failure closes sign-in for `first`, each more doubles that up to `longest`.

    memory: how long after the last failure all are forgotten.
    """

    allowed: int = 5
    first: timedelta = timedelta(minutes=1)
    longest: timedelta = timedelta(minutes=15)
    memory: timedelta = timedelta(hours=24)

    def left(self, failures: Failures | None, now: datetime) -> timedelta:
        """How long it is still closed; zero when open."""
        if failures is None or failures.count < self.allowed or now >= failures.last_time + self.memory:
            return timedelta()
        doublings: int = min(failures.count - self.allowed, 16)
        closed = min(self.first * (1 << doublings), self.longest)
        return max(failures.last_time + closed - now, timedelta())

"""When to look at the gateway again for what is still undecided, because webhooks may be lost."""

from datetime import datetime, timedelta
from enum import Enum


class Work(Enum):
    """URGENT: money is moving. PAYER: the payer is at it, elsewhere. SLOW: the payer has the next word."""

    URGENT = "URGENT"
    PAYER = "PAYER"
    SLOW = "SLOW"


SHORTEST = {Work.URGENT: timedelta(seconds=1), Work.PAYER: timedelta(seconds=3), Work.SLOW: timedelta(minutes=1)}
LONGEST = {Work.URGENT: timedelta(minutes=5), Work.PAYER: timedelta(hours=6), Work.SLOW: timedelta(hours=6)}
GIVE_UP_SLOW = timedelta(days=7)


def next_look(work: Work, since: datetime, now: datetime) -> datetime | None:
    """Half as long again as it has waited since `since`, within bounds; None when it is no longer worth looking."""
    age = now - since
    if work is not Work.URGENT and age > GIVE_UP_SLOW:
        return None
    return now + min(max(age / 2, SHORTEST[work]), LONGEST[work])

"""Who did what to a booking, when and why: kept with it, for its buyer and its organizer to read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from booking_service.domain.states import BookingState

MOST_KEPT = 100  # the newest; all of it is in the event store


@dataclass(frozen=True, slots=True)
class Change:
    """One change. actor: resource name ("users/…", "services/booking"). action: the domain event's name."""

    time: datetime
    actor: str
    action: str
    state: BookingState
    reason: str = ""


def extended(history: Sequence[Change], change: Change) -> tuple[Change, ...]:
    """With one more; the oldest fall off."""
    return (*history[1 - MOST_KEPT :], change)

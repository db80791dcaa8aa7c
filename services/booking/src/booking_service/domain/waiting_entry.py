"""The waiting list entry aggregate: somebody's wish for places that were sold out."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import ClassVar

from booking_service.domain.memory import Memory
from domain_kit.refusals import FailedPrecondition
from domain_kit.state_table import StateTable
from domain_kit.trails import BEGINNING, Trail

HIGHEST_PRIORITY = 1000


class EntryState(Enum):
    """Where an entry stands."""

    WAITING = "WAITING"
    OFFERED = "OFFERED"
    FULFILLED = "FULFILLED"
    LAPSED = "LAPSED"
    LEFT = "LEFT"

    @property
    def live(self) -> bool:
        """It may still come to places."""
        return self in (EntryState.WAITING, EntryState.OFFERED)


class EntryAction(Enum):
    """What can be done to an entry."""

    PRIORITIZE = "PRIORITIZE"
    OFFER = "OFFER"
    FULFIL = "FULFIL"
    LAPSE = "LAPSE"
    LEAVE = "LEAVE"


S, A = EntryState, EntryAction
ENTRY_LIFE = StateTable(
    "waiting list entry",
    {
        (S.WAITING, A.PRIORITIZE): S.WAITING,
        (S.WAITING, A.OFFER): S.OFFERED,
        (S.WAITING, A.LAPSE): S.LAPSED,
        (S.WAITING, A.LEAVE): S.LEFT,
        (S.OFFERED, A.FULFIL): S.FULFILLED,
        (S.OFFERED, A.LAPSE): S.LAPSED,
        (S.OFFERED, A.LEAVE): S.LEFT,
    },
)


@dataclass(frozen=True, slots=True)
class WaitingEntry:
    """A wish for so many tickets of one type, of a series for one date.

    number: counts those who joined the event's list, from 1. priority: the higher is served first. booking: what was
    offered. lapse_reason: why it lapsed. currency: to be offered in, "": the event's own. trail: kept by the desk.
    """

    name: str
    event: str
    organizer: str
    user: str
    ticket_type: str
    date: str
    quantity: int
    number: int
    state: EntryState
    create_time: datetime
    update_time: datetime
    priority: int = 0
    booking: str = ""
    lapse_reason: str = ""
    offer_time: datetime | None = None
    offer_expire_time: datetime | None = None
    end_time: datetime | None = None
    currency: str = ""
    version: int = 0
    trail: Trail = BEGINNING
    memory: ClassVar[Memory] = Memory.NONE

    @property
    def turn(self) -> tuple[int, int]:
        """Who has the smaller one is served first: by priority, then by arrival."""
        return -self.priority, self.number

    def prioritized(self, priority: int, now: datetime) -> "WaitingEntry":
        """Before or behind others. FailedPrecondition unless it waits."""
        return replace(self, state=ENTRY_LIFE.after(self.state, A.PRIORITIZE), priority=priority, update_time=now)

    def offered(self, booking: str, until: datetime | None, now: datetime) -> "WaitingEntry":
        """Places are held for it."""
        state = ENTRY_LIFE.after(self.state, A.OFFER)
        return replace(
            self, state=state, booking=booking, offer_time=now, offer_expire_time=until, update_time=now
        )  # fmt: skip

    def fulfilled(self, now: datetime) -> "WaitingEntry":
        """What was offered is booked for good."""
        return replace(self, state=ENTRY_LIFE.after(self.state, A.FULFIL), end_time=now, update_time=now)

    def lapsed(self, reason: str, now: datetime) -> "WaitingEntry":
        """The offer passed, or there will be none."""
        state = ENTRY_LIFE.after(self.state, A.LAPSE)
        return replace(self, state=state, lapse_reason=reason, end_time=now, update_time=now)

    def left(self, now: datetime) -> "WaitingEntry":
        """Off the list. FailedPrecondition WAITING_LIST_ENTRY_FULFILLED, WAITING_LIST_ENTRY_LAPSED."""
        return replace(self, state=ENTRY_LIFE.after(self.state, A.LEAVE), end_time=now, update_time=now)


@dataclass(frozen=True, slots=True)
class Waiter:
    """A tally: the newest entry of a user for one type and date, so that they have one at a time."""

    event: str
    user: str
    ticket_type: str
    date: str
    entry: str
    version: int = 0
    memory: ClassVar[Memory] = Memory.NONE

    @property
    def name(self) -> str:
        """`events/{event}/waiters/{user}/{ticket_type}/{date}`."""
        return waiter_key(self.event, self.user, self.ticket_type, self.date)[1]


def waiter_key(event: str, user: str, ticket_type: str, date: str) -> tuple[type[Waiter], str]:
    """Where the tally of a user is found."""
    return Waiter, "/".join([event, "waiters", *(name.rpartition("/")[2] for name in (user, ticket_type, date))])


def waiting_list_closed(event: str, what: str) -> FailedPrecondition:
    """The refusal."""
    return FailedPrecondition("WAITING_LIST_CLOSED", what, metadata={"event": event})

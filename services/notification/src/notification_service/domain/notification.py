"""The notification aggregate: one message to one user about one cause."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from domain_kit.repository import DomainEvent
from domain_kit.state_table import StateTable
from notification_service.domain import domain_events as facts
from notification_service.domain.letter import Letter


class State(Enum):
    """Where a notification stands."""

    QUEUED = "QUEUED"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


class Action(Enum):
    """What can happen to it."""

    DELIVER = "DELIVER"
    GIVE_UP = "GIVE_UP"


LIFE = StateTable(
    "notification",
    {
        (State.QUEUED, Action.DELIVER): State.DELIVERED,
        (State.QUEUED, Action.GIVE_UP): State.FAILED,
    },
)

Outcome = tuple["Notification", Sequence[DomainEvent]]


@dataclass(frozen=True, slots=True)
class Notification:
    """`cause` is the id of the domain event behind it and the last part of `name`, so a cause has one notification.

    correlation_id, traceparent: of the work that caused it, which its delivery continues.
    """

    name: str
    user: str
    recipient: str
    cause: str
    resource: str
    letter: Letter
    create_time: datetime
    state: State = State.QUEUED
    attempts: int = 0
    deliver_time: datetime | None = None
    failure: str = ""
    correlation_id: str = ""
    traceparent: str = ""
    version: int = 0

    def delivered(self, attempts: int, now: datetime) -> Outcome:
        """The next server took it. Twice changes nothing."""
        if self.state is State.DELIVERED:
            return self, []
        state = LIFE.after(self.state, Action.DELIVER)
        return replace(self, state=state, attempts=attempts, deliver_time=now), [facts.NotificationDelivered()]

    def given_up(self, attempts: int, failure: str) -> Outcome:
        """It cannot be delivered. Twice changes nothing."""
        if self.state is State.FAILED:
            return self, []
        state = LIFE.after(self.state, Action.GIVE_UP)
        return replace(self, state=state, attempts=attempts, failure=failure), [facts.NotificationFailed()]


def queued(
    user: str,
    recipient: str,
    cause: str,
    resource: str,
    letter: Letter,
    now: datetime,
    origin: tuple[str, str] = ("", ""),
) -> Outcome:
    """A new notification; origin: correlation id and traceparent."""
    correlation_id, traceparent = origin
    notification = Notification(
        f"{user}/notifications/{cause}", user, recipient, cause, resource, letter, now,
        correlation_id=correlation_id, traceparent=traceparent,
    )  # fmt: skip
    return notification, [facts.NotificationQueued()]

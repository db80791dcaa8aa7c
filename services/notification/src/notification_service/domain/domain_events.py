"""Facts about a notification; the state after each is added when it is encoded."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NotificationQueued:
    """It is to be sent."""


@dataclass(frozen=True, slots=True)
class NotificationDelivered:
    """The next server took it."""


@dataclass(frozen=True, slots=True)
class NotificationFailed:
    """It was given up."""

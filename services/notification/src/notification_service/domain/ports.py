"""What handlers need of storage and of the post."""

from collections.abc import Sequence
from typing import Any, Protocol

from domain_kit.repository import Page, Repository
from notification_service.domain.letter import Occasion
from notification_service.domain.notification import Notification
from notification_service.domain.people import Person


class Notifications(Repository[Notification], Protocol):
    """Notifications by name, of one user in pages, and those to be sent."""

    async def of_user(self, user: str, after: tuple[Any, ...] | None, limit: int) -> Page[Notification]:
        """Newest first."""

    async def waiting(self, limit: int) -> Sequence[Notification]:
        """Queued ones, the longest waiting first."""


class Directory(Protocol):
    """What other services have told of people and events."""

    async def follow_person(self, person: Person, version: int) -> None:
        """Remember the newest state."""

    async def person(self, name: str) -> Person | None:
        """None while nothing was told of them."""

    async def follow_occasion(self, occasion: Occasion, version: int) -> None:
        """Remember the newest state."""

    async def occasion(self, event: str) -> Occasion | None:
        """None while nothing was told of it."""


class PermanentFailure(Exception):
    """The next server will never take this message; the text says why, without the address."""


class Post(Protocol):
    """Hands a message to the next server."""

    async def send(self, notification: Notification) -> None:
        """Return when it was taken. PermanentFailure; Unavailable and DeadlineExceeded where trying again may help.

        Repeating after an unknown outcome sends the same Message-ID, by which mail stores drop the repeat.
        """

    async def rest(self) -> None:
        """There is nothing to send for now."""

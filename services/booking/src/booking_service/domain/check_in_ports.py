"""What check-in needs of the world besides `ports`."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Protocol

from booking_service.domain.check_in_list import CheckInList
from booking_service.domain.list_tally import ListTally
from booking_service.domain.scans import TicketScans
from domain_kit.repository import Page


class CheckInReader(Protocol):
    """Stored lists and scans."""

    async def check_in_list(self, name: str) -> CheckInList:
        """NotFound, also for one that was removed."""

    async def lists_of(self, event: str, *, after: Sequence[Any] | None = None, limit: int) -> Page[CheckInList]:
        """Oldest first, without those removed."""

    async def scans_of(self, tickets: Sequence[str]) -> Mapping[str, TicketScans]:
        """By ticket; nothing for those never scanned."""

    async def duplicated_on(
        self, list_name: str, *, after: Sequence[Any] | None = None, limit: int
    ) -> Page[TicketScans]:
        """Those of tickets that let in too many on a list, by name."""


class CheckInChanges(Protocol):
    """Tells of what the gates of an event count."""

    def follow(self, event: str) -> AsyncGenerator[Sequence[ListTally], None]:
        """The present tallies by name, then all of them whenever one changes; ends when the service stops."""


class ListSigner(Protocol):
    """Signs what scanners rely on, with the key that signs ticket codes."""

    def sign(self, content: bytes) -> bytes:
        """An Ed25519 signature by the key that signs now."""

    @property
    def signing_key(self) -> int:
        """Its number."""

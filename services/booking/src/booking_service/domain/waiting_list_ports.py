"""What the handlers of the waiting list need of the world."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Protocol

from booking_service.domain.inventory import Inventory
from booking_service.domain.ports import Condition
from booking_service.domain.waiting_entry import WaitingEntry
from booking_service.domain.waiting_list import Wish
from domain_kit.repository import Page


class EntryReader(Protocol):
    """Stored entries of waiting lists."""

    async def get(self, name: str) -> WaitingEntry:
        """NotFound."""

    async def of_event(
        self, event: str, conditions: Sequence[Condition] = (), *, after: Sequence[Any] | None = None, limit: int
    ) -> Page[WaitingEntry]:
        """Oldest first; those that meet all conditions."""

    async def of_user(self, user: str, *, after: Sequence[Any] | None = None, limit: int) -> Page[WaitingEntry]:
        """Newest first."""

    async def first(self, inventory: Inventory, wishes: Collection[Wish], limit: int) -> Sequence[WaitingEntry]:
        """Those that wait for one of these, in the order of their turns. inventory: read before this is asked.

        While the order changes it may leave somebody out; then the inventory is `reordered`.
        """


class ListsToServe(Protocol):
    """Which waiting lists need somebody to look."""

    async def due(self, now: datetime, limit: int) -> Sequence[str]:
        """Events where something can be offered, or will never be, by now."""

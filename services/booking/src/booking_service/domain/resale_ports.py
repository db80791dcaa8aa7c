"""What the handlers of resale need of the world."""

from collections.abc import Sequence
from typing import Any, Protocol

from booking_service.domain.ports import Condition
from booking_service.domain.resale_offer import ResaleOffer
from domain_kit.repository import Page


class ResaleReader(Protocol):
    """Stored resale offers."""

    async def get(self, name: str) -> ResaleOffer:
        """NotFound."""

    async def many(self, names: Sequence[str]) -> Sequence[ResaleOffer]:
        """Those of these names, in their order. NotFound."""

    async def of_event(
        self, event: str, conditions: Sequence[Condition] = (), *, after: Sequence[Any] | None = None, limit: int
    ) -> Page[ResaleOffer]:
        """Oldest first; those that meet all conditions."""

    async def of_user(self, user: str, *, after: Sequence[Any] | None = None, limit: int) -> Page[ResaleOffer]:
        """Those that a user made, newest first."""

"""What handlers need of the ledger and of payouts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from domain_kit.repository import Cause, Page
from payment_service.domain.chain import Numbered
from payment_service.domain.ledger import Balances, Entry
from payment_service.domain.payout import Payout


class Ledger(Protocol):
    """The chain of all entries."""

    async def chain(self) -> int:
        """Chain some of what waits; how many facts, 0 also when somebody else was faster."""

    async def has(self, entry: str) -> bool:
        """Whether an entry is chained."""

    async def page(self, owner: str, before: int, limit: int) -> tuple[Sequence[Numbered], int]:
        """Entries that touch an owner's accounts, newest first, and the next `before`, 0 at the end."""

    async def standing(self, owner: str, since: datetime) -> tuple[Balances, Sequence[Entry]]:
        """Balances of an owner and its entries since a time, both as of one moment. Aborted WRITE_CONFLICT."""


class Payouts(Protocol):
    """Payouts, one after the other for each organizer."""

    async def answer_to(self, cause: Cause) -> Payout | None:
        """What this cause was answered before; InvalidArgument REQUEST_ID_REUSED."""

    async def get(self, name: str) -> Payout:
        """NotFound."""

    async def last(self, organizer: str) -> tuple[str, int]:
        """Name of the newest, empty before the first, and how many there were."""

    async def add(self, payout: Payout, entries: Sequence[Entry], number: int, *, cause: Cause) -> Payout | None:
        """Store the one after `number` others, with its entries. None when another came first; a repeat gets the first
        answer.
        """

    async def list_page(self, organizer: str, after: tuple[Any, ...] | None, limit: int) -> Page[Payout]:
        """Of an organizer, newest first."""

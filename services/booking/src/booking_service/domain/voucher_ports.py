"""What the handlers of vouchers need of the world."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from booking_service.domain.commands import Command
from booking_service.domain.ports import Condition
from booking_service.domain.records import Record
from booking_service.domain.voucher import Voucher
from booking_service.domain.voucher_use import VoucherUse

Counted = tuple[Voucher, VoucherUse]


class VoucherReader(Protocol):
    """Stored vouchers with their tallies."""

    async def get(self, name: str) -> Counted:
        """NotFound, also for a deleted one."""

    async def found(self, event: str, code: str) -> Counted | None:
        """By its code in whatever case; None for one that never was or was deleted."""

    async def many(self, names: Sequence[str]) -> Sequence[Counted]:
        """In that order, without those that are not there or were deleted."""

    async def of_event(
        self, event: str, conditions: Sequence[Condition] = (), *, after: Sequence[Any] | None = None, limit: int
    ) -> tuple[Sequence[Counted], Sequence[Any] | None]:
        """By code, those that meet all conditions over `voucher` (the id), `tag`, `used_up`; and where to go on."""

    async def due(self, now: datetime, limit: int) -> Sequence[VoucherUse]:
        """Tallies of vouchers whose time has run out and that keep places, oldest first."""


class Rehearsal(Protocol):
    """Decides without doing."""

    async def rehearse(self, command: Command) -> Record | None:
        """What it would answer now, and nothing is written; refusals as `Desk.submit`."""

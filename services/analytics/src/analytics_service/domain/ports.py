"""What handlers need of the stores."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from analytics_service.domain.calendar import OrganizerZone
from analytics_service.domain.facts import Fact, FiledFact, SheetKey, ToCount, ToShow
from analytics_service.domain.sales import Sheet


class Organizers(Protocol):
    """The zones of organizers, as the user service told them last."""

    async def follow(self, zone: OrganizerZone) -> None:
        """Remember it unless as new a one is known."""

    async def zone(self, organizer: str) -> OrganizerZone | None:
        """What was told last, if anything was."""


class Facts(Protocol):
    """All facts, kept for good, and notes of what is to be done about them: to be counted, to be shown."""

    async def file(self, fact: Fact, zone: OrganizerZone) -> None:
        """Keep it on its day in `zone` and note it, in one step; nothing if it is filed under as new a version."""

    async def of_payment(self, payment: str) -> Fact | None:
        """What became of a payment: the confirmation or change it paid for, or that it was unclaimed."""

    async def filed_before(self, zone: OrganizerZone, limit: int) -> Sequence[FiledFact]:
        """Facts of the organizer that an earlier version of it put in another zone."""

    async def uncounted(self, limit: int) -> Sequence[ToCount]:
        """What is to be counted, noted first comes first; about `limit` sheets."""

    async def counted(self, done: Sequence[ToCount]) -> None:
        """Take these notes away; others about the same sheets stay."""

    async def sheet_of(self, key: SheetKey) -> Sheet:
        """What all facts filed there count, a line a ticket type and currency."""

    async def unshown(self, limit: int) -> Sequence[ToShow]:
        """What is to be shown, noted first comes first; about `limit` facts."""

    async def shown(self, done: Sequence[ToShow]) -> None:
        """Take these notes away; others about the same facts stay."""

    async def shown_count(self) -> int:
        """How many count something and are not noted to be shown; rather too few than too many."""

    async def show_all_again(self) -> None:
        """Note all to be shown."""

    async def oldest_uncounted(self, organizer: str) -> datetime | None:
        """When the first happened that is still to be counted."""


class Sheets(Protocol):
    """Figures of each event and day, made from facts and never added to."""

    async def version(self, key: SheetKey) -> int:
        """How often it was written; 0: never."""

    async def replace(self, sheet: Sheet, expected_version: int) -> bool:
        """Write it unless somebody else did since `version`."""

    async def of_organizer(self, organizer: str, start: date, end: date, event: str) -> Sequence[Sheet]:
        """Those from `start` to `end`, both included; of one event if it is named."""

    async def newest(self, organizer: str) -> datetime | None:
        """When the last fact happened that is counted in one."""


class FactIndex(Protocol):
    """The facts, made to be explored. It may lose some, or all; `Facts` loses nothing."""

    async def put(self, facts: Sequence[FiledFact]) -> Sequence[FiledFact]:
        """Show them; those that are settled, the rest has to be repeated."""

    async def held(self) -> int:
        """How many facts it holds that count something."""


class Unsettled(Protocol):
    """Domain events that arrived and could not be applied yet."""

    async def oldest(self, organizer: str) -> datetime | None:
        """When the first of them happened that may be about this organizer."""

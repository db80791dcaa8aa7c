"""Webhooks that were verified and acknowledged, and are to be applied."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from payment_service.domain.gateways import Delivery, Notice

FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=1), timedelta(hours=1)
# A webhook may be faster than the commit of its payment, and its gateway may be out of order when it is looked at: of
# money that has come nobody tells again, and nobody asks.
GIVE_UP = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Kept:
    """A notice in the inbox. tries: how often it could not be applied."""

    gateway: str
    notice: Notice
    receive_time: datetime
    tries: int = 0

    @property
    def id(self) -> str:
        """The same for every delivery of it."""
        return f"{self.gateway}|{self.notice.id}"


def next_try(kept: Kept, now: datetime) -> datetime | None:
    """Twice as long as the time before, within bounds; None when it is given up."""
    if now - kept.receive_time > GIVE_UP:
        return None
    return now + min(FIRST_WAIT * (1 << min(kept.tries, 20)), LONGEST_WAIT)


class WebhookInbox(Protocol):
    """Where they are kept. What is kept is on the disk."""

    async def keep(
        self,
        gateway: str,
        notices: Sequence[Notice],
        delivery: Delivery,
        now: datetime,
        *,
        applied: Collection[str] = (),
    ) -> Sequence[Kept]:
        """Those that are new, with the raw delivery; the others change nothing. Unavailable.

        What is to be applied of the new ones; nobody else takes it before its next try is due. applied: ids of notices
        that tell nothing new; they are done with as soon as they are kept.
        """

    async def take(self, now: datetime, limit: int) -> Sequence[Kept]:
        """Those due, each put off to its next try, so that no other process takes it too."""

    async def done(self, kept: Kept) -> None:
        """It was applied, or says nothing."""

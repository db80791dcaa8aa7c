"""A fact that calls for an invoice or a credit note, until that was issued."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain_kit.money import Money

SOONEST, LATEST = timedelta(seconds=1), timedelta(minutes=5)
BOOKED = timedelta(seconds=3)  # until a booking most often says what was paid for; an earlier look is put off, a write


def refund_receipt(refund: str) -> str:
    """What the receipt of a refund is kept under."""
    return f"refunds/{refund}"


@dataclass(frozen=True, slots=True)
class InvoiceDue:
    """source: `payments/{payment}` for an invoice, `payments/{payment}/refunds/{refund}` for a credit note, with
    `/reversed` after it for one that takes that back, of an amount below zero.

    amount: of the payment or the refund. reason: of the refund. look: not to be looked at before.
    """

    source: str
    time: datetime
    payment: str
    booking: str
    organizer: str
    buyer: str
    amount: Money
    reason: str = ""
    look: datetime | None = None

    @property
    def is_credit(self) -> bool:
        """Whether it calls for a credit note."""
        return self.source != self.payment

    @property
    def receipt(self) -> str:
        """What the receipt that tells of its money is kept under: a refund over several payments has one."""
        return refund_receipt(self.source.split("/")[3].partition("-")[0]) if self.is_credit else self.payment

    @property
    def first_look(self) -> datetime:
        """What an invoice says comes from the booking, after it has heard of the money; a credit note has it all."""
        return self.time if self.is_credit else self.time + BOOKED

    def next_look(self, now: datetime) -> datetime:
        """When something it needs has not arrived yet: half as long again as it has waited, within bounds."""
        return now + min(max((now - self.time) / 2, SOONEST), LATEST)

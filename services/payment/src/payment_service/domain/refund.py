"""Money on its way back."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from domain_kit.money import Money

MOST_PER_PAYMENT = 100


class RefundState(Enum):
    """Where a refund stands."""

    PENDING = "PENDING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Refund:
    """Part of a payment going back. `requester` is `users/…`, or `services/…` when it happens by itself.

    attempt: number of the attempt whose money it is.
    """

    id: str
    amount: Money
    reason: str
    requester: str
    create_time: datetime
    state: RefundState = RefundState.PENDING
    gateway_reference: str = ""
    complete_time: datetime | None = None
    attempt: int = 1

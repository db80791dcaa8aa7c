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

    gateway_reference: known as soon as the gateway has taken it on. attempt: number of the attempt whose money it is.
    charged_back: nobody here has asked for it: the payer's bank has decided a dispute against the organizer. fee: what
    the gateway took for that, where it says so.
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
    charged_back: bool = False
    fee: Money | None = None


def charged_back(attempt: int, gateway: str, amount: Money, fee: Money | None, now: datetime) -> Refund:
    """What a dispute that was lost has taken; a payment loses one at most."""
    return Refund(
        "chargeback", amount, "The payer's bank has taken it back.", f"gateways/{gateway}", now,
        RefundState.COMPLETED, complete_time=now, attempt=attempt, charged_back=True, fee=fee,
    )  # fmt: skip

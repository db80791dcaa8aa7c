"""Money on its way back."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING

from domain_kit.money import Money

if TYPE_CHECKING:
    from payment_service.domain.payment import Payment

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
    charged_back: nobody here has asked for it: the payer's bank has decided a dispute against the organizer; FAILED:
    the dispute was won after all, and the money is there again. dispute: its id at the gateway, where that tells of it
    by words. fee: what the gateway took for it, where it says so.
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
    dispute: str = ""


def charged_back(
    number: int, payment: "Payment", amount: Money, dispute: str, fee: Money | None, now: datetime
) -> Refund:
    """What a dispute that was lost has taken. number: from 1, of those that the payment has lost."""
    id = "chargeback" if number == 1 else f"chargeback-{number}"
    return Refund(
        id, amount, "The payer's bank has taken it back.", f"gateways/{payment.current.gateway}", now,
        RefundState.COMPLETED, complete_time=now, attempt=payment.paid_by, charged_back=True, fee=fee, dispute=dispute,
    )  # fmt: skip

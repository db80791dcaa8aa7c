"""Where a payment can stand, and how it gets from one state to the next."""

from enum import Enum

from domain_kit.state_table import StateTable


class State(Enum):
    """Where a payment stands."""

    PENDING = "PENDING"
    REQUIRES_ACTION = "REQUIRES_ACTION"
    PROCESSING = "PROCESSING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    PARTLY_REFUNDED = "PARTLY_REFUNDED"
    REFUNDED = "REFUNDED"


class Action(Enum):
    """What can happen to a payment."""

    ATTEMPT = "ATTEMPT"
    REQUIRE_ACTION = "REQUIRE_ACTION"
    SUCCEED = "SUCCEED"
    FAIL = "FAIL"
    CANCEL = "CANCEL"
    REFUND_PART = "REFUND_PART"
    REFUND_ALL = "REFUND_ALL"


# A payer's browser may finish a payment at the gateway without us, so most rows also start at PENDING and FAILED. Money
# that came counts, whatever we believed before.
LIFE = StateTable(
    "payment",
    {
        (State.PENDING, Action.ATTEMPT): State.PROCESSING,
        (State.FAILED, Action.ATTEMPT): State.PROCESSING,
        (State.REQUIRES_ACTION, Action.ATTEMPT): State.PROCESSING,
        (State.PENDING, Action.REQUIRE_ACTION): State.REQUIRES_ACTION,
        (State.PROCESSING, Action.REQUIRE_ACTION): State.REQUIRES_ACTION,
        (State.FAILED, Action.REQUIRE_ACTION): State.REQUIRES_ACTION,
        (State.PENDING, Action.SUCCEED): State.SUCCEEDED,
        (State.PROCESSING, Action.SUCCEED): State.SUCCEEDED,
        (State.REQUIRES_ACTION, Action.SUCCEED): State.SUCCEEDED,
        (State.FAILED, Action.SUCCEED): State.SUCCEEDED,
        (State.CANCELLED, Action.SUCCEED): State.SUCCEEDED,
        (State.PENDING, Action.FAIL): State.FAILED,
        (State.PROCESSING, Action.FAIL): State.FAILED,
        (State.REQUIRES_ACTION, Action.FAIL): State.FAILED,
        (State.FAILED, Action.FAIL): State.FAILED,
        (State.PENDING, Action.CANCEL): State.CANCELLED,
        (State.PROCESSING, Action.CANCEL): State.CANCELLED,
        (State.REQUIRES_ACTION, Action.CANCEL): State.CANCELLED,
        (State.FAILED, Action.CANCEL): State.CANCELLED,
        (State.SUCCEEDED, Action.REFUND_PART): State.PARTLY_REFUNDED,
        (State.PARTLY_REFUNDED, Action.REFUND_PART): State.PARTLY_REFUNDED,
        (State.SUCCEEDED, Action.REFUND_ALL): State.REFUNDED,
        (State.PARTLY_REFUNDED, Action.REFUND_ALL): State.REFUNDED,
    },
)

CAPTURED = (State.SUCCEEDED, State.PARTLY_REFUNDED, State.REFUNDED)
UNDECIDED = (State.PENDING, State.REQUIRES_ACTION, State.PROCESSING, State.FAILED)

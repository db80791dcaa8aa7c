"""Where a payment can stand, and how it gets from one state to the next."""

from enum import Enum

from domain_kit.state_table import StateTable


class State(Enum):
    """Where a payment stands."""

    PENDING = "PENDING"
    REQUIRES_ACTION = "REQUIRES_ACTION"
    PROCESSING = "PROCESSING"
    AUTHORIZED = "AUTHORIZED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    PARTLY_REFUNDED = "PARTLY_REFUNDED"
    REFUNDED = "REFUNDED"
    DISPUTED = "DISPUTED"


class Action(Enum):
    """What can happen to a payment. REROUTE: another order takes the place of one that can never be paid any more.

    KEEP, LOSE: how a dispute ends; RETURN: one that was lost is won after all.
    …_REST, …_PART: where part of the money was paid back or is about to be.
    """

    ATTEMPT = "ATTEMPT"
    REQUIRE_ACTION = "REQUIRE_ACTION"
    REROUTE = "REROUTE"
    AUTHORIZE = "AUTHORIZE"
    SUCCEED = "SUCCEED"
    FAIL = "FAIL"
    CANCEL = "CANCEL"
    REFUND_PART = "REFUND_PART"
    REFUND_ALL = "REFUND_ALL"
    DISPUTE = "DISPUTE"
    KEEP = "KEEP"
    KEEP_REST = "KEEP_REST"
    LOSE = "LOSE"
    LOSE_PART = "LOSE_PART"
    RETURN = "RETURN"
    RETURN_PART = "RETURN_PART"


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
        (State.PROCESSING, Action.REROUTE): State.PENDING,
        (State.FAILED, Action.REROUTE): State.PENDING,
        (State.REQUIRES_ACTION, Action.REROUTE): State.PENDING,
        (State.PENDING, Action.AUTHORIZE): State.AUTHORIZED,
        (State.PROCESSING, Action.AUTHORIZE): State.AUTHORIZED,
        (State.REQUIRES_ACTION, Action.AUTHORIZE): State.AUTHORIZED,
        (State.FAILED, Action.AUTHORIZE): State.AUTHORIZED,
        (State.PENDING, Action.SUCCEED): State.SUCCEEDED,
        (State.PROCESSING, Action.SUCCEED): State.SUCCEEDED,
        (State.REQUIRES_ACTION, Action.SUCCEED): State.SUCCEEDED,
        (State.AUTHORIZED, Action.SUCCEED): State.SUCCEEDED,
        (State.FAILED, Action.SUCCEED): State.SUCCEEDED,
        (State.CANCELLED, Action.SUCCEED): State.SUCCEEDED,
        (State.PENDING, Action.FAIL): State.FAILED,
        (State.PROCESSING, Action.FAIL): State.FAILED,
        (State.REQUIRES_ACTION, Action.FAIL): State.FAILED,
        (State.FAILED, Action.FAIL): State.FAILED,
        (State.PENDING, Action.CANCEL): State.CANCELLED,
        (State.PROCESSING, Action.CANCEL): State.CANCELLED,
        (State.REQUIRES_ACTION, Action.CANCEL): State.CANCELLED,
        (State.AUTHORIZED, Action.CANCEL): State.CANCELLED,
        (State.FAILED, Action.CANCEL): State.CANCELLED,
        (State.SUCCEEDED, Action.REFUND_PART): State.PARTLY_REFUNDED,
        (State.PARTLY_REFUNDED, Action.REFUND_PART): State.PARTLY_REFUNDED,
        (State.DISPUTED, Action.REFUND_PART): State.DISPUTED,
        (State.SUCCEEDED, Action.REFUND_ALL): State.REFUNDED,
        (State.PARTLY_REFUNDED, Action.REFUND_ALL): State.REFUNDED,
        (State.DISPUTED, Action.REFUND_ALL): State.REFUNDED,
        (State.SUCCEEDED, Action.DISPUTE): State.DISPUTED,
        (State.PARTLY_REFUNDED, Action.DISPUTE): State.DISPUTED,
        (State.DISPUTED, Action.KEEP): State.SUCCEEDED,
        (State.DISPUTED, Action.KEEP_REST): State.PARTLY_REFUNDED,
        (State.DISPUTED, Action.LOSE): State.REFUNDED,
        (State.DISPUTED, Action.LOSE_PART): State.PARTLY_REFUNDED,
        (State.REFUNDED, Action.RETURN): State.SUCCEEDED,
        (State.REFUNDED, Action.RETURN_PART): State.PARTLY_REFUNDED,
        (State.PARTLY_REFUNDED, Action.RETURN): State.SUCCEEDED,
        (State.PARTLY_REFUNDED, Action.RETURN_PART): State.PARTLY_REFUNDED,
    },
)

CAPTURED = (State.SUCCEEDED, State.PARTLY_REFUNDED, State.REFUNDED, State.DISPUTED)
UNDECIDED = (State.PENDING, State.REQUIRES_ACTION, State.PROCESSING, State.FAILED, State.AUTHORIZED)

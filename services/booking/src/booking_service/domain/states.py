"""Where a booking and a ticket can stand, and what leads from one state to another."""

from enum import Enum

from domain_kit.state_table import StateTable


class BookingState(Enum):
    """Where a booking stands."""

    HELD = "HELD"
    CONFIRMED = "CONFIRMED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


class BookingAction(Enum):
    """What can be done to a booking."""

    CONFIRM = "CONFIRM"
    CANCEL = "CANCEL"
    EXPIRE = "EXPIRE"
    HOLD_AGAIN = "HOLD_AGAIN"
    CHECK_IN = "CHECK_IN"


class TicketState(Enum):
    """Where a ticket stands."""

    VALID = "VALID"
    CHECKED_IN = "CHECKED_IN"
    VOID = "VOID"


S, A = BookingState, BookingAction
LIFE = StateTable(
    "booking",
    {
        (S.HELD, A.CONFIRM): S.CONFIRMED,
        (S.HELD, A.CANCEL): S.CANCELLED,
        (S.HELD, A.EXPIRE): S.EXPIRED,
        (S.CONFIRMED, A.CANCEL): S.CANCELLED,
        (S.CONFIRMED, A.CHECK_IN): S.CONFIRMED,
        # Money that came too late finds places after all; it confirms at once.
        (S.EXPIRED, A.HOLD_AGAIN): S.CONFIRMED,
    },
)


def diagram() -> str:
    """The table as a Mermaid state diagram, for the README."""
    arrows = [
        f"    {before.name} --> {after.name}: {action.name.lower()}"
        for (before, action), after in LIFE.transitions.items()
    ]
    return "\n".join(["stateDiagram-v2", "    [*] --> HELD: hold", *arrows])

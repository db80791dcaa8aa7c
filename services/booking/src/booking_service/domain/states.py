"""Where a booking and a ticket can stand, and what leads from one state to another."""

from enum import Enum

from domain_kit.state_table import StateTable


class BookingState(Enum):
    """Where a booking stands."""

    HELD = "HELD"
    PENDING_APPROVAL = "PENDING_APPROVAL"
    CONFIRMED = "CONFIRMED"
    CHECKED_IN = "CHECKED_IN"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    NO_SHOW = "NO_SHOW"

    @property
    def takes_places(self) -> bool:
        """Its places are not for others."""
        return self not in (BookingState.CANCELLED, BookingState.EXPIRED)

    @property
    def owes(self) -> bool:
        """What was not paid for it is owed."""
        return self in (
            BookingState.HELD, BookingState.PENDING_APPROVAL, BookingState.CONFIRMED, BookingState.CHECKED_IN,
        )  # fmt: skip

    @property
    def pending(self) -> bool:
        """It ends by itself at `hold_expire_time`."""
        return self in (BookingState.HELD, BookingState.PENDING_APPROVAL)


class BookingAction(Enum):
    """What can be done to a booking."""

    CONFIRM = "CONFIRM"
    CANCEL = "CANCEL"
    EXPIRE = "EXPIRE"
    HOLD_AGAIN = "HOLD_AGAIN"
    APPROVE = "APPROVE"
    REJECT = "REJECT"
    CHANGE = "CHANGE"
    TRANSFER = "TRANSFER"
    OFFER = "OFFER"
    CHECK_IN = "CHECK_IN"
    UNDO_CHECK_IN = "UNDO_CHECK_IN"
    CLOSE = "CLOSE"


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
        (S.HELD, A.CHANGE): S.HELD,
        (S.PENDING_APPROVAL, A.APPROVE): S.HELD,
        (S.PENDING_APPROVAL, A.REJECT): S.CANCELLED,
        (S.PENDING_APPROVAL, A.CANCEL): S.CANCELLED,
        (S.PENDING_APPROVAL, A.EXPIRE): S.EXPIRED,
        (S.CONFIRMED, A.CANCEL): S.CANCELLED,
        (S.CONFIRMED, A.CHANGE): S.CONFIRMED,
        (S.CONFIRMED, A.TRANSFER): S.CONFIRMED,
        (S.CONFIRMED, A.OFFER): S.CONFIRMED,
        (S.CONFIRMED, A.CHECK_IN): S.CHECKED_IN,
        # The event is over and nobody came.
        (S.CONFIRMED, A.CLOSE): S.NO_SHOW,
        # A change of what nobody was admitted with; further tickets of the same booking.
        (S.CHECKED_IN, A.CHANGE): S.CHECKED_IN,
        (S.CHECKED_IN, A.TRANSFER): S.CHECKED_IN,
        (S.CHECKED_IN, A.OFFER): S.CHECKED_IN,
        (S.CHECKED_IN, A.CHECK_IN): S.CHECKED_IN,
        # The last admission is taken back.
        (S.CHECKED_IN, A.UNDO_CHECK_IN): S.CONFIRMED,
        (S.CHECKED_IN, A.CLOSE): S.COMPLETED,
        # Scans of a gate without network come after the event was closed.
        (S.NO_SHOW, A.CHECK_IN): S.COMPLETED,
        (S.COMPLETED, A.CHECK_IN): S.COMPLETED,
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

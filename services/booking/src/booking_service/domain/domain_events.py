"""What can happen to a booking. The booking after it is added when it is written down."""

from dataclasses import dataclass

from booking_service.domain.states import BookingState
from domain_kit.money import Money


@dataclass(frozen=True, slots=True)
class BookingHeld:
    """Places were taken."""


@dataclass(frozen=True, slots=True)
class BookingConfirmed:
    """Paid or free; tickets were issued. `held_again`: the hold had expired and the places were still to be had."""

    held_again: bool = False


@dataclass(frozen=True, slots=True)
class BookingCancelled:
    """Called off. `refund_due` None: nothing was paid."""

    reason: str
    former_state: BookingState
    refund_due: Money | None = None


@dataclass(frozen=True, slots=True)
class BookingExpired:
    """The hold ended without confirmation."""


@dataclass(frozen=True, slots=True)
class TicketCheckedIn:
    """Somebody was admitted with this ticket."""

    ticket: str


@dataclass(frozen=True, slots=True)
class PaymentUnclaimed:
    """Money came that the booking cannot take; it is to be paid back."""

    payment: str
    reason: str


@dataclass(frozen=True, slots=True)
class WaitingListJoined:
    """Somebody waits for places."""


@dataclass(frozen=True, slots=True)
class WaitingListPriorityChanged:
    """An entry that waits was put before or behind others."""


@dataclass(frozen=True, slots=True)
class WaitingListOffered:
    """Places are held for who waited."""


@dataclass(frozen=True, slots=True)
class WaitingListFulfilled:
    """What was offered was booked for good."""


@dataclass(frozen=True, slots=True)
class WaitingListLapsed:
    """An offer passed unused, or there will be none."""

    reason: str


@dataclass(frozen=True, slots=True)
class WaitingListLeft:
    """Somebody waits no more, by their own wish or the organizer's."""


WaitingListFact = (
    WaitingListJoined
    | WaitingListPriorityChanged
    | WaitingListOffered
    | WaitingListFulfilled
    | WaitingListLapsed
    | WaitingListLeft
)
Happening = (
    BookingHeld
    | BookingConfirmed
    | BookingCancelled
    | BookingExpired
    | TicketCheckedIn
    | PaymentUnclaimed
    | WaitingListFact
)

"""What can happen to a booking. The booking after it is added when it is written down."""

from dataclasses import dataclass

from booking_service.domain.states import BookingState
from domain_kit.money import Money


@dataclass(frozen=True, slots=True)
class BookingHeld:
    """Places were taken. `reason`: why an organizer did it for somebody."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class BookingConfirmed:
    """Paid or free; tickets were issued. `held_again`: the hold had expired and the places were still to be had.

    reason: why it is given free of charge.
    """

    held_again: bool = False
    reason: str = ""


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
class BookingDetailsChanged:
    """Names, addresses or answers are others."""


Happening = (
    BookingHeld
    | BookingConfirmed
    | BookingCancelled
    | BookingExpired
    | TicketCheckedIn
    | PaymentUnclaimed
    | BookingDetailsChanged
)

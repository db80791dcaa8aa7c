"""What can happen to a booking or a voucher. What it is after that is added when it is written down."""

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
class VoucherCreated:
    """A voucher was made."""


@dataclass(frozen=True, slots=True)
class VoucherChanged:
    """Its organizer changed it; a redemption is no change."""


@dataclass(frozen=True, slots=True)
class VoucherDeleted:
    """One that nobody had redeemed was taken back."""


Happening = (
    BookingHeld
    | BookingConfirmed
    | BookingCancelled
    | BookingExpired
    | TicketCheckedIn
    | PaymentUnclaimed
    | VoucherCreated
    | VoucherChanged
    | VoucherDeleted
)

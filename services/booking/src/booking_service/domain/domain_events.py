"""What can happen to a booking and to what goes with it. What it is after it is added when it is written down."""

from dataclasses import dataclass

from booking_service.domain.pricing.breakdown import TaxPart
from booking_service.domain.scans import Scan
from booking_service.domain.states import BookingState
from domain_kit.money import Money


@dataclass(frozen=True, slots=True)
class BookingHeld:
    """Places were taken. `reason`: why an organizer did it for somebody."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class BookingApprovalRequested:
    """Places were taken, in place of BookingHeld where the organizer has to agree first."""


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
class ChangedLine:
    """Tickets of one type and date that left or came, and what all of them cost; in the event's currency too."""

    ticket_type: str
    date: str
    quantity: int
    total: Money
    base_total: Money | None = None


@dataclass(frozen=True, slots=True)
class BookingChanged:
    """Tickets left or came, for good; names of those void and of those issued. `refund_due` None: nothing goes back.

    removed_lines, added_lines: the same by line; empty while it is not confirmed. taxes: those in what came less those
    in what left, in the event's currency too where it is paid in another.
    """

    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    refund_due: Money | None = None
    reason: str = ""
    removed_lines: tuple[ChangedLine, ...] = ()
    added_lines: tuple[ChangedLine, ...] = ()
    taxes: tuple[TaxPart, ...] = ()
    base_taxes: tuple[TaxPart, ...] = ()


@dataclass(frozen=True, slots=True)
class BookingChangeHeld:
    """The places of a change were taken; it counts once it is paid."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class BookingChangeExpired:
    """A change was not paid in time, was withdrawn, or cannot be made any more; the booking is as it was."""

    withdrawn: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TicketTransferred:
    """A ticket was passed on: `old` is void, `new` stands in its place. By name."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class BookingApproved:
    """The organizer agreed; it is held to be paid."""


@dataclass(frozen=True, slots=True)
class BookingRejected:
    """The organizer did not agree."""

    reason: str


@dataclass(frozen=True, slots=True)
class BookingCompleted:
    """It is over and somebody was there."""


@dataclass(frozen=True, slots=True)
class BookingNoShow:
    """It is over and nobody came."""


@dataclass(frozen=True, slots=True)
class TicketCheckedIn:
    """Somebody was admitted with this ticket. again: it had admitted somebody before."""

    ticket: str
    scan: Scan
    again: bool = False


@dataclass(frozen=True, slots=True)
class TicketCheckedOut:
    """Somebody left."""

    ticket: str
    scan: Scan


@dataclass(frozen=True, slots=True)
class CheckInUndone:
    """An admission was taken back."""

    ticket: str
    scan: Scan
    reason: str


@dataclass(frozen=True, slots=True)
class DuplicateScanReported:
    """A ticket let in more people than it admits: `second` did, after `first`."""

    ticket: str
    first: Scan
    second: Scan


@dataclass(frozen=True, slots=True)
class CheckInListCreated:
    """A list of whom to admit was made."""


@dataclass(frozen=True, slots=True)
class CheckInListChanged:
    """Its rules are others."""


@dataclass(frozen=True, slots=True)
class CheckInListDeleted:
    """It was removed."""


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


@dataclass(frozen=True, slots=True)
class BookingCounted:
    """Made before its event had limits for one person, it counts for its buyer from now on."""


@dataclass(frozen=True, slots=True)
class BookingDetailsChanged:
    """Names, addresses or answers are others."""


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


@dataclass(frozen=True, slots=True)
class TicketsOffered:
    """Their buyer would sell these tickets on; by name. Of each an offer was opened."""

    tickets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ResaleOfferOpened:
    """A ticket is for sale again, for what it cost."""


@dataclass(frozen=True, slots=True)
class ResaleOfferReserved:
    """A buyer holds it: that booking."""

    booking: str


@dataclass(frozen=True, slots=True)
class ResaleOfferReopened:
    """The hold ended unpaid; it is for sale again at its old place."""


@dataclass(frozen=True, slots=True)
class ResaleOfferSold:
    """It was sold to that booking; the seller's ticket is void."""

    booking: str


@dataclass(frozen=True, slots=True)
class ResaleOfferWithdrawn:
    """Its seller keeps the ticket."""


@dataclass(frozen=True, slots=True)
class ResaleOfferLapsed:
    """The ticket, or what it was for, is not there any more."""

    reason: str


WaitingListFact = (
    WaitingListJoined
    | WaitingListPriorityChanged
    | WaitingListOffered
    | WaitingListFulfilled
    | WaitingListLapsed
    | WaitingListLeft
)
ResaleFact = (
    ResaleOfferOpened
    | ResaleOfferReserved
    | ResaleOfferReopened
    | ResaleOfferSold
    | ResaleOfferWithdrawn
    | ResaleOfferLapsed
)
Changes = BookingChanged | BookingChangeHeld | BookingChangeExpired | BookingApproved | BookingRejected
Ends = BookingCompleted | BookingNoShow
Happening = (
    BookingHeld
    | BookingApprovalRequested
    | BookingConfirmed
    | BookingCancelled
    | BookingExpired
    | BookingDetailsChanged
    | BookingCounted
    | TicketTransferred
    | PaymentUnclaimed
    | TicketCheckedIn
    | TicketCheckedOut
    | CheckInUndone
    | DuplicateScanReported
    | CheckInListCreated
    | CheckInListChanged
    | CheckInListDeleted
    | VoucherCreated
    | VoucherChanged
    | VoucherDeleted
    | Changes
    | Ends
    | WaitingListFact
    | TicketsOffered
    | ResaleFact
)

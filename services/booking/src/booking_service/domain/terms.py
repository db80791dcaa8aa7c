"""On what terms an event is booked, as its organizer set them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from booking_service.domain.pricing.inputs import NO_FEE, RefundStep, ServiceFee

OFFER_FOR = timedelta(hours=24)
TURN_FOR = timedelta(minutes=10)
APPROVE_WITHIN = timedelta(days=3)
PAY_WITHIN = timedelta(days=3)
MOST_WAITED_FOR = 10


@dataclass(frozen=True, slots=True)
class WaitingListTerms:
    """Whether who finds an event sold out may wait for places, and how long an offer of places stands."""

    enabled: bool = False
    offer_for: timedelta = OFFER_FOR
    most: int = MOST_WAITED_FOR


@dataclass(frozen=True, slots=True)
class WaitingRoomTerms:
    """Whether arrivals above a rate queue before they may book, and how long a turn lasts."""

    enabled: bool = False
    admissions_per_minute: int = 60
    turn_for: timedelta = TURN_FOR


NO_WAITING_LIST, NO_WAITING_ROOM = WaitingListTerms(), WaitingRoomTerms()


@dataclass(frozen=True, slots=True)
class RefundTerms:
    """What goes back to who gives tickets up. until: for bookings made before that moment; None: for later ones.

    steps: longest before the start first; none at all: everything comes back until the start.
    """

    steps: tuple[RefundStep, ...] = ()
    keeps_fees: bool = False
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class BookingTerms:
    """What holds for all bookings of an event. 0 of a limit: none. No hold_for: the platform's.

    approve_within, pay_within: how long the organizer's approval may take, and the payment after it.
    """

    refund_steps: tuple[RefundStep, ...] = ()
    refund_keeps_fees: bool = False
    most_per_booking: int = 0
    most_per_person: int = 0
    change_allowed: bool = False
    transfer_allowed: bool = False
    resale_allowed: bool = False
    service_fee: ServiceFee = NO_FEE
    waiting_list: WaitingListTerms = NO_WAITING_LIST
    waiting_room: WaitingRoomTerms = NO_WAITING_ROOM
    hold_for: timedelta | None = None
    approve_within: timedelta = APPROVE_WITHIN
    ticket_logo: bytes = b""
    seats_left_alone_allowed: bool = False
    pay_within: timedelta = PAY_WITHIN

    @property
    def refunds(self) -> RefundTerms:
        """Those of them that refunds rest on."""
        return RefundTerms(self.refund_steps, self.refund_keeps_fees)


PLAIN_TERMS = BookingTerms()

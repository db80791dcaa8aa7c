"""On what terms an event is booked."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from domain_kit.money import Money
from event_service.domain.problems import HIGHEST_PRICE, Problems

# How a file of the kind begins (PNG specification 5.2; JPEG, ITU-T T.81 annex B).
PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")


@dataclass(frozen=True, slots=True)
class RefundStep:
    """Whoever cancels at least `before_start` before the start gets `basis_points` hundredths of a percent back."""

    before_start: timedelta
    basis_points: int


@dataclass(frozen=True, slots=True)
class ServiceFee:
    """Added to each paid ticket: an amount, and hundredths of a percent of its price after discounts."""

    fixed: Money | None = None
    basis_points: int = 0


@dataclass(frozen=True, slots=True)
class WaitingListTerms:
    """Waiting for places that become free. No duration is 24 hours, 0 tickets are 10."""

    enabled: bool = False
    offer_duration: timedelta | None = None
    max_quantity: int = 0


@dataclass(frozen=True, slots=True)
class WaitingRoomTerms:
    """Queueing before a rush. No duration is 10 minutes."""

    enabled: bool = False
    admissions_per_minute: int = 0
    turn_duration: timedelta | None = None


@dataclass(frozen=True, slots=True)
class BookingTerms:
    """The terms; as made, the defaults. Limits of 0 are none; durations that are not set are the platform's."""

    refund_steps: tuple[RefundStep, ...] = ()
    refund_keeps_fees: bool = False
    max_tickets_per_booking: int = 0
    max_tickets_per_person: int = 0
    change_allowed: bool = False
    transfer_allowed: bool = False
    resale_allowed: bool = False
    service_fee: ServiceFee = ServiceFee()
    waiting_list: WaitingListTerms = WaitingListTerms()
    waiting_room: WaitingRoomTerms = WaitingRoomTerms()
    hold_duration: timedelta | None = None
    ticket_logo: bytes = b""
    approval_duration: timedelta | None = None
    seats_left_alone_allowed: bool = False
    payment_duration: timedelta | None = None


DEFAULT_TERMS = BookingTerms()


def terms_problems(terms: BookingTerms) -> Problems:
    """What is wrong with the terms."""
    for index, (longer, shorter) in enumerate(pairwise(terms.refund_steps), 1):
        if shorter.before_start >= longer.before_start:
            yield f"refund_steps[{index}].before_start", "must be shorter than that of the step before."
    fixed = terms.service_fee.fixed
    if fixed is not None and not 0 <= fixed.minor_units <= HIGHEST_PRICE:
        yield "service_fee.fixed", "must not be negative and not higher than any ticket costs."
    if terms.waiting_room.enabled and terms.waiting_room.admissions_per_minute < 1:
        yield "waiting_room.admissions_per_minute", "is required when the waiting room is enabled."
    if terms.ticket_logo and not terms.ticket_logo.startswith(PICTURES):
        yield "ticket_logo", "must be a PNG or JPEG file."

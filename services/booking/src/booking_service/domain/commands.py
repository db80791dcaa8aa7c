"""What can be asked of one event's bookings: each a pure decision on the event's stock and one booking."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar, Protocol

from booking_service.domain import domain_events as facts
from booking_service.domain.booking import Booking, Line, Ticket, places_of, total_of
from booking_service.domain.inventory import release, take
from booking_service.domain.offer import Offer, OfferState
from booking_service.domain.selling import Wanted, choose_lines, sold_out
from booking_service.domain.states import LIFE, BookingAction, BookingState
from booking_service.domain.stock import Outcome, Step, Stock, changed, unchanged
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, NotFound, Refusal


class TicketIssuer(Protocol):
    """Makes tickets nobody else can make."""

    def issue(self, booking: str) -> tuple[str, str]:
        """Name and code of a new ticket of this booking."""


class Command(Protocol):
    """A request to change one event's bookings.

    booking: name of the one it is about, "" for none. etag: what the caller saw of it, "" for no check.
    reads: whether the booking exists already. recorded: whether it is remembered also when it changes nothing.
    """

    reads: ClassVar[bool]
    recorded: ClassVar[bool]

    @property
    def event(self) -> str:
        """The event's resource name."""

    @property
    def booking(self) -> str:
        """The booking's resource name."""

    @property
    def etag(self) -> str:
        """The expected etag."""

    def decide(self, stock: Stock, booking: Booking | None, now: datetime) -> Outcome:
        """The outcome, or a refusal. Pure; may be asked again on fresher state."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Take places and hold them for the buyer. `booking`: the name the new one shall have."""

    event: str
    booking: str
    buyer: str
    wanted: Sequence[Wanted]
    hold_for: timedelta
    etag: str = ""
    reads: ClassVar[bool] = False
    recorded: ClassVar[bool] = True

    def decide(self, stock: Stock, booking: Booking | None, now: datetime) -> Outcome:  # noqa: ARG002
        """FailedPrecondition SOLD_OUT and as `choose_lines`; NotFound for an unknown event or type."""
        offer = stock.known_offer()
        lines = choose_lines(offer, self.wanted, now)
        total = total_of(lines)
        stock = _taken(stock, lines)
        held = Booking(
            name=self.booking,
            event=self.event,
            organizer=offer.organizer,
            buyer=self.buyer,
            state=BookingState.HELD,
            lines=lines,
            total=total,
            create_time=now,
            update_time=now,
            hold_expire_time=now + self.hold_for,
        )
        return changed(stock, Step(facts.BookingHeld(), held))


@dataclass(frozen=True, slots=True)
class Confirm:
    """Issue the tickets of a booking that costs nothing."""

    event: str
    booking: str
    issuer: TicketIssuer
    etag: str = ""
    reads: ClassVar[bool] = True
    recorded: ClassVar[bool] = True

    def decide(self, stock: Stock, booking: Booking | None, now: datetime) -> Outcome:
        """FailedPrecondition PAYMENT_REQUIRED, BOOKING_EXPIRED, BOOKING_CANCELLED, EVENT_NOT_ON_SALE."""
        booking = _known(self.booking, booking)
        if booking.state is BookingState.CONFIRMED:
            return unchanged(stock, booking)
        _refuse_late(booking, BookingAction.CONFIRM, now)
        if booking.total:
            raise FailedPrecondition(
                "PAYMENT_REQUIRED",
                f"{booking.total} is owed; the booking is confirmed by its payment.",
                metadata={"total": str(booking.total)},
            )
        _require_published(stock.known_offer())
        after = booking.confirmed(issue_tickets(booking, self.issuer), "", now)
        return changed(stock, Step(facts.BookingConfirmed(), after))


@dataclass(frozen=True, slots=True)
class Cancel:
    """Call a booking off and free its places."""

    event: str
    booking: str
    reason: str
    etag: str = ""
    reads: ClassVar[bool] = True
    recorded: ClassVar[bool] = True

    def decide(self, stock: Stock, booking: Booking | None, now: datetime) -> Outcome:
        """FailedPrecondition TICKET_CHECKED_IN, BOOKING_EXPIRED."""
        booking = _known(self.booking, booking)
        if booking.state is BookingState.CANCELLED:
            return unchanged(stock, booking)
        _refuse_late(booking, BookingAction.CANCEL, now)
        after, fact = booking.cancelled(self.reason, now)
        return changed(_freed(stock, booking), Step(fact, after))


@dataclass(frozen=True, slots=True)
class Expire:
    """End a hold whose time has run out; nothing where it has not, or is no hold any more."""

    event: str
    booking: str
    etag: str = ""
    reads: ClassVar[bool] = True
    recorded: ClassVar[bool] = False

    def decide(self, stock: Stock, booking: Booking | None, now: datetime) -> Outcome:
        """NotFound."""
        booking = _known(self.booking, booking)
        if not booking.hold_is_over(now):
            return unchanged(stock, booking)
        return changed(_freed(stock, booking), Step(facts.BookingExpired(), booking.expired(now)))


@dataclass(frozen=True, slots=True)
class CheckIn:
    """Admit the bearer of a ticket."""

    event: str
    booking: str
    ticket: str
    code: str
    etag: str = ""
    reads: ClassVar[bool] = True
    recorded: ClassVar[bool] = True

    def decide(self, stock: Stock, booking: Booking | None, now: datetime) -> Outcome:
        """FailedPrecondition TICKET_CHECKED_IN, TICKET_VOID; NotFound, also for a code that was replaced."""
        booking = _known(self.booking, booking)
        if booking.ticket(self.ticket).code != self.code:
            raise NotFound.named(self.ticket)
        after = booking.checked_in(self.ticket, now)
        return changed(stock, Step(facts.TicketCheckedIn(self.ticket), after))


@dataclass(frozen=True, slots=True)
class ClaimPayment:
    """Confirm a booking with money that came for it, or say why it cannot take the money."""

    event: str
    booking: str
    payment: str
    amount: Money
    issuer: TicketIssuer
    etag: str = ""
    reads: ClassVar[bool] = True
    recorded: ClassVar[bool] = False

    def decide(self, stock: Stock, booking: Booking | None, now: datetime) -> Outcome:
        """Never refuses money for a known booking: what cannot be taken becomes PaymentUnclaimed. NotFound."""
        booking = _known(self.booking, booking)
        if self.payment == booking.payment or self.payment in booking.unclaimed:
            return unchanged(stock, booking)
        if booking.state in (BookingState.CONFIRMED, BookingState.CANCELLED):
            return changed(stock, self._turned_away(booking, f"BOOKING_{booking.state.name}", now))
        if self.amount != booking.total:
            return changed(stock, self._turned_away(booking, "AMOUNT_MISMATCH", now))
        if booking.state is BookingState.HELD and not booking.hold_is_over(now):
            try:
                _require_published(stock.known_offer())
            except Refusal as refusal:
                return changed(stock, self._turned_away(booking, refusal.reason, now))
            return changed(stock, self._claimed(booking, now, held_again=False))
        return self._claim_late(stock, booking, now)

    def _claim_late(self, stock: Stock, booking: Booking, now: datetime) -> Outcome:
        steps: list[Step] = []
        if booking.state is BookingState.HELD:  # nobody has written down yet that its time ran out
            stock, booking = _freed(stock, booking), booking.expired(now)
            steps.append(Step(facts.BookingExpired(), booking))
        try:
            stock, booking = _hold_again(stock, booking)
        except Refusal as refusal:
            return changed(stock, *steps, self._turned_away(booking, refusal.reason, now))
        return changed(stock, *steps, self._claimed(booking, now, held_again=True))

    def _claimed(self, booking: Booking, now: datetime, *, held_again: bool) -> Step:
        after = booking.confirmed(issue_tickets(booking, self.issuer), self.payment, now)
        return Step(facts.BookingConfirmed(held_again), after)

    def _turned_away(self, booking: Booking, reason: str, now: datetime) -> Step:
        after = replace(booking, unclaimed=(*booking.unclaimed, self.payment), update_time=now)
        return Step(facts.PaymentUnclaimed(self.payment, reason), after)


@dataclass(frozen=True, slots=True)
class ProjectOffer:
    """Take over what the event service says is sold; in order with the bookings: none rests on an older offer."""

    offer: Offer
    booking: str = ""
    etag: str = ""
    reads: ClassVar[bool] = False
    recorded: ClassVar[bool] = False

    @property
    def event(self) -> str:
        """The event's resource name."""
        return self.offer.event

    def decide(self, stock: Stock, booking: Booking | None, now: datetime) -> Outcome:  # noqa: ARG002
        """Ignores what is older than what is known."""
        if stock.offer is not None and stock.offer.version >= self.offer.version:
            return unchanged(stock, None)
        return Outcome(replace(stock, offer=self.offer))


def issue_tickets(booking: Booking, issuer: TicketIssuer) -> list[Ticket]:
    """One ticket for each place, in the order of the lines."""
    tickets = []
    for line in booking.lines:
        for _ in range(line.quantity):
            name, code = issuer.issue(booking.name)
            tickets.append(Ticket(name, line.ticket_type, line.display_name, code))
    return tickets


def _known(name: str, booking: Booking | None) -> Booking:
    if booking is None:
        raise NotFound.named(name)
    return booking


def _refuse_late(booking: Booking, action: BookingAction, now: datetime) -> None:
    """INVARIANT: a hold whose time ran out counts as expired at once, not only when somebody has written it down."""
    LIFE.after(BookingState.EXPIRED if booking.hold_is_over(now) else booking.state, action)


def _require_published(offer: Offer) -> None:
    if offer.state is not OfferState.PUBLISHED:
        raise FailedPrecondition(
            f"EVENT_{offer.state.name}" if offer.state is OfferState.CANCELLED else "EVENT_NOT_ON_SALE",
            "The event is not on sale.",
            metadata={"state": offer.state.name},
        )


def _freed(stock: Stock, booking: Booking) -> Stock:
    return stock.holding(release(stock.inventory, booking.places()))


def _hold_again(stock: Stock, booking: Booking) -> tuple[Stock, Booking]:
    """The same lines and price, places from wherever their types draw now. The sale may have ended meanwhile."""
    offer = stock.known_offer()
    _require_published(offer)
    lines: tuple[Line, ...] = tuple(
        replace(line, pools=offer.ticket_type(line.ticket_type).pools) for line in booking.lines
    )
    return _taken(stock, lines), replace(booking, lines=lines)


def _taken(stock: Stock, lines: Sequence[Line]) -> Stock:
    """All places of all lines, or FailedPrecondition SOLD_OUT. A type without a pool has no places."""
    offer = stock.known_offer()
    inventory = take(stock.inventory, places_of(lines), offer.capacities) if all(line.pools for line in lines) else None
    if inventory is None:
        raise sold_out(offer, stock.inventory, lines)
    return stock.holding(inventory)

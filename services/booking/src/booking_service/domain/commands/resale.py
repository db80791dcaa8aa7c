"""A buyer offers tickets for resale, or takes an offer back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from booking_service.domain import domain_events as facts
from booking_service.domain.booking import Booking, Line, Ticket, already_checked_in, void_ticket
from booking_service.domain.commands.change import change_pending
from booking_service.domain.commands.command import Found, OnBooking
from booking_service.domain.commands.settle import require_published
from booking_service.domain.lines import rearranged, some_of
from booking_service.domain.offer import Offer, OfferedType
from booking_service.domain.outcome import Outcome, Step, changed, unchanged
from booking_service.domain.package import check_add_ons
from booking_service.domain.passing_on import refuse_if_passed_on
from booking_service.domain.pricing.regrouping import discounts_of
from booking_service.domain.records import Key, View
from booking_service.domain.resale import live_offers, off_board
from booking_service.domain.resale_board import MOST_OPEN, all_open, shown
from booking_service.domain.resale_offer import ResaleBatch, ResaleOffer, ResaleState
from booking_service.domain.selling import check_window
from booking_service.domain.states import LIFE, BookingAction, TicketState
from booking_service.domain.stock import Stock
from booking_service.domain.tariffs import kept_discounts
from domain_kit.refusals import FailedPrecondition


@dataclass(frozen=True, slots=True)
class OfferForResale(OnBooking):
    """Offer tickets of a booking for what they cost, all of them or none. offers: the names the new ones shall have.

    by_terms: as its buyer may, else as an organizer does.
    """

    event: str
    booking: str
    tickets: tuple[str, ...]
    offers: tuple[str, ...]
    by_terms: bool = False
    etag: str = ""
    recorded: ClassVar[bool] = True

    def decide(self, view: View, now: datetime) -> Outcome:
        """Refusals as the rpc OfferTicketsForResale says."""
        booking, offer = view.get(Booking, self.booking), view.stock.known_offer()
        if not offer.terms.resale_allowed:
            raise FailedPrecondition(
                "RESALE_NOT_ALLOWED", "Tickets of this event cannot be sold on.", metadata={"event": self.event}
            )
        state = LIFE.after(booking.state, BookingAction.OFFER)
        if booking.pending is not None:
            raise change_pending(booking)
        require_published(offer)
        tickets = [booking.ticket(name) for name in self.tickets]
        for ticket in tickets:
            _check(view, booking, ticket, offer, now)
            if self.by_terms:
                refuse_if_passed_on(booking, ticket.name)
        _check_rest(view, booking, tickets, offer)
        if len(all_open(view.stock.inventory)) + len(tickets) > MOST_OPEN:
            raise FailedPrecondition(
                "TOO_MANY_RESALE_OFFERS",
                "So many tickets of this event are for sale again that no more are taken on for now.",
                metadata={"max_open": str(MOST_OPEN)},
            )
        made = [
            _offer_of(booking, ticket, name, now) for ticket, name in zip(tickets, self.offers, strict=True)
        ]  # fmt: skip
        names = dict(zip(self.tickets, self.offers, strict=True))
        offered = tuple(replace(each, resale_offer=names.get(each.name, each.resale_offer)) for each in booking.tickets)
        after = replace(booking, state=state, tickets=offered, update_time=now)
        inventory = view.stock.inventory
        for each in made:
            inventory = shown(inventory, each.line.ticket_type, each.line.date, each.name)
        steps = [Step(facts.TicketsOffered(self.tickets), after)]
        steps += [Step(facts.ResaleOfferOpened(), each) for each in made]
        return Outcome(view.stock.holding(inventory), ResaleBatch(self.booking, self.offers), steps)


@dataclass(frozen=True, slots=True)
class WithdrawResaleOffer:
    """Keep a ticket that was offered."""

    event: str
    offer: str
    etag: str = ""
    recorded: ClassVar[bool] = True

    @property
    def subject(self) -> Key:
        """The offer."""
        return ResaleOffer, self.offer

    def needs(self, stock: Stock, found: Found) -> Sequence[Key]:  # noqa: ARG002
        """The offer."""
        return [self.subject]

    def decide(self, view: View, now: datetime) -> Outcome:
        """NotFound; FailedPrecondition RESALE_RESERVED, RESALE_OFFER_SOLD, RESALE_OFFER_LAPSED."""
        offer = view.get(ResaleOffer, self.offer)
        if offer.state is ResaleState.WITHDRAWN:
            return unchanged(view.stock, offer)
        after = offer.withdrawn(now)
        return changed(off_board(view.stock, offer), Step(facts.ResaleOfferWithdrawn(), after))


def _check(view: View, booking: Booking, ticket: Ticket, offer: Offer, now: datetime) -> None:
    """That this ticket can be sold on by itself."""
    if ticket.state is TicketState.VOID:
        raise void_ticket(ticket)
    if ticket.state is TicketState.CHECKED_IN:
        raise already_checked_in(ticket)
    for live in live_offers(view, booking, [ticket]):
        raise FailedPrecondition(
            "TICKET_OFFERED", "This ticket is offered for resale already.",
            metadata={"ticket": ticket.name, "resale_offer": live.name},
        )  # fmt: skip
    line = booking.lines[ticket.unit.line]
    kind = offer.ticket_type(line.ticket_type)
    check_window(offer, kind, now, offer.date(line.date))
    sold = some_of(line, [ticket.unit.unit])
    reasons = {
        "BUNDLE": bool(line.contents),
        "ADD_ON": kind.add_on,
        "VOUCHER": bool(line.vouchers),
        "APPROVAL": kind.approval_required,
        "NOT_PAID_HERE": booking.paid < sold.total.minor_units or _given(sold, kind),
        "DISCOUNT": _is_of_a_group(booking, offer),
        "NOT_REFUNDABLE": any(each.unit == ticket.unit for each in booking.not_refundable),
        "NO_ACCOUNT": not booking.buyer,  # who is neither kept from buying it nor told what became of it
    }
    for reason in (each for each, holds in reasons.items() if holds):
        raise FailedPrecondition(
            "TICKET_NOT_RESALABLE",
            "Tickets of bundles, add-ons, tickets bought with a voucher, in a group with a discount or with the"
            " organizer's approval, those given away or paid for elsewhere, those that are not refundable since an"
            " exchange and those of somebody without an account cannot be sold on.",
            metadata={"ticket": ticket.name, "cause": reason},
        )


def _is_of_a_group(booking: Booking, offer: Offer) -> bool:
    """Whether some ticket is cheaper because of others: with these sold on it would stay so for nothing."""
    names = discounts_of([line.priced() for line in booking.lines])
    known = {each.name: each for each in kept_discounts(offer, booking.lines, booking.discounts)} if names else {}
    return any(
        name not in known
        or known[name].condition_quantity > 1
        or (known[name].condition_types and known[name].condition_types != known[name].benefit_types)
        for name in names
    )


def _given(line: Line, kind: OfferedType) -> bool:
    """Whether the organizer gave it to somebody for nothing while others pay: nobody else shall have it for that."""
    prices = (kind.price, *(phase.price for phase in kind.phases))
    return not line.priced().subtotal and all(prices)


def _check_rest(view: View, booking: Booking, tickets: Sequence[Ticket], offer: Offer) -> None:
    """That no add-on is left without the admission it belongs to when all that is for sale is sold."""
    selling = {booking.ticket(each.ticket).unit for each in live_offers(view, booking)}
    rest = rearranged(booking.lines, selling | {each.unit for each in tickets}, ()).lines
    entries = [
        (kind, line.quantity, line.date)
        for line in rest if (kind := offer.find_ticket_type(line.ticket_type)) is not None
    ]  # fmt: skip
    try:
        check_add_ons(offer, entries)
    except FailedPrecondition as refusal:
        raise FailedPrecondition(
            "ADD_ON_LEFT_ALONE",
            "An add-on of this booking goes with that ticket; take it out of the booking first.",
            metadata=refusal.metadata,
        ) from refusal


def _offer_of(booking: Booking, ticket: Ticket, name: str, now: datetime) -> ResaleOffer:
    line = some_of(booking.lines[ticket.unit.line], [ticket.unit.unit])
    return ResaleOffer(
        name=name,
        event=booking.event,
        organizer=booking.organizer,
        seller=booking.buyer,
        booking=booking.name,
        ticket=ticket.name,
        line=replace(line, attendees=(), accessible_seats=0),
        state=ResaleState.OPEN,
        create_time=now,
        update_time=now,
    )

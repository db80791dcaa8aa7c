"""What becomes of tickets that are offered for resale: reserved with a hold, sold with its confirmation, open again.

INVARIANT: the places of an event do not change by a resale. Until the buyer's booking is confirmed place and seat are
the seller's, whose ticket is void in the very commit that issues the buyer's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from booking_service.domain import domain_events as facts
from booking_service.domain.booking import Booking, Line, PriceChange, Ticket
from booking_service.domain.changing import applied, given_back
from booking_service.domain.issuing import TicketIssuer, issue_at
from booking_service.domain.lines import taken_out
from booking_service.domain.occupancy import is_offer, keys_of, merged, part_of, vacated
from booking_service.domain.offer import OfferState
from booking_service.domain.outcome import Step
from booking_service.domain.pricing.changes import UnitAt
from booking_service.domain.records import Key, Record, View
from booking_service.domain.refunding import date_is_off
from booking_service.domain.resale_board import hidden, open_offers, shown
from booking_service.domain.resale_offer import ResaleOffer, ResaleState, resale_reserved
from booking_service.domain.seat_taking import seats_occupied
from booking_service.domain.selling import sold_out
from booking_service.domain.states import TicketState
from booking_service.domain.stock import Stock
from booking_service.domain.waiting_list import left_to_public
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition

RESOLD = "RESOLD"


@dataclass(frozen=True, slots=True)
class Resale:
    """What several steps lead to: the stock, what happened and the tallies, and the view after all of it."""

    view: View
    steps: tuple[Step, ...] = ()
    tallies: tuple[Record, ...] = ()

    @property
    def stock(self) -> Stock:
        """The stock after it."""
        return self.view.stock

    def then(self, stock: Stock, *steps: Step, tallies: Sequence[Record] = ()) -> "Resale":
        """With more of it."""
        view = self.view.after(stock, [*(step.record for step in steps), *tallies])
        return Resale(view, (*self.steps, *steps), tuple(merged(self.tallies, tallies)))


def bought(booking: Booking) -> list[Line]:
    """The lines that will have the places of others."""
    return [line for line in booking.lines if line.resale_offer]


def seller_keys(booking: Booking, found: Mapping[Key, Record | None]) -> list[Key]:
    """The records that `sell` looks at beside those of the booking, as far as is known: whose tickets it buys."""
    keys: list[Key] = []
    for line in bought(booking):
        offer = found.get((ResaleOffer, line.resale_offer))
        if isinstance(offer, ResaleOffer):
            seller = found.get((Booking, offer.booking))
            keys += [(Booking, offer.booking), *(keys_of(seller) if isinstance(seller, Booking) else ())]
    return keys


def reserve(so_far: Resale, booking: Booking, now: datetime) -> Resale:
    """Its offers are held for it. FailedPrecondition SOLD_OUT for one that is not open, or kept for who waits."""
    for line in bought(booking):
        view, stock = so_far.view, so_far.stock
        offer = view.get(ResaleOffer, line.resale_offer)
        public = stock.inventory if is_offer(view, booking) else left_to_public(stock.known_offer(), stock.inventory)
        if offer.state is not ResaleState.OPEN or len(open_offers(public, line.ticket_type, line.date)) < 1:
            raise sold_out(stock.known_offer(), public, [line])
        after = offer.reserved(booking.name, booking.hold_expire_time, now)
        so_far = so_far.then(off_board(stock, offer), Step(facts.ResaleOfferReserved(booking.name), after))
    return so_far


def reopen(so_far: Resale, booking: Booking, now: datetime) -> Resale:
    """Its hold is over: what it reserved is for sale again at its old place, or not at all where the event is off."""
    for line in bought(booking):
        stock, offer = so_far.stock, so_far.view.get(ResaleOffer, line.resale_offer)
        if not offer.is_reserved_by(booking.name):
            continue
        if stock.offer is not None and stock.offer.state in (OfferState.CANCELLED, OfferState.DELETED):
            so_far = so_far.then(stock, lapse_step(offer, "EVENT_CANCELLED", now))
            continue
        board = shown(stock.inventory, offer.line.ticket_type, offer.line.date, offer.name)
        so_far = so_far.then(stock.holding(board), Step(facts.ResaleOfferReopened(), offer.reopened(now)))
    return so_far


def sell(so_far: Resale, booking: Booking, issuer: TicketIssuer, now: datetime) -> tuple[Resale, Booking]:
    """What it reserved becomes its own, and the booking is ready to be confirmed.

    FailedPrecondition RESALE_LAPSED for an offer that is not reserved for it any more.
    """
    if not bought(booking):
        return so_far, booking
    for line in bought(booking):
        offer = so_far.view.get(ResaleOffer, line.resale_offer)
        if not offer.is_reserved_by(booking.name):
            raise FailedPrecondition(
                "RESALE_LAPSED",
                "A ticket of this booking is not for sale any more.",
                metadata={"resale_offer": offer.name, "state": offer.state.name},
            )
        own = replace(line, resale_offer="")
        so_far = _handed_over(so_far, offer, part_of(booking, [own]), issuer, now)
    return so_far, replace(booking, lines=tuple(replace(line, resale_offer="") for line in booking.lines))


def _handed_over(so_far: Resale, offer: ResaleOffer, buyers: Booking, issuer: TicketIssuer, now: datetime) -> Resale:
    """The seller's ticket is void and refunded; its place and seat are the buyer's. Their person counted it already."""
    view, former = so_far.view, so_far.stock
    seller = view.get(Booking, offer.booking)
    units = frozenset([seller.ticket(offer.ticket).unit])
    gone = taken_out(seller.lines, units)
    given_up = _given_up(seller, units, gone, issuer, now)
    stock, tallies = vacated(view, part_of(seller, gone))
    # As many places come as went, whatever the pools hold by now: nobody else can have them in between.
    was = former.inventory
    stock = stock.holding(replace(stock.inventory, taken=was.taken, sold=was.sold, sorts=was.sorts))
    if any(line.seats for line in buyers.lines):
        stock, seats = seats_occupied(view.after(stock, tallies), stock, [buyers])
        tallies = merged(tallies, seats)
    sold = Step(facts.ResaleOfferSold(offer.buyer_booking), offer.sold(now))
    return so_far.then(stock, given_up, sold, tallies=tallies)


def _given_up(
    seller: Booking, units: frozenset[UnitAt], gone: Sequence[Line], issuer: TicketIssuer, now: datetime
) -> Step:
    """As a change that takes the ticket out, or a cancellation where it was the last; all of its price goes back."""
    refund = sum(line.total.minor_units for line in gone)
    if sum(line.quantity for line in seller.lines) == len(units):
        after, called_off = seller.cancelled(RESOLD, refund, now)
        return Step(called_off, after)
    after, places = applied(seller, units, (), now)
    after = given_back(after, seller.total, refund)
    after = replace(after, price_change=PriceChange(now, -refund, refund, 0))
    after, fact = issue_at(after, seller, places, issuer)
    due_back = Money(refund, seller.total.currency) if refund else None
    return Step(replace(fact, refund_due=due_back, reason=RESOLD), after)


def live_offers(view: View, booking: Booking, tickets: Sequence[Ticket] | None = None) -> list[ResaleOffer]:
    """Those of these tickets of a booking that may still be sold; None: of all."""
    offered = [
        view.get(ResaleOffer, each.resale_offer)
        for each in (booking.tickets if tickets is None else tickets)
        if each.resale_offer and each.state is TicketState.VALID
    ]
    return [offer for offer in offered if offer.state.live]


def refuse_reserved(view: View, booking: Booking, now: datetime, tickets: Sequence[Ticket] | None = None) -> None:
    """FailedPrecondition RESALE_RESERVED while a buyer holds one of them, unless nobody can come with it anyway."""
    for offer in live_offers(view, booking, tickets):
        sold = view.stock.offer
        if offer.is_reserved(now) and (sold is None or not date_is_off(sold, offer.line.date)):
            raise resale_reserved(offer)


def refuse_buying(booking: Booking) -> None:
    """FailedPrecondition RESALE_RESERVED for what holds tickets of others: it is paid, or called off."""
    for line in bought(booking):
        raise FailedPrecondition(
            "RESALE_RESERVED",
            "This booking holds tickets of somebody else; they cannot be changed until it is paid.",
            metadata={"resale_offer": line.resale_offer},
        )


def lapse(so_far: Resale, offers: Sequence[ResaleOffer], reason: str, now: datetime) -> Resale:
    """These are for sale no more."""
    for offer in offers:
        so_far = so_far.then(off_board(so_far.stock, offer), lapse_step(offer, reason, now))
    return so_far


def lapse_step(offer: ResaleOffer, reason: str, now: datetime) -> Step:
    """One of them."""
    return Step(facts.ResaleOfferLapsed(reason), offer.lapsed(reason, now))


def off_board(stock: Stock, offer: ResaleOffer) -> Stock:
    """Nobody finds it any more."""
    return stock.holding(hidden(stock.inventory, offer.line.ticket_type, offer.line.date, offer.name))

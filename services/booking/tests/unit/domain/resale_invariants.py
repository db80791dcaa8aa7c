"""What must hold of an event whose tickets are sold on, after every step and whatever happened."""

from collections import Counter, defaultdict
from datetime import datetime

from hypothesis.stateful import invariant
from numbered import Numbered

from booking_service.domain.booking import Booking, own_places
from booking_service.domain.occupancy import held_for_change
from booking_service.domain.people import Person
from booking_service.domain.resale_board import all_open
from booking_service.domain.resale_offer import ResaleOffer, ResaleState
from booking_service.domain.states import BookingState, TicketState
from booking_service.domain.stock import Stock
from booking_service.domain.taken_seats import TakenSeats

EVENT = "events/e"


def in_event_currency(line):
    return line.total if line.base_total is None else line.base_total


class Invariants(Numbered):
    """For a machine that keeps the records, what money came and what is due back, and what was told."""

    now: datetime
    stock: Stock
    records: dict[object, object]
    came: dict[str, int]
    due_back: Counter[str]
    refunds: dict[str, list[int]]
    told: Counter[tuple[str, str]]

    def of(self, kind, *states):
        found = [each for each in self.records.values() if isinstance(each, kind)]
        return [each for each in found if not states or each.state in states]

    @invariant()
    def places_are_those_of_live_bookings(self):
        """INVARIANT: a resale makes no place and loses none: what is taken is what live bookings have."""
        taken, sold = Counter(), Counter()
        for booking in self.of(Booking):
            for part in (booking, held_for_change(booking)) if booking.state.takes_places else ():
                if part is not None:
                    taken.update(part.demand().places)
                    sold.update(part.demand().tickets)
        assert {pool: each for pool, each in self.stock.inventory.taken.items() if each} == dict(+taken)
        assert {kind: each for kind, each in self.stock.inventory.sold.items() if each} == dict(+sold)

    @invariant()
    def a_place_has_one_valid_ticket(self):
        """INVARIANT: as many tickets are valid as places are booked for good."""
        for booking in self.of(Booking):
            usable = [ticket for ticket in booking.tickets if ticket.state is not TicketState.VOID]
            lasting = booking.state.takes_places and not booking.state.pending
            assert len(usable) == (sum(line.quantity for line in booking.lines) if lasting else 0)
            assert not lasting or not any(line.resale_offer for line in booking.lines)

    @invariant()
    def a_seat_has_one_owner(self):
        """INVARIANT: each seat belongs to one live booking, and the records of the hall say which."""
        owners = [
            (booking.name.rpartition("/")[2], seat)
            for each in self.of(Booking) if each.state.takes_places
            for booking in (each, held_for_change(each)) if booking is not None
            for line in own_places(booking.lines) for seat in line.seats
        ]  # fmt: skip
        known = [
            (owner, f"{each.section}/{row.label}/{seat}") for each in self.of(TakenSeats) for row in each.rows
            for owner, seats in row.bookings.items() for seat in seats
        ]  # fmt: skip
        assert sorted(owners) == sorted(known)
        assert len({seat for _, seat in owners}) == len(owners)

    @invariant()
    def limits_count_what_a_person_has_and_buys(self):
        """INVARIANT: the buyer's tickets count from the hold on, the seller's until they are sold."""
        held = defaultdict(Counter)
        for booking in self.of(Booking):
            if booking.state.takes_places:
                for line in booking.lines:
                    held[booking.buyer][line.ticket_type.rpartition("/")[2]] += line.quantity
        people = {each.buyer: dict(each.tickets) for each in self.of(Person) if each.tickets}
        pending = [each for each in self.of(Booking) if each.pending]
        assert pending or people == {buyer: dict(tickets) for buyer, tickets in held.items()}
        assert all(sum(each.values()) <= 4 for each in people.values())

    @invariant()
    def the_board_has_the_open_offers_oldest_first(self):
        """INVARIANT: what a hold can find is what is open, in order of age, wherever it has been meanwhile."""
        assert sorted(all_open(self.stock.inventory)) == sorted(o.name for o in self.of(ResaleOffer, ResaleState.OPEN))
        assert all(list(ids) == sorted(ids) for ids in self.stock.inventory.resale.values())

    @invariant()
    def a_reserved_offer_has_one_held_booking(self):
        """INVARIANT: never two buyers for a ticket, never the seller, and none is reserved for ever."""
        buying = [
            (line.resale_offer, booking) for booking in self.of(Booking, BookingState.HELD)
            for line in booking.lines if line.resale_offer
        ]  # fmt: skip
        for each in self.of(ResaleOffer):
            holders = [booking for name, booking in buying if name == each.name]
            assert all(booking.buyer != each.seller for booking in holders)
            assert len([booking for booking in holders if not booking.hold_is_over(self.now)]) <= 1
            if each.state is ResaleState.RESERVED:
                [holder] = [booking for booking in holders if booking.name == each.buyer_booking]
                assert each.reserved_until == holder.hold_expire_time

    @invariant()
    def what_is_for_sale_is_a_valid_ticket_of_its_seller(self):
        """INVARIANT: an offer lives exactly as long as its ticket could be used by who sells it."""
        for each in self.of(ResaleOffer):
            seller = self.records[Booking, each.booking]
            ticket = seller.ticket(each.ticket)
            if each.state.live:
                assert (ticket.state, ticket.resale_offer) == (TicketState.VALID, each.name)
                line = seller.lines[ticket.unit.line]
                assert (line.ticket_type, each.line.seats) == (
                    each.line.ticket_type,
                    line.seats[ticket.unit.unit : ticket.unit.unit + 1],
                )
            assert (each.end_time is None) is each.state.live

    @invariant()
    def the_seller_is_paid_back_once_and_only_when_somebody_bought(self):
        """INVARIANT: for each sold ticket exactly its price goes back, and its buyer paid exactly that."""
        sold = defaultdict(list)
        for each in self.of(ResaleOffer, ResaleState.SOLD):
            assert self.told[each.name, "ResaleOfferSold"] == 1
            buyer = self.records[Booking, each.buyer_booking]
            assert buyer.confirm_time is not None
            assert buyer.buyer != each.seller
            assert self.records[Booking, each.booking].ticket(each.ticket).state is TicketState.VOID
            if each.price:
                sold[each.booking].append(each.price.minor_units)
        assert {name: sorted(each) for name, each in sold.items()} == {
            name: sorted(each) for name, each in self.refunds.items()
        }

    @invariant()
    def what_is_sold_on_keeps_its_price_in_the_currency_of_the_event(self):
        """INVARIANT: seller and buyer agree on it there, each pays and is paid in their own money at their own rate."""
        for each in self.of(Booking):
            for line in each.lines:
                for unit in line.priced().units():
                    base = (unit.base or unit).total
                    assert base.currency == "EUR"
                    assert unit.total == (each.exchange_rate.converted(base) if each.exchange_rate else base)
                if line.resale_offer:
                    theirs = self.records[ResaleOffer, line.resale_offer].line
                    assert in_event_currency(line) == in_event_currency(theirs)

    @invariant()
    def money_is_conserved(self):
        """INVARIANT: what came, less what is due back, is what the tickets cost and what the terms retain."""
        for each in self.of(Booking):
            came = sum(self.came[payment] for payment in each.payments)
            assert came - self.due_back[each.name] == each.paid
            assert 0 <= each.retained <= each.paid
            if each.state in (BookingState.CONFIRMED, BookingState.CHECKED_IN):
                assert each.paid == each.total.minor_units + each.retained

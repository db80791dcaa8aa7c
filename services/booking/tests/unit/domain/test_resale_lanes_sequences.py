"""The same sequences of batches at two desks, commits that get lost and deaths, while tickets are sold on."""

from collections import Counter
from dataclasses import replace

import hypothesis.strategies as st
from for_long import for_long
from hypothesis import event, settings
from hypothesis.stateful import invariant, precondition, rule
from sale_invariants import EVENT
from test_sequences import BUYERS, FAULTS, Sale

from booking_service.domain.booking import Booking
from booking_service.domain.commands import Command, Hold, OfferForResale, WithdrawResaleOffer
from booking_service.domain.offer import Offer
from booking_service.domain.resale_offer import ResaleBatch, ResaleOffer, ResaleState
from booking_service.domain.selling import Wanted
from booking_service.domain.states import BookingState, TicketState
from booking_service.outbound.documents import KIND_OF, RESALE_OFFERS
from resource_api import money_from_wire
from usher.booking.v1 import domain_events_pb2 as pb


class ResaleSale(Sale):
    OTHERS = (ResaleBatch, ResaleOffer)

    def offered(self, *changes: object) -> Offer:
        plain = super().offered(*changes)
        return replace(plain, terms=replace(plain.terms, resale_allowed=True))

    def aggregates(self):
        return {*self.bookings, *(each.name for each in self.offers())}

    def may_change(self, told: Booking) -> bool:
        stored = self.bookings[told.name]
        return any(each.resale_offer for each in stored.tickets) or any(each.resale_offer for each in told.lines)

    def offers(self) -> list[ResaleOffer]:
        stored = self.journal.collections.get(RESALE_OFFERS, {})
        return [KIND_OF[ResaleOffer].from_document(stored[name]) for name in sorted(stored)]

    def command(self, draw) -> Command:
        what = draw.draw(st.sampled_from(["offer", "offer", "withdraw", "buy", "else", "else", "else"]))
        number = draw.draw(st.integers(0, 30))
        usable = [
            (name, each.name) for name, booking in sorted(self.bookings.items()) for each in booking.tickets
            if each.state is TicketState.VALID
        ]  # fmt: skip
        if what == "offer" and usable:
            name, ticket = usable[number % len(usable)]
            return OfferForResale(EVENT, name, (ticket,), (f"{EVENT}/resaleOffers/{self.number()}",))
        if what == "withdraw" and (offers := self.offers()):
            return WithdrawResaleOffer(EVENT, offers[number % len(offers)].name)
        if what == "buy" and (offers := self.offers()):
            kind = Wanted(offers[number % len(offers)].line.ticket_type, draw.draw(st.integers(1, 2)))
            return self.hold(draw.draw(st.sampled_from(BUYERS)), kind)
        return super().command(draw)

    def hold(self, buyer: str, wanted: Wanted) -> Hold:
        return Hold(EVENT, f"{EVENT}/bookings/{self.number()}", buyer, (wanted,), self.HELD_FOR)

    @precondition(lambda self: any(each.state is ResaleState.OPEN for each in self.offers()))
    @rule(desk=st.integers(0, 1), number=st.integers(0, 9), fault=FAULTS, both=st.booleans())
    def many_want_what_is_sold_on(self, desk, number, fault, both):
        """At one desk, or half of them at the other at the same time."""
        found = [each for each in self.offers() if each.state is ResaleState.OPEN]
        wanted = Wanted(found[number % len(found)].line.ticket_type, 1)
        sent = [self.sending(self.hold(f"users/late{each}", wanted)) for each in range(4)]
        self.serve(sent[:2] if both else sent, desk, fault, other=sent[2:] if both else ())

    @invariant()
    def open_offers_are_those_that_a_hold_can_find(self):
        """INVARIANT: whatever was lost or repeated, the board and the offers say the same."""
        board = [each for ids in self.inventory.get("resale", {}).values() for each in ids]
        states = {each.name.rpartition("/")[2]: each.state for each in self.offers()}
        assert sorted(board) == sorted(name for name, state in states.items() if state is ResaleState.OPEN)

    @invariant()
    def a_ticket_that_is_sold_on_has_one_buyer(self):
        """INVARIANT: reserved means held by a booking, sold that one is confirmed and the seller's ticket void."""
        for each in self.offers():
            event(each.state.name)
            ticket = self.bookings[each.booking].ticket(each.ticket)
            if each.state is ResaleState.RESERVED:
                buyer = self.bookings[each.buyer_booking]
                assert buyer.state is BookingState.HELD
                assert each.name in {line.resale_offer for line in buyer.lines}
            if each.state is ResaleState.SOLD:
                assert self.bookings[each.buyer_booking].confirm_time
            assert (ticket.state is TicketState.VALID) or not each.state.live

    @invariant()
    def the_seller_is_refunded_once_if_somebody_bought(self):
        """INVARIANT: for each ticket that was sold on its price goes back, once, and for no other."""
        due = Counter()
        for kind in (pb.BookingChanged, pb.BookingCancelled):
            for name, fact in self.of_kind(kind):
                if kind is pb.BookingChanged or fact.reason == "RESOLD":
                    due[name] += money_from_wire(fact.refund_due).minor_units if fact.HasField("refund_due") else 0
        sold = Counter()
        for each in self.offers():
            if each.state is ResaleState.SOLD:
                sold[each.booking] += each.price.minor_units
        assert +due == +sold


ResaleSale.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None, print_blob=True)
TestResaleSale = ResaleSale.TestCase
TestLongResaleSale = for_long(ResaleSale, 300)

"""Tickets that their buyers sell on: who may, who gets them, for how much, and what happens to both bookings."""

from dataclasses import replace
from datetime import timedelta

import pytest
from resale_sale import TERMS, refused

from booking_service.domain import domain_events as facts
from booking_service.domain.availability import SaleState, availability_of
from booking_service.domain.booking import Booking
from booking_service.domain.commands import (
    Cancel,
    Change,
    CheckIn,
    Confirm,
    Expire,
    JoinWaitingList,
    LoggedScan,
    MergeScans,
    OfferPlaces,
    ProjectOffer,
    TransferTicket,
    WithdrawResaleOffer,
)
from booking_service.domain.offer import OfferState
from booking_service.domain.pricing.inputs import ServiceFee
from booking_service.domain.questions import Attendee
from booking_service.domain.resale_offer import ResaleOffer, ResaleState
from booking_service.domain.scans import Direction, Scan
from booking_service.domain.seating import SeatRow, Section
from booking_service.domain.states import BookingState, TicketState
from booking_service.domain.taken_seats import TakenSeats
from booking_service.domain.terms import WaitingListTerms
from booking_service.domain.waiting_entry import EntryState, WaitingEntry
from booking_service.domain.waiting_list import servable, wish_of
from domain_kit.money import Money
from domain_kit.refusals import Refusal


def test_who_finds_it_sold_out_gets_the_oldest_ticket_that_is_sold_on_for_what_it_cost(sale):
    sale = sale()
    ada = sale.book("users/ada", 2)
    first, second = sale.offer(ada)
    bob = sale.hold("users/bob")
    [line] = bob.lines
    assert (line.resale_offer, line.quantity, bob.total) == (first.name, 1, Money(1600, "EUR"))
    assert (sale.get(first).state, sale.get(second).state) == (ResaleState.RESERVED, ResaleState.OPEN)
    assert (sale.get(first).buyer_booking, sale.get(first).reserved_until) == (bob.name, bob.hold_expire_time)
    assert sale.stock.inventory.taken == {"hall": 2}


def test_with_the_confirmation_the_code_of_the_seller_is_void_and_their_money_goes_back(sale):
    """INVARIANT: in one commit the buyer gets a new code, the old one is void and its price due back to the cent."""
    sale = sale()
    ada = sale.book("users/ada", 2)
    first, second = sale.offer(ada)
    bob = sale.pay(sale.hold("users/bob"))
    assert sale.facts() == ["BookingChanged", "ResaleOfferSold", "BookingConfirmed"]
    changed = sale.steps[0].happened
    assert (changed.refund_due, changed.removed, changed.reason) == (Money(1600, "EUR"), (first.ticket,), "RESOLD")
    after = sale.get(ada)
    assert [each.state for each in after.tickets] == [TicketState.VOID, TicketState.VALID]
    assert (after.total, after.paid, after.refunded, after.retained) == (Money(1600, "EUR"), 1600, 1600, 0)
    assert bob.tickets[0].code not in {each.code for each in after.tickets}
    assert (bob.state, bob.paid, bob.lines[0].resale_offer) == (BookingState.CONFIRMED, 1600, "")
    assert sale.stock.inventory.taken == {"hall": 2}
    assert sale.get(second).state is ResaleState.OPEN


def test_the_last_ticket_sold_cancels_the_booking_with_all_of_its_price_due_back(sale):
    sale = sale()
    ada, _ = sale.book("users/ada"), sale.book("users/eve")
    sale.offer(ada)
    sale.pay(sale.hold("users/bob"))
    assert sale.facts() == ["BookingCancelled", "ResaleOfferSold", "BookingConfirmed"]
    assert (sale.steps[0].happened.refund_due, sale.steps[0].happened.reason) == (Money(1600, "EUR"), "RESOLD")
    assert (sale.get(ada).state, sale.get(ada).refunded) == (BookingState.CANCELLED, 1600)
    assert sale.stock.inventory.taken == {"hall": 2}


@pytest.mark.parametrize("how", ["expire", "cancel"])
def test_a_hold_that_is_not_paid_puts_the_offer_back_at_its_old_place(sale, how):
    sale = sale()
    ada = sale.book("users/ada", 2)
    first, second = sale.offer(ada)
    bob = sale.hold("users/bob")
    sale.now += timedelta(minutes=10 if how == "expire" else 0)
    sale.ask(Expire(sale.event, bob.name) if how == "expire" else Cancel(sale.event, bob.name, ""))
    assert sale.get(first) == replace(first, update_time=sale.now)
    assert sale.hold("users/eve").lines[0].resale_offer == first.name
    assert sale.hold("users/joe").lines[0].resale_offer == second.name


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("enter", "TICKET_CHECKED_IN"), ("transfer", "TICKET_VOID"), ("remove", "BOOKING_CHANGED"),
        ("cancel", "BOOKING_CANCELLED"), ("off", "EVENT_CANCELLED"),
    ],
)  # fmt: skip
def test_what_is_done_with_a_ticket_ends_its_offer_in_the_same_commit(make, sale, what, reason):
    sale = sale()
    ada = sale.book("users/ada", 2)
    [offered] = sale.offer(ada, ada.tickets[0].name)
    ticket, event, offer = ada.tickets[0], sale.event, sale.stock.offer
    off = replace(offer, version=2, state=OfferState.CANCELLED)
    sale.ask({
        "enter": CheckIn(event, ada.name, ticket.name, ticket.code),
        "transfer": TransferTicket(event, ada.name, ticket.name, Attendee("B", "b@x.org"), True, make.Issuer()),
        "remove": Change(event, ada.name, (ticket.name,), (), (), True, make.Issuer(), timedelta(minutes=1)),
        "cancel": Cancel(event, ada.name, ""),
        "off": ProjectOffer(off),
    }[what])  # fmt: skip
    assert "ResaleOfferLapsed" in sale.facts()
    assert what != "transfer" or sale.get(ada).tickets[-1].resale_offer == ""
    assert (sale.get(offered).state, sale.get(offered).lapse_reason) == (ResaleState.LAPSED, reason)
    assert not sale.stock.inventory.resale
    with pytest.raises(Refusal):
        sale.ask(WithdrawResaleOffer(event, offered.name))


def test_who_got_in_at_a_gate_without_network_is_in_and_the_buyers_money_goes_back(make, sale):
    """INVARIANT: never two people for one place, also where a gate did not know that the ticket was being sold."""
    sale = sale()
    ada = sale.book("users/ada", 2)
    [offered] = sale.offer(ada, ada.tickets[0].name)
    bob, ticket = sale.hold("users/bob"), ada.tickets[0]
    scan = Scan(sale.now, "gate", 1, Direction.ENTRY, "", "")
    sale.ask(MergeScans(sale.event, ada.name, "", (LoggedScan(ticket.name, ticket.code, scan),)))
    assert sale.get(offered).state is ResaleState.LAPSED
    bob = sale.pay(bob)
    assert (bob.state, bob.unclaimed) == (BookingState.HELD, ("payments/0003",))
    assert sale.steps[-1].happened == facts.PaymentUnclaimed("payments/0003", "RESALE_LAPSED")
    assert sale.get(ada).ticket(ticket.name).state is TicketState.CHECKED_IN
    sale.now = bob.hold_expire_time
    assert sale.ask(Expire(sale.event, bob.name)).state is BookingState.EXPIRED


def test_free_places_go_first_and_tickets_of_others_make_up_for_what_is_short(sale):
    sale = sale(hall=3)
    ada = sale.book("users/ada", 2)
    offers = sale.offer(ada)
    bob = sale.hold("users/bob", 3)
    assert [(each.quantity, each.resale_offer) for each in bob.lines] == [
        (1, ""), (1, offers[0].name), (1, offers[1].name),
    ]  # fmt: skip
    assert bob.total == Money(2600 + 1600 + 1600, "EUR")  # the early price is over
    assert sale.stock.inventory.taken == {"hall": 3}
    with refused("SOLD_OUT"):
        sale.hold("users/eve")
    sale.pay(bob)
    assert sale.get(ada).state is BookingState.CANCELLED
    assert sale.stock.inventory.taken == {"hall": 3}


def test_a_free_ticket_is_passed_on_by_confirming_it(make, sale):
    sale = sale(make.type(price=Money(0, "EUR")), terms=replace(TERMS, service_fee=ServiceFee()), hall=1)
    ada = sale.ask(Confirm(sale.event, sale.hold("users/ada").name, sale.issuer))
    sale.offer(ada)
    bob = sale.ask(Confirm(sale.event, sale.hold("users/bob").name, sale.issuer))
    assert sale.facts() == ["BookingCancelled", "ResaleOfferSold", "BookingConfirmed"]
    assert (bob.state, sale.get(ada).state) == (BookingState.CONFIRMED, BookingState.CANCELLED)


def test_a_hold_of_what_is_sold_on_ends_with_the_sale(make, sale):
    """INVARIANT: who sold it can come to the event when it was not paid."""
    end = make.NOW + timedelta(minutes=4)
    sale = sale(make.type(sale_end=end))
    sale.offer(sale.book("users/ada", 2))
    assert sale.hold("users/bob").hold_expire_time == end


def test_late_money_buys_it_after_all_unless_somebody_else_has_it(sale):
    sale = sale()
    ada = sale.book("users/ada", 2)
    [offered] = sale.offer(ada, ada.tickets[0].name)
    bob, sale.now = sale.hold("users/bob"), sale.now + timedelta(minutes=10)
    eve = sale.ask(Expire(sale.event, bob.name)) and sale.hold("users/eve")
    assert sale.pay(bob).unclaimed == ("payments/0003",)
    assert sale.steps[-1].happened.reason == "SOLD_OUT"
    sale.now += timedelta(minutes=10)
    eve = sale.pay(eve)
    assert sale.facts() == [
        "ResaleOfferReopened", "BookingExpired", "ResaleOfferReserved", "BookingChanged", "ResaleOfferSold",
        "BookingConfirmed",
    ]  # fmt: skip
    assert (eve.state, sale.get(offered).buyer_booking) == (BookingState.CONFIRMED, eve.name)


def test_who_waits_gets_it_before_strangers_do(sale):
    """INVARIANT: a ticket that is sold on is a place that comes free: the first who waits is served with it."""
    sale = sale(terms=replace(TERMS, waiting_list=WaitingListTerms(enabled=True)))
    ada = sale.book("users/ada", 2)
    name = f"{sale.event}/waitingListEntries/w"
    sale.ask(JoinWaitingList(sale.event, name, "users/bob", f"{sale.event}/ticketTypes/standard", "", 1))
    first, second = sale.offer(ada)
    [kind] = availability_of(sale.stock.offer, sale.stock.inventory, sale.now).ticket_types
    assert (kind.remaining, kind.resale_available, kind.sale_state) == (0, 1, SaleState.ON_SALE)
    assert sale.hold("users/eve").lines[0].resale_offer == first.name
    with refused("SOLD_OUT"):
        sale.hold("users/joe")
    entry, inventory = sale.records[WaitingEntry, name], sale.stock.inventory
    wishes = frozenset(servable(sale.stock.offer, inventory))
    assert wishes == {wish_of(entry)}
    sale.ask(OfferPlaces(sale.event, (name,), (f"{sale.event}/bookings/w",), wishes, inventory.reordered))
    offered = sale.records[Booking, f"{sale.event}/bookings/w"]
    assert (offered.lines[0].resale_offer, offered.buyer, offered.total) == (
        second.name, "users/bob", Money(1600, "EUR"),
    )  # fmt: skip
    sale.pay(offered, "payments/w")
    assert sale.records[WaitingEntry, name].state is EntryState.FULFILLED


def test_who_waits_for_what_they_sell_waits_no_more(sale):
    sale = sale(terms=replace(TERMS, waiting_list=WaitingListTerms(enabled=True)))
    ada, name = sale.book("users/ada", 2), f"{sale.event}/waitingListEntries/w"
    sale.ask(JoinWaitingList(sale.event, name, "users/ada", f"{sale.event}/ticketTypes/standard", "", 1))
    sale.offer(ada)
    wishes = frozenset(servable(sale.stock.offer, sale.stock.inventory))
    sale.ask(OfferPlaces(sale.event, (name,), (f"{sale.event}/bookings/w",), wishes, 0))
    entry = sale.records[WaitingEntry, name]
    assert (entry.state, entry.lapse_reason) == (EntryState.LAPSED, "OWN_RESALE_OFFER")


def test_a_seat_changes_hands_with_its_ticket(make, sale):
    """INVARIANT: who buys a ticket with a seat sits on it, and at no moment do two or nobody have it."""
    hall = (Section("a", "A", (SeatRow("1", ("1", "2")),)),)
    sale = sale(make.type(sections=("a",)), hall=9, sections=hall)
    ada = sale.book("users/ada", 2)
    sale.offer(ada, ada.tickets[1].name)
    [seats] = [each for each in sale.records.values() if isinstance(each, TakenSeats)]
    bob = sale.hold("users/bob")
    assert (bob.lines[0].seats, sale.get(seats)) == ((ada.tickets[1].seat,), seats)
    bob = sale.pay(bob)
    assert bob.tickets[0].seat == ada.tickets[1].seat
    assert sale.get(seats).rows[0].bookings == {ada.name[-4:]: ("1",), bob.name[-4:]: ("2",)}
    assert sale.stock.inventory.seats == {"a": 2}


def test_availability_counts_what_is_sold_on_beside_what_is_left(sale):
    sale = sale()

    def told():
        [kind] = availability_of(sale.stock.offer, sale.stock.inventory, sale.now).ticket_types
        return kind.remaining, kind.resale_available, kind.sale_state

    ada = sale.book("users/ada", 2)
    assert told() == (0, 0, SaleState.SOLD_OUT)
    sale.offer(ada)
    assert told() == (0, 2, SaleState.ON_SALE)
    sale.hold("users/bob", 2)
    assert told() == (0, 0, SaleState.SOLD_OUT)


def test_an_event_without_offers_asks_a_hold_for_nothing_more(make, sale):
    """INVARIANT: the way of nearly all holds is as short as without resale."""
    sale = sale()
    hold = make.hold()
    assert list(hold.needs(sale.stock, {})) == []
    sale.offer(sale.book("users/ada", 1))
    assert list(hold.needs(sale.stock, {})) == []  # a place is left: nobody looks at what is sold on
    sale.hold("users/bob")
    assert [kind for kind, _ in hold.needs(sale.stock, {})] == [ResaleOffer]

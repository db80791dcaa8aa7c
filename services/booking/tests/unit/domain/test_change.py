"""Changes of bookings: what leaves, what comes, what it costs and gives back, what waits to be paid."""

from dataclasses import replace
from datetime import timedelta

import pytest
from change_shop import SOON, TERMS, Shop

from booking_service.domain import domain_events as facts
from booking_service.domain.commands import Cancel, CheckIn, Expire, TryChange, WithdrawChange
from booking_service.domain.offer import EventDate, OfferState
from booking_service.domain.pricing.inputs import RefundStep, ServiceFee
from booking_service.domain.seating import SeatRow, Section
from booking_service.domain.states import BookingState, TicketState
from booking_service.domain.taken_seats import TakenSeats
from domain_kit.money import Money


@pytest.fixture
def shop(make):
    return Shop(make)


def test_a_ticket_leaves_and_its_price_comes_back_while_the_others_keep_name_code_and_price(shop):
    shop.book(standard=3)
    first, second, third = shop.booking.tickets
    (fact,) = shop.change([second.name])
    left = facts.ChangedLine(second.ticket_type, "", 1, Money(2500, "EUR"))
    assert fact == facts.BookingChanged((second.name,), (), Money(2500, "EUR"), removed_lines=(left,))
    assert [(each.name, each.code) for each in shop.usable()] == [(each.name, each.code) for each in (first, third)]
    assert [each.unit.unit for each in shop.usable()] == [0, 1]
    assert shop.booking.ticket(second.name).state is TicketState.VOID
    assert (shop.booking.total, shop.booking.paid, shop.booking.due) == (Money(5000, "EUR"), 5000, Money(0, "EUR"))
    assert shop.taken() == {"hall": 2}


def test_a_buyer_gets_back_what_the_terms_say_and_the_rest_is_retained(shop):
    shop.book(standard=2)
    shop.now += SOON
    (fact,) = shop.change([shop.booking.tickets[0].name])
    assert fact.refund_due == Money(1250, "EUR")
    assert (shop.booking.paid, shop.booking.retained, shop.booking.refunded) == (3750, 1250, 1250)
    assert not shop.booking.due


def test_an_organizer_gives_everything_back_also_where_buyers_may_not_change(make):
    shop = Shop(make, terms=replace(TERMS, change_allowed=False)).book(standard=2)
    shop.now += SOON
    assert shop.refused(lambda: shop.change([shop.booking.tickets[0].name])) == "CHANGE_NOT_ALLOWED"
    (fact,) = shop.change([shop.booking.tickets[0].name], by_terms=False)
    assert fact.refund_due == Money(2500, "EUR")


def test_what_is_dearer_waits_with_its_places_until_it_is_paid(shop):
    shop.book(standard=2)
    leaves, stays = shop.booking.tickets
    assert shop.change([leaves.name], vip=1) == [facts.BookingChangeHeld()]
    assert (shop.booking.state, shop.booking.due) == (BookingState.CONFIRMED, Money(3500, "EUR"))
    assert shop.booking.hold_expire_time == shop.now + timedelta(minutes=10)
    assert shop.taken() == {"hall": 2, "lounge": 1}
    assert len(shop.usable()) == 2
    assert shop.refused(lambda: shop.change([stays.name])) == "CHANGE_PENDING"
    (fact,) = shop.pay()
    assert fact.removed == (leaves.name,)
    assert [each.display_name for each in shop.usable()] == ["Standard", "Vip"]
    assert len({each.code for each in shop.booking.tickets}) == 3
    assert shop.taken() == {"hall": 1, "lounge": 1}
    assert (shop.booking.total, shop.booking.paid, shop.booking.due) == (Money(8500, "EUR"), 8500, Money(0, "EUR"))
    assert shop.booking.payments == ("payments/first", "payments/more")
    assert shop.pay("payments/more", Money(3500, "EUR")) == []


def test_a_change_that_is_not_paid_in_time_leaves_the_booking_as_it_was(shop):
    shop.book(standard=2)
    before = shop.booking
    shop.change([before.tickets[0].name], vip=1)
    shop.now += timedelta(minutes=10)
    assert shop.run(Expire(shop.make.EVENT, before.name)) == [facts.BookingChangeExpired()]
    assert replace(shop.booking, update_time=before.update_time) == before
    assert shop.taken() == {"hall": 2}
    late = shop.pay(amount=Money(3500, "EUR"))
    assert late == [facts.PaymentUnclaimed("payments/more", "BOOKING_CONFIRMED")]


def test_a_withdrawn_change_leaves_places_price_and_booking_as_they_were(shop):
    shop.book(standard=2)
    before, stock = shop.booking, shop.stock
    shop.change([before.tickets[0].name], vip=1)
    withdraw = WithdrawChange(shop.make.EVENT, before.name, "too dear")
    assert shop.run(withdraw) == [facts.BookingChangeExpired(withdrawn=True, reason="too dear")]
    assert replace(shop.booking, update_time=before.update_time) == before
    assert shop.stock == stock
    assert shop.pay(amount=Money(3500, "EUR")) == [facts.PaymentUnclaimed("payments/more", "BOOKING_CONFIRMED")]
    assert shop.refused(lambda: shop.run(withdraw)) == "NO_CHANGE_PENDING"
    assert shop.change(vip=1) == [facts.BookingChangeHeld()]


def test_what_waits_for_nothing_cannot_be_withdrawn(shop):
    shop.run(shop.make.hold(standard=1))
    withdraw = WithdrawChange(shop.make.EVENT, shop.booking.name)
    assert shop.refused(lambda: shop.run(withdraw)) == "NO_CHANGE_PENDING"
    shop.pay()
    shop.change(standard=1)
    shop.pay("payments/second")
    assert shop.refused(lambda: shop.run(withdraw)) == "NO_CHANGE_PENDING"
    shop.run(Cancel(shop.make.EVENT, shop.booking.name, ""))
    assert shop.refused(lambda: shop.run(withdraw)) == "BOOKING_CANCELLED"


def test_a_change_whose_time_is_over_was_not_withdrawn_but_ran_out(shop):
    shop.book(standard=1)
    shop.change(standard=1)
    shop.now += timedelta(minutes=10)
    assert shop.run(WithdrawChange(shop.make.EVENT, shop.booking.name)) == [facts.BookingChangeExpired()]


def test_a_seat_held_for_a_withdrawn_change_is_free_again(make):
    shop = Shop(make)
    row = SeatRow("A", ("1", "2", "3", "4"))
    seat = make.type("seat", sections=("stalls",), price=Money(9000, "EUR"))
    offer = replace(
        shop.stock.offer,
        ticket_types=(*shop.stock.offer.ticket_types, seat),
        sections=(Section("stalls", "S", (row,)),),
    )
    shop.stock = replace(shop.stock, offer=offer)
    shop.book(standard=1)
    shop.change(seat=1)
    assert shop.stock.inventory.seats == {"stalls": 1}
    shop.run(WithdrawChange(make.EVENT, shop.booking.name))
    assert shop.stock.inventory.seats == {"stalls": 0}
    assert [each.rows for each in shop.tallies.values() if isinstance(each, TakenSeats)] == [()]


def test_money_for_a_change_that_nobody_has_dropped_yet_still_counts(shop):
    shop.book(standard=1)
    shop.change(standard=1)
    shop.now += timedelta(minutes=11)
    assert [type(each) for each in shop.pay()] == [facts.BookingChanged]
    assert shop.taken() == {"hall": 2}


def test_another_change_may_follow_one_whose_time_is_over(shop):
    shop.book(standard=1)
    shop.change(standard=2)
    shop.now += timedelta(minutes=11)
    assert shop.change(vip=1) == [facts.BookingChangeExpired(), facts.BookingChangeHeld()]
    assert shop.taken() == {"hall": 1, "lounge": 1}


def test_a_wrong_amount_for_a_change_is_unclaimed_and_the_change_still_waits(shop):
    shop.book(standard=1)
    shop.change(standard=1)
    assert shop.pay(amount=Money(1, "EUR")) == [facts.PaymentUnclaimed("payments/more", "AMOUNT_MISMATCH")]
    assert shop.booking.pending


@pytest.mark.parametrize(("spoilt", "reason"), [("admitted", "TICKET_CHECKED_IN"), ("off", "EVENT_CANCELLED")])
def test_money_for_a_change_that_cannot_be_made_any_more_is_unclaimed(shop, spoilt, reason):
    shop.book(standard=1)
    ticket = shop.booking.tickets[0]
    shop.change([ticket.name], vip=1)
    if spoilt == "admitted":
        shop.run(CheckIn(shop.make.EVENT, shop.booking.name, ticket.name, ticket.code))
    else:
        shop.stock = replace(shop.stock, offer=replace(shop.stock.offer, state=OfferState.CANCELLED))
    assert shop.pay() == [facts.BookingChangeExpired(), facts.PaymentUnclaimed("payments/more", reason)]
    assert (shop.booking.pending, shop.taken()) == (None, {"hall": 1})


def test_an_exchange_in_a_full_hall_needs_no_place_more(make):
    shop = Shop(make, hall=2)
    balcony = make.type("balcony", price=Money(4000, "EUR"))
    shop.stock = replace(
        shop.stock, offer=replace(shop.stock.offer, ticket_types=(*shop.stock.offer.ticket_types, balcony))
    )
    shop.book(standard=2)
    shop.change([shop.booking.tickets[0].name], balcony=1)
    assert shop.taken() == {"hall": 2}
    shop.pay()
    assert shop.taken() == {"hall": 2}
    assert shop.refused(lambda: shop.change(standard=1)) == "SOLD_OUT"


def test_an_exchange_for_the_same_price_counts_at_once_and_is_at_full_worth_whatever_the_terms(make):
    shop = Shop(make, terms=replace(TERMS, refund_steps=(RefundStep(timedelta(days=99), 10_000),)))
    other = make.type("other", pools=("lounge",))
    types = (*shop.stock.offer.ticket_types, other)
    shop.stock = replace(shop.stock, offer=replace(shop.stock.offer, ticket_types=types))
    shop.book(standard=1)
    (fact,) = shop.change([shop.booking.tickets[0].name], other=1)
    assert (fact.refund_due, len(fact.removed), len(fact.added)) == (None, 1, 1)
    assert shop.taken() == {"lounge": 1}
    assert (shop.booking.paid, shop.booking.retained) == (2500, 0)


def test_of_an_exchange_for_less_the_terms_share_of_the_rest_comes_back(shop):
    shop.book(vip=1)
    shop.now += SOON
    (fact,) = shop.change([shop.booking.tickets[0].name], standard=1)
    assert fact.refund_due == Money(1750, "EUR")
    assert (shop.booking.total, shop.booking.paid, shop.booking.retained) == (Money(2500, "EUR"), 4250, 1750)


def test_fees_stay_where_the_terms_keep_them(make):
    fee = ServiceFee(Money(200, "EUR"))
    shop = Shop(make, terms=replace(TERMS, refund_keeps_fees=True, service_fee=fee)).book(standard=2)
    (fact,) = shop.change([shop.booking.tickets[0].name])
    assert fact.refund_due == Money(2500, "EUR")
    assert shop.booking.retained == 200


def test_a_held_booking_just_costs_something_else(shop):
    shop.run(shop.make.hold(standard=2))
    until = shop.booking.hold_expire_time
    assert shop.change(reduce=[("standard", 1)], vip=1) == [facts.BookingChanged()]
    assert (shop.booking.due, shop.booking.hold_expire_time) == (Money(8500, "EUR"), until)
    assert shop.taken() == {"hall": 1, "lounge": 1}
    old = shop.pay("payments/old", Money(5000, "EUR"))
    assert old == [facts.PaymentUnclaimed("payments/old", "AMOUNT_MISMATCH")]
    assert shop.pay("payments/new") == [facts.BookingConfirmed()]
    assert len(shop.usable()) == 2


def test_a_trial_says_what_it_would_come_to_and_changes_nothing(shop):
    shop.book(standard=1)
    outcome = shop.make.decide(TryChange(shop.command(vip=1)), shop.stock, shop.booking, now=shop.now)
    assert (outcome.steps, outcome.stock) == ((), shop.stock)
    assert outcome.answer.price_change.due == 6000


def test_what_cannot_be_changed_is_refused_with_its_reason(make):
    shop = Shop(make, most=3).book(standard=2)
    first = shop.booking.tickets[0]
    shop.run(CheckIn(make.EVENT, shop.booking.name, first.name, first.code))
    both = [each.name for each in shop.booking.tickets]
    assert shop.refused(lambda: shop.change([first.name])) == "TICKET_CHECKED_IN"
    assert shop.refused(shop.change) == "NOTHING_CHANGES"
    assert shop.refused(lambda: shop.change([both[1]], standard=1)) == "NOTHING_CHANGES"
    assert shop.refused(lambda: shop.change(standard=2)) == "TOO_MANY_IN_BOOKING"
    assert shop.refused(lambda: shop.change(reduce=[("standard", 2)])) == "TOO_FEW_TO_REMOVE"
    shop.change([both[1]])
    assert shop.refused(lambda: shop.change([both[1]])) == "TICKET_VOID"
    alone = Shop(make).book(standard=1)
    assert alone.refused(lambda: alone.change([alone.booking.tickets[0].name])) == "NOTHING_LEFT"
    alone.now = alone.stock.offer.start_time
    assert alone.refused(lambda: alone.change([alone.booking.tickets[0].name], vip=1)) == "CHANGE_NOT_ALLOWED"


def test_limits_for_a_person_hold_for_changes_and_an_exchange_is_counted_once(make):
    shop = Shop(make, terms=replace(TERMS, most_per_person=2)).book(standard=2)
    assert shop.refused(lambda: shop.change(standard=1)) == "TOO_MANY_FOR_PERSON"
    shop.change([shop.booking.tickets[0].name], vip=1)
    shop.pay()
    (person,) = shop.tallies.values()
    assert person.tickets == {"standard": 1, "vip": 1}


@pytest.mark.parametrize(
    ("later", "basis_points", "off", "refund"),
    [
        (timedelta(0), None, False, 5000),
        (SOON, None, False, 2500),
        (timedelta(days=11), None, False, 0),
        (SOON, 10_000, False, 5000),
        (SOON, 2_000, False, 1000),
        (timedelta(days=11), None, True, 5000),
    ],
)
def test_a_cancellation_gives_back_by_terms_by_the_organizers_word_or_everything(
    shop, later, basis_points, off, refund
):
    shop.book(standard=2)
    shop.now += later
    if off:
        shop.stock = replace(shop.stock, offer=replace(shop.stock.offer, state=OfferState.CANCELLED))
    (fact,) = shop.run(Cancel(shop.make.EVENT, shop.booking.name, "", basis_points=basis_points))
    assert fact.refund_due == Money(refund, "EUR")
    assert (shop.booking.paid, shop.booking.refunded, shop.taken()) == (5000 - refund, refund, {})


@pytest.mark.parametrize("how", ["cancelled", "removed"])
def test_everything_comes_back_for_a_date_that_does_not_take_place(shop, how):
    """INVARIANT: a date that is removed is no worse for its buyers than one that is called off."""
    shop.book(standard=2)
    shop.now += SOON
    date = EventDate(f"{shop.make.EVENT}/dates/a", "A", shop.now + SOON, shop.now + SOON + timedelta(hours=1))
    others = (replace(date, name=f"{shop.make.EVENT}/dates/b"),)
    dates = (*others, replace(date, cancelled=True)) if how == "cancelled" else others
    shop.stock = replace(shop.stock, offer=replace(shop.stock.offer, dates=dates))
    shop.booking = replace(shop.booking, lines=(replace(shop.booking.lines[0], date=date.name),))
    (fact,) = shop.run(Cancel(shop.make.EVENT, shop.booking.name, ""))
    assert fact.refund_due == Money(5000, "EUR")


def test_cancelling_frees_what_a_pending_change_holds(shop):
    shop.book(standard=1)
    shop.change(vip=2)
    shop.run(Cancel(shop.make.EVENT, shop.booking.name, ""))
    assert shop.taken() == {}
    late = shop.pay(amount=Money(12000, "EUR"))
    assert late == [facts.PaymentUnclaimed("payments/more", "BOOKING_CANCELLED")]


def test_an_exchange_takes_another_seat_and_gives_the_old_one_back_when_it_is_paid(make):
    row = SeatRow("1", ("1", "2"))
    sections = (Section("front", "Front", (row,)), Section("back", "Back", (row,)))
    kinds = make.type(sections=("back",)), make.type("vip", price=Money(6000, "EUR"), sections=("front",))
    shop = Shop(make, hall=2)
    shop.stock = replace(shop.stock, offer=replace(shop.stock.offer, ticket_types=kinds, sections=sections))
    shop.book(standard=2)
    leaves, stays = shop.booking.tickets
    shop.change([leaves.name], vip=1)
    assert shop.taken() == {"hall": 2}
    assert seats_taken(shop) == {"back": 2, "front": 1}
    shop.pay()
    assert seats_taken(shop) == {"back": 1, "front": 1}
    assert [each.seat.split("/")[0] for each in shop.usable()] == ["back", "front"]
    assert shop.usable()[0].seat == stays.seat


def seats_taken(shop):
    tallies = (each for each in shop.tallies.values() if isinstance(each, TakenSeats))
    return {each.section: sum(len(row.seats()) for row in each.rows) for each in tallies}

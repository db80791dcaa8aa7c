from dataclasses import replace
from datetime import timedelta

import pytest

from booking_service.domain import domain_events as facts
from booking_service.domain.booking import Line, total_of
from booking_service.domain.commands import Cancel, CheckIn, ClaimPayment, Confirm, Expire, ProjectOffer
from booking_service.domain.inventory import Inventory
from booking_service.domain.offer import EventDate, OfferState
from booking_service.domain.scans import Scan
from booking_service.domain.states import BookingState, TicketState
from booking_service.domain.stock import Stock
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, NotFound

LATE = timedelta(minutes=11)


def happened(outcome):
    return [step.happened for step in outcome.steps]


def confirm(make, booking):
    return Confirm(make.EVENT, booking.name, make.Issuer())


def pay(make, booking, payment="payments/1", amount=None):
    return ClaimPayment(make.EVENT, booking.name, payment, amount or booking.total, make.Issuer())


def reason_of(call):
    with pytest.raises((FailedPrecondition, NotFound)) as refused:
        call()
    return refused.value.reason


def test_a_hold_takes_places_and_fixes_the_price(make):
    outcome = make.decide(make.hold(standard=3), make.stock())
    booking = outcome.answer
    assert outcome.stock.inventory.taken == {"hall": 3}
    assert (booking.state, booking.total) == (BookingState.HELD, Money(7500, "EUR"))
    assert booking.hold_expire_time == make.NOW + timedelta(minutes=10)
    assert happened(outcome) == [facts.BookingHeld()]


def test_a_type_that_draws_on_two_pools_takes_a_place_of_each(make):
    kinds = make.type("dinner", pools=("hall", "table")), make.type("standard")
    stock = make.stock(make.offer(*kinds, capacities={"hall": 5, "table": 2}))
    stock = make.decide(make.hold(dinner=2, standard=1), stock).stock
    assert stock.inventory.taken == {"hall": 3, "table": 2}
    assert reason_of(lambda: make.decide(make.hold(dinner=1), stock)) == "SOLD_OUT"
    assert make.decide(make.hold(standard=2), stock).answer


def test_a_sold_out_refusal_names_the_type_and_what_is_left(make):
    with pytest.raises(FailedPrecondition) as refused:
        make.decide(make.hold(standard=3), make.stock(hall=48))
    assert refused.value.metadata == {"ticket_type": f"{make.EVENT}/ticketTypes/standard", "remaining": "2"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"state": OfferState.DRAFT}, "EVENT_NOT_ON_SALE"),
        ({"state": OfferState.CANCELLED}, "EVENT_NOT_ON_SALE"),
        ({"state": OfferState.DELETED}, "EVENT_NOT_ON_SALE"),
    ],
)
def test_only_published_events_are_sold(make, changes, reason):
    stock = make.stock(make.offer(**changes))
    assert reason_of(lambda: make.decide(make.hold(), stock)) == reason


@pytest.mark.parametrize(
    ("window", "quantity", "reason"),
    [
        ({"sale_start": timedelta(hours=1)}, 1, "SALE_NOT_OPEN"),
        ({"sale_end": timedelta(0)}, 1, "SALE_ENDED"),
        ({"least": 2}, 1, "TOO_FEW_IN_BOOKING"),
        ({"most": 4}, 5, "TOO_MANY_IN_BOOKING"),
        ({"pools": ()}, 1, "SOLD_OUT"),
        ({"pools": ("unknown",)}, 1, "SOLD_OUT"),
    ],
)
def test_sale_windows_and_limits_are_kept(make, window, quantity, reason):
    changes = {name: make.NOW + value if isinstance(value, timedelta) else value for name, value in window.items()}
    stock = make.stock(make.offer(make.type(**changes)))
    assert reason_of(lambda: make.decide(make.hold(standard=quantity), stock)) == reason


def test_without_a_window_the_sale_ends_when_the_event_begins(make):
    offer = make.offer()
    just_before = offer.start_time - timedelta(milliseconds=1)
    assert make.decide(make.hold(), make.stock(offer), now=just_before).answer
    assert reason_of(lambda: make.decide(make.hold(), make.stock(offer), now=offer.start_time)) == "SALE_ENDED"


def test_prices_in_two_currencies_do_not_go_into_one_booking(make):
    kinds = make.type("here"), make.type("there", price=Money(3000, "CAD"))
    stock = make.stock(make.offer(*kinds))
    assert reason_of(lambda: make.decide(make.hold(here=1, there=1), stock)) == "CURRENCIES_MIXED"


def test_an_unknown_event_and_an_unknown_type_are_not_found(make):
    nowhere = Stock(None, Inventory(make.EVENT))
    assert reason_of(lambda: make.decide(make.hold(), nowhere)) == "RESOURCE_NOT_FOUND"
    assert reason_of(lambda: make.decide(make.hold(vip=1), make.stock())) == "RESOURCE_NOT_FOUND"


def test_a_free_booking_is_confirmed_with_a_ticket_for_each_place(make):
    stock, booking = make.held(make.stock(make.offer(make.type(price=Money(0, "EUR")))), standard=3)
    outcome = make.decide(confirm(make, booking), stock, booking)
    assert outcome.answer.state is BookingState.CONFIRMED
    assert outcome.answer.hold_expire_time is None
    assert len({ticket.name for ticket in outcome.answer.tickets}) == 3
    assert outcome.stock == stock
    again = make.decide(confirm(make, booking), stock, outcome.answer)
    assert again.answer is outcome.answer
    assert not again.steps


def test_a_paid_booking_is_not_confirmed_by_asking(make):
    stock, booking = make.held()
    assert reason_of(lambda: make.decide(confirm(make, booking), stock, booking)) == "PAYMENT_REQUIRED"


def test_a_hold_whose_time_is_over_is_expired_before_anybody_wrote_it_down(make):
    stock, booking = make.held()
    late = make.NOW + timedelta(minutes=10)
    assert reason_of(lambda: make.decide(confirm(make, booking), stock, booking, now=late)) == "BOOKING_EXPIRED"
    cancel = Cancel(make.EVENT, booking.name, "")
    assert reason_of(lambda: make.decide(cancel, stock, booking, now=late)) == "BOOKING_EXPIRED"


def test_a_hold_ends_once_and_frees_its_places(make):
    stock, booking = make.held(standard=2)
    expire = Expire(make.EVENT, booking.name)
    assert not make.decide(expire, stock, booking).steps
    ended = make.decide(expire, stock, booking, now=make.NOW + LATE)
    assert (ended.answer.state, ended.stock.inventory.taken) == (BookingState.EXPIRED, {})
    assert not make.decide(expire, ended.stock, ended.answer, now=make.NOW + LATE).steps


def test_a_payment_confirms_in_time_and_only_once(make):
    stock, booking = make.held()
    paid = make.decide(pay(make, booking), stock, booking)
    assert happened(paid) == [facts.BookingConfirmed(held_again=False)]
    assert paid.answer.payment == "payments/1"
    assert not make.decide(pay(make, booking), paid.stock, paid.answer).steps


@pytest.mark.parametrize("swept", [True, False])
def test_a_late_payment_holds_again_where_places_are_left(make, swept):
    stock, booking = make.held(standard=2)
    late, steps = make.NOW + LATE, [facts.BookingConfirmed(held_again=True)]
    if swept:
        ended = make.decide(Expire(make.EVENT, booking.name), stock, booking, now=late)
        stock, booking = ended.stock, ended.answer
    else:
        steps.insert(0, facts.BookingExpired())
    paid = make.decide(pay(make, booking), stock, booking, now=late)
    assert happened(paid) == steps
    assert (paid.answer.state, paid.stock.inventory.taken) == (BookingState.CONFIRMED, {"hall": 2})


def test_a_late_payment_for_places_that_are_gone_is_unclaimed(make):
    stock, booking = make.held(standard=2)
    late = make.NOW + LATE
    ended = make.decide(Expire(make.EVENT, booking.name), stock, booking, now=late)
    full = ended.stock.holding(replace(ended.stock.inventory, taken={"hall": 49}))
    paid = make.decide(pay(make, booking), full, ended.answer, now=late)
    assert happened(paid) == [facts.PaymentUnclaimed("payments/1", "SOLD_OUT")]
    assert (paid.answer.state, paid.stock) == (BookingState.EXPIRED, full)
    assert not make.decide(pay(make, booking), full, paid.answer, now=late).steps


@pytest.mark.parametrize(
    ("offer_changes", "reason"),
    [({"state": OfferState.CANCELLED}, "EVENT_CANCELLED"), ({"ticket_types": ()}, "RESOURCE_NOT_FOUND")],
)
def test_a_late_payment_for_what_is_no_longer_sold_is_unclaimed(make, offer_changes, reason):
    stock, booking = make.held()
    stock = replace(stock, offer=replace(stock.offer, **offer_changes))
    paid = make.decide(pay(make, booking), stock, booking, now=make.NOW + LATE)
    assert happened(paid) == [facts.BookingExpired(), facts.PaymentUnclaimed("payments/1", reason)]
    assert paid.stock.inventory.taken == {}


def test_money_the_booking_cannot_take_is_said_to_be_unclaimed(make):
    stock, booking = make.held()
    wrong = make.decide(pay(make, booking, amount=Money(1, "EUR")), stock, booking)
    assert happened(wrong) == [facts.PaymentUnclaimed("payments/1", "AMOUNT_MISMATCH")]
    paid = make.decide(pay(make, booking), stock, booking)
    second = make.decide(pay(make, booking, "payments/2"), stock, paid.answer)
    assert happened(second) == [facts.PaymentUnclaimed("payments/2", "BOOKING_CONFIRMED")]
    assert second.answer.state is BookingState.CONFIRMED
    called_off = make.decide(Cancel(make.EVENT, booking.name, "ill"), stock, booking)
    third = make.decide(pay(make, booking, "payments/3"), called_off.stock, called_off.answer)
    assert happened(third) == [facts.PaymentUnclaimed("payments/3", "BOOKING_CANCELLED")]


def test_cancelling_frees_places_voids_tickets_and_says_what_is_due(make):
    stock, booking = make.held(standard=2)
    paid = make.decide(pay(make, booking), stock, booking)
    off = make.decide(Cancel(make.EVENT, booking.name, "ill"), paid.stock, paid.answer)
    assert happened(off) == [facts.BookingCancelled("ill", BookingState.CONFIRMED, Money(5000, "EUR"))]
    assert {ticket.state for ticket in off.answer.tickets} == {TicketState.VOID}
    assert off.stock.inventory.taken == {}
    assert not make.decide(Cancel(make.EVENT, booking.name, "again"), off.stock, off.answer).steps


def test_cancelling_a_hold_leaves_nothing_to_pay_back(make):
    stock, booking = make.held()
    off = make.decide(Cancel(make.EVENT, booking.name, ""), stock, booking)
    assert happened(off) == [facts.BookingCancelled("", BookingState.HELD, None)]


def test_a_ticket_admits_once_and_its_booking_stays(make):
    stock, booking = make.held()
    booking = make.decide(pay(make, booking), stock, booking).answer
    ticket = booking.tickets[0]
    check_in = CheckIn(make.EVENT, booking.name, ticket.name, ticket.code)
    admitted = make.decide(check_in, stock, booking)
    assert happened(admitted) == [facts.TicketCheckedIn(ticket.name, Scan(make.NOW, "", 1))]
    with pytest.raises(FailedPrecondition) as refused:
        make.decide(check_in, stock, admitted.answer)
    assert refused.value.reason == "TICKET_CHECKED_IN"
    assert refused.value.metadata["check_in_time"] == "2027-05-01T12:00:00Z"
    cancel = Cancel(make.EVENT, booking.name, "")
    assert reason_of(lambda: make.decide(cancel, stock, admitted.answer)) == "TICKET_CHECKED_IN"
    void = replace(booking, tickets=(replace(ticket, state=TicketState.VOID),))
    assert reason_of(lambda: make.decide(check_in, stock, void)) == "TICKET_VOID"
    assert reason_of(lambda: make.decide(replace(check_in, code="old"), stock, booking)) == "RESOURCE_NOT_FOUND"


def test_without_a_list_a_ticket_for_saturday_admits_nobody_on_friday(make):
    stock, booking = make.held()
    booking = make.decide(pay(make, booking), stock, booking).answer
    friday, saturday = (EventDate(f"{make.EVENT}/dates/{day}", "", at, at + timedelta(hours=6))
                        for day, at in (("fri", make.NOW), ("sat", make.NOW + timedelta(days=1))))  # fmt: skip
    stock = replace(stock, offer=replace(stock.offer, dates=(friday, saturday)))
    check_in = CheckIn(make.EVENT, booking.name, booking.tickets[0].name, booking.tickets[0].code)
    late, early = (
        replace(booking, tickets=(replace(booking.tickets[0], date=day.name),)) for day in (saturday, friday)
    )
    assert reason_of(lambda: make.decide(check_in, stock, late)) == "DATE_WRONG"
    assert make.decide(check_in, stock, early).answer.tickets[0].state is TicketState.CHECKED_IN


@pytest.mark.parametrize("state", [OfferState.CANCELLED, OfferState.DELETED])
def test_nobody_is_let_in_once_the_event_is_off_for_who_was_gets_nothing_back(make, state):
    stock, booking = make.held()
    booking = make.decide(pay(make, booking), stock, booking).answer
    check_in = CheckIn(make.EVENT, booking.name, booking.tickets[0].name, booking.tickets[0].code)
    off = replace(stock, offer=replace(stock.offer, state=state))
    assert reason_of(lambda: make.decide(check_in, off, booking)) == "EVENT_CANCELLED"


def test_an_older_offer_is_ignored(make):
    stock = make.stock(make.offer(version=5))
    assert make.decide(ProjectOffer(make.offer(version=5, title="late")), stock).stock is stock
    assert make.decide(ProjectOffer(make.offer(version=6, title="new")), stock).stock.offer.title == "new"


def test_a_total_is_the_sum_of_its_lines(make):
    lines = [Line("a", 2, "A", Money(1999, "EUR"), ("p",)), Line("b", 3, "B", Money(1, "EUR"), ("p",))]
    assert total_of(lines) == Money(4001, "EUR")

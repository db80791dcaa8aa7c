"""What those who wait leave to the public."""

from dataclasses import replace

import pytest

from booking_service.domain.availability import SaleState, availability_of
from booking_service.domain.occupancy import exchanged, occupied, vacated
from booking_service.domain.records import View
from booking_service.domain.selling import remaining
from booking_service.domain.terms import BookingTerms, WaitingListTerms
from booking_service.domain.waiting_list import left_to_public
from domain_kit.refusals import FailedPrecondition

TERMS = BookingTerms(waiting_list=WaitingListTerms(enabled=True))


def waiting(stock, **wishes):
    counted = {key.replace("_", "//"): entries for key, entries in wishes.items()}
    return stock.holding(replace(stock.inventory, waiting=counted))


def test_what_is_exchanged_stays_with_its_booking_whoever_waits(make):
    """INVARIANT: a change that needs no place more is not refused because somebody waits for places."""
    stock, booking = make.held(make.stock(make.offer(capacities={"hall": 1})))
    stock = waiting(stock, standard_1=1)
    after, _ = exchanged(View(stock, {}), booking, booking.lines, booking.lines)
    assert after.inventory.taken == {"hall": 1}
    freed, _ = vacated(View(stock, {}), booking)
    with pytest.raises(FailedPrecondition, match="SOLD_OUT"):
        occupied(View(freed, {}), booking)


@pytest.mark.parametrize(
    ("taken", "wishes", "left"),
    [
        (40, {}, 10),
        (40, {"standard_1": 3}, 7),
        (40, {"standard_4": 2}, 2),
        (40, {"standard_4": 200}, 0),
        (48, {"standard_4": 2}, 2),  # they cannot be served from 2: these are for whoever can use them
        (48, {"standard_4": 2, "standard_1": 1}, 1),
        (50, {"standard_1": 1}, 0),
    ],
)
def test_as_many_places_are_kept_back_as_those_who_can_be_served_ask_for(make, taken, wishes, left):
    stock = waiting(make.stock(make.offer(), hall=taken), **wishes)
    assert remaining(stock.offer, left_to_public(stock.offer, stock.inventory), ["hall"]) == left


def test_who_waits_for_what_is_short_elsewhere_keeps_nothing_back(make):
    kinds = make.type("standard"), make.type("dinner", pools=("hall", "table"))
    offer = make.offer(*kinds, capacities={"hall": 50, "table": 5})
    for tables, left in ((5, 10), (4, 9)):
        stock = waiting(make.stock(offer, hall=40, table=tables), dinner_1=3)
        assert remaining(offer, left_to_public(offer, stock.inventory), ["hall"]) == left


def test_availability_says_sold_out_and_that_one_may_wait(make):
    offer = make.offer(terms=TERMS)
    stock = waiting(make.stock(offer, hall=49), standard_1=1)
    kept = availability_of(offer, stock.inventory, make.NOW).ticket_types[0]
    assert (kept.remaining, kept.sale_state, kept.waiting_list_open) == (0, SaleState.SOLD_OUT, True)
    free = availability_of(offer, make.stock(offer, hall=49).inventory, make.NOW).ticket_types[0]
    assert (free.sale_state, free.waiting_list_open) == (SaleState.ON_SALE, False)
    closed = make.offer()
    full = availability_of(closed, make.stock(closed, hall=50).inventory, make.NOW).ticket_types[0]
    assert (full.sale_state, full.waiting_list_open) == (SaleState.SOLD_OUT, False)

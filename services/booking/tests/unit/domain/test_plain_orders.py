"""INVARIANT: an order that was priced before costs what it would if it had not been."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from booking_service.domain import selling
from booking_service.domain.inventory import Inventory
from booking_service.domain.offer import Place
from booking_service.domain.pricing.inputs import Phase
from booking_service.domain.questions import Attendee
from booking_service.domain.selling import Wanted, choose_lines
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    monkeypatch.setattr(selling, "_plain_orders", {})


def wanted(make, quantity=1, **more):
    return [Wanted(f"{make.EVENT}/ticketTypes/standard", quantity, **more)]


def price(make, offer, quantity=1, now=None, sold=0):
    inventory = Inventory(make.EVENT, {"hall": sold}, sold={"standard": sold}, version=1)
    (line,) = choose_lines(offer, inventory, wanted(make, quantity), now or make.NOW)
    return line.total.minor_units


def test_a_price_that_changed_counts_at_once(make):
    offers = [make.offer(make.type(price=Money(each, "EUR")), version=each) for each in (2500, 2500, 900, 2500)]
    assert [price(make, each) for each in offers] == [2500, 2500, 900, 2500]


def test_a_quote_which_reads_the_offer_once_more_is_no_other_offer(make, monkeypatch):
    priced = []
    price_of = selling.price_of
    monkeypatch.setattr(selling, "price_of", lambda *of: priced.append(of) or price_of(*of))
    assert [price(make, make.offer()) for _ in range(3)] == [2500] * 3
    assert len(priced) == 1


def test_a_phase_ends_though_the_same_was_ordered_in_it(make):
    soon = make.NOW + timedelta(hours=1)
    early, first = Phase("Early", Money(1500, "EUR"), end=soon), Phase("First", Money(2000, "EUR"), places=5)
    offer = make.offer(make.type(phases=(early, first)))
    assert price(make, offer) == 1500
    assert price(make, offer, now=soon) == 2000
    assert price(make, offer, now=soon, sold=5) == 2500


def test_a_sale_ends_and_a_limit_holds_though_the_same_was_ordered_before(make):
    offer = make.offer(make.type(sale_end=make.NOW + timedelta(hours=1), most=2))
    assert price(make, offer, 2) == 5000
    with pytest.raises(FailedPrecondition, match="no longer sold"):
        price(make, offer, 2, now=make.NOW + timedelta(hours=1))
    for _ in range(2):
        with pytest.raises(FailedPrecondition, match="At most 2"):
            price(make, offer, 3)


def test_taxes_are_those_of_the_day(make):
    """Germany took 16 % in the second half of 2020."""
    days = [datetime(2020, month, 15, tzinfo=UTC) for month in (6, 7, 6)]
    offer = make.offer(
        make.type(), place=Place(country="DE"), start_time=datetime(2021, 6, 1, tzinfo=UTC),
        end_time=datetime(2021, 6, 2, tzinfo=UTC),
    )  # fmt: skip
    lines = [choose_lines(offer, Inventory(make.EVENT, {}), wanted(make), day)[0] for day in days]
    rates = [[tax.millionths for run in line.runs for tax in run.unit.taxes] for line in lines]
    assert rates[0] == rates[2] != rates[1]


def test_orders_of_one_person_alone_are_not_kept(make):
    """Seats and names: nobody else wants them, and names are not to stay in memory."""
    offer, empty = make.offer(), Inventory(make.EVENT, {})
    choose_lines(offer, empty, wanted(make, seats=("A-1",)), make.NOW)
    choose_lines(offer, empty, wanted(make, attendees=(Attendee("Ada", "ada@example.org"),)), make.NOW)
    assert [orders for *_, orders in selling._plain_orders.values()] == [{}]


def test_what_is_known_has_a_bound(make, monkeypatch):
    monkeypatch.setattr(selling, "_PLAIN_OFFERS", 3)
    monkeypatch.setattr(selling, "_PLAIN_ORDERS", 2)
    for number in range(5):
        offer = make.offer(event=f"events/{number}")
        for quantity in (1, 2, 3, 4):
            price(make, offer, quantity)
    assert list(selling._plain_orders) == ["events/2", "events/3", "events/4"]
    assert {len(orders) for *_, orders in selling._plain_orders.values()} == {2}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # it only makes things
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4), st.integers(0, 3)), max_size=12))
def test_as_if_it_had_not_been_ordered(make, orders):
    plain = make.offer()
    phased = make.type(phases=(Phase("Early", Money(700, "EUR"), places=4),))
    offers = [
        plain,
        replace(plain, ticket_types=(make.type(price=Money(1, "EUR")),), version=2),
        make.offer(phased, version=3),
    ]
    for which, quantity, sold in orders:
        known = price(make, offers[which], quantity, sold=sold)
        before, selling._plain_orders = selling._plain_orders, {}
        assert known == price(make, offers[which], quantity, sold=sold)
        selling._plain_orders = before

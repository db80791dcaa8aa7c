"""What is taken counts in the pools that its tickets draw on now, whatever they were sold with."""

from dataclasses import replace
from datetime import timedelta

import pytest

from booking_service.domain.changing import Reduction
from booking_service.domain.commands import (
    Cancel,
    Change,
    ClaimPayment,
    Confirm,
    CreateVouchers,
    Expire,
    LapseReservation,
    OfferForResale,
    ProjectOffer,
    WithdrawChange,
)
from booking_service.domain.offer import EventDate
from booking_service.domain.selling import Wanted
from booking_service.domain.terms import BookingTerms
from booking_service.outbound.documents import inventory_from_document, inventory_to_document
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition

HOLD_FOR = timedelta(minutes=10)


class Sale:
    """Tickets "standard" for nothing and "vip" for 60, both of the hall, and all that was decided so far."""

    def __init__(self, make, **changes) -> None:
        self.make, self.issuer, self.now = make, make.Issuer(), make.NOW
        self.records, self.answer = {}, None
        self.stock = make.stock(self.offer(**changes))

    def offer(self, standard=("hall",), vip=("hall",), version=1, bundle=(), without="", **changes):
        bundle = {f"{self.make.EVENT}/ticketTypes/{name}": count for name, count in dict(bundle).items()}
        kinds = [
            self.make.type(pools=standard, price=Money(0, "EUR")),
            self.make.type("vip", pools=vip, price=Money(6000, "EUR"), bundle=bundle),
        ]
        capacities = {"hall": 10, "house": 6, "lounge": 6}
        kinds = [kind for kind in kinds if kind.id != without]
        terms = BookingTerms(change_allowed=True)
        return self.make.offer(*kinds, **{"capacities": capacities, "version": version, "terms": terms} | changes)

    def offers(self, **changes):
        self.run(ProjectOffer(self.offer(version=self.stock.offer.version + 1, **changes)))

    def run(self, command):
        outcome = self.make.decide(command, self.stock, *self.records.values(), now=self.now)
        inventory = inventory_from_document(inventory_to_document(outcome.stock.inventory, 1, self.now))
        self.stock, self.answer = outcome.stock.holding(inventory), outcome.answer
        for each in (*(step.record for step in outcome.steps), *outcome.tallies):
            self.records[type(each), each.name] = replace(each, version=1)
        return self.answer

    def hold(self, date="", codes=(), **wanted):
        hold = self.make.hold(**wanted)
        lines = [replace(each, date=date) for each in hold.wanted]
        return self.run(replace(hold, wanted=lines, voucher_codes=codes)).name

    def pay(self, name, minor_units):
        return self.run(ClaimPayment(
            self.make.EVENT, name, f"payments/{len(self.records)}-{minor_units}", Money(minor_units, "EUR"), self.issuer
        ))  # fmt: skip

    def change(self, name, fewer=(), more=()):
        kinds = f"{self.make.EVENT}/ticketTypes/"
        reduced = tuple(Reduction(kinds + kind, "", count) for kind, count in dict(fewer).items())
        added = tuple(Wanted(kinds + kind, count) for kind, count in dict(more).items())
        return self.run(Change(self.make.EVENT, name, (), reduced, added, True, self.issuer, HOLD_FOR))

    def cancel(self, name):
        return self.run(Cancel(self.make.EVENT, name, "why"))

    @property
    def taken(self):
        return dict(self.stock.inventory.taken)


def refused(act, *args, **wanted):
    with pytest.raises(FailedPrecondition) as refusal:
        act(*args, **wanted)
    return refusal.value.reason


def test_what_was_sold_before_a_pool_was_added_counts_in_it(make):
    sale = Sale(make)
    early = sale.hold(standard=4)
    sale.offers(standard=("hall", "house"))
    assert sale.taken == {"hall": 4, "house": 4}
    assert refused(sale.hold, standard=3) == "SOLD_OUT"
    sale.hold(standard=2)
    sale.cancel(early)
    assert sale.taken == {"hall": 2, "house": 2}


def test_a_type_that_moves_to_another_pool_takes_along_what_was_sold(make):
    sale = Sale(make)
    early, others = sale.hold(standard=4), sale.hold(vip=1)
    sale.offers(standard=("house",))
    assert sale.taken == {"hall": 1, "house": 4}
    sale.offers(standard=("lounge",))
    assert sale.taken == {"hall": 1, "lounge": 4}
    sale.now += HOLD_FOR
    sale.run(Expire(make.EVENT, early))
    sale.run(Expire(make.EVENT, others))
    assert sale.taken == {}


def test_more_may_be_taken_of_a_pool_than_it_has_and_then_nothing_more_is_sold(make):
    sale = Sale(make)
    early = [sale.hold(standard=1) for _ in range(8)]
    sale.offers(standard=("house",))
    assert sale.taken == {"house": 8}
    assert refused(sale.hold, standard=1) == "SOLD_OUT"
    for name in early[:3]:
        sale.cancel(name)
    sale.hold(standard=1)


def test_a_sold_type_that_is_offered_no_more_stays_where_it_was_last(make):
    sale = Sale(make)
    early = sale.hold(standard=4)
    sale.offers(standard=("house",))
    sale.offers(without="standard")
    assert sale.taken == {"house": 4}
    sale.offers(standard=("lounge",))
    assert sale.taken == {"lounge": 4}
    sale.cancel(early)
    assert sale.taken == {}


def test_places_kept_by_a_voucher_move_with_its_type(make):
    sale = Sale(make)
    kinds = (f"{make.EVENT}/ticketTypes/standard",)
    sale.run(CreateVouchers(make.EVENT, [make.voucher("KEEP", reserved=5, ticket_types=kinds)]))
    sale.offers(standard=("house",))
    assert sale.taken == {"house": 5}
    sale.hold(standard=1)
    assert refused(sale.hold, standard=1) == "SOLD_OUT"
    name = sale.hold(standard=2, codes=("KEEP",))
    assert sale.taken == {"house": 6}
    sale.offers(standard=("lounge",))
    sale.cancel(name)  # the voucher keeps its places again
    assert sale.taken == {"lounge": 6}
    sale.offers(standard=("house",))
    assert sale.taken == {"house": 6}
    sale.hold(standard=5, codes=("KEEP",))


def test_what_a_voucher_kept_and_keeps_no_more_is_free_where_it_counts(make):
    sale = Sale(make)
    kinds = (f"{make.EVENT}/ticketTypes/standard",)
    voucher = make.voucher("KEEP", reserved=5, ticket_types=kinds, valid_until=sale.now + HOLD_FOR)
    sale.run(CreateVouchers(make.EVENT, [voucher]))
    sale.offers(standard=("house",))
    sale.now += HOLD_FOR
    sale.run(LapseReservation(make.EVENT, "keep"))
    assert sale.taken == {}
    sale.offers(standard=("lounge",))
    assert sale.taken == {}


def test_dates_of_a_series_move_each_by_itself(make):
    dates = [EventDate(f"{make.EVENT}/dates/{n}", n, make.NOW + timedelta(days=9), make.NOW + timedelta(days=10))
             for n in ("one", "two")]  # fmt: skip
    pools = make.offer(capacities={"hall": 9, "house": 9, "lounge": 9}).pools
    pools = {id: replace(pool, date={"hall": dates[0].name, "house": dates[1].name}.get(id, ""))
             for id, pool in pools.items()}  # fmt: skip
    sale = Sale(make, standard=("hall", "house"), dates=tuple(dates), pools=pools)
    first = sale.hold(date=dates[0].name, standard=2)
    sale.hold(date=dates[1].name, standard=3)
    assert sale.taken == {"hall": 2, "house": 3}
    pools["lounge"] = replace(pools["lounge"], date=dates[0].name)
    sale.offers(standard=("house", "lounge"), dates=tuple(dates), pools=dict(pools))
    assert sale.taken == {"lounge": 2, "house": 3}
    sale.cancel(first)
    assert sale.taken == {"house": 3}


def test_what_was_sold_before_an_event_got_dates_moves_as_well(make):
    date = EventDate(f"{make.EVENT}/dates/one", "one", make.NOW + timedelta(days=9), make.NOW + timedelta(days=10))
    sale = Sale(make)
    early = sale.hold(standard=2)
    sale.offers(dates=(date,))
    sale.hold(date=date.name, standard=1)
    sale.offers(dates=(date,), standard=("house",))
    assert sale.taken == {"house": 3}
    sale.cancel(early)
    assert sale.taken == {"house": 1}


def test_a_sold_bundle_keeps_what_it_consists_of_and_moves_with_its_parts(make):
    sale = Sale(make, vip=(), bundle={"standard": 2})
    early = sale.hold(vip=1)
    sale.offers(vip=(), bundle={"standard": 3})
    sale.hold(vip=1)
    assert sale.taken == {"hall": 5}
    sale.offers(standard=("house",), vip=(), bundle={"standard": 3})
    assert sale.taken == {"house": 5}
    sale.cancel(early)
    assert sale.taken == {"house": 3}


def test_added_tickets_that_wait_to_be_paid_move_and_are_issued(make):
    sale = Sale(make)
    name = sale.hold(standard=1)
    sale.run(Confirm(make.EVENT, name, sale.issuer))
    sale.change(name, more={"vip": 2})
    sale.offers(vip=("lounge",))
    assert sale.taken == {"hall": 1, "lounge": 2}
    assert len(sale.pay(name, 12000).tickets) == 3
    assert sale.taken == {"hall": 1, "lounge": 2}
    sale.change(name, more={"vip": 1})
    sale.run(WithdrawChange(make.EVENT, name))
    assert sale.taken == {"hall": 1, "lounge": 2}


def test_an_exchange_that_waits_takes_from_the_present_pools_once_it_is_paid(make):
    sale = Sale(make)
    name = sale.hold(standard=1)
    sale.run(Confirm(make.EVENT, name, sale.issuer))
    sale.change(name, fewer={"standard": 1}, more={"vip": 1})
    sale.offers(standard=("house",), vip=("lounge",))
    assert sale.taken == {"house": 1}
    sale.pay(name, 6000)
    assert sale.taken == {"lounge": 1}
    sale.cancel(name)
    assert sale.taken == {}


def test_an_exchange_for_a_type_that_is_offered_no_more_counts_where_that_was(make):
    sale = Sale(make, vip=("lounge",))
    name = sale.hold(standard=1)
    sale.run(Confirm(make.EVENT, name, sale.issuer))
    sale.change(name, fewer={"standard": 1}, more={"vip": 1})
    sale.offers(vip=("house",))
    sale.offers(without="vip")
    sale.pay(name, 6000)
    assert sale.taken == {"house": 1}
    sale.offers(vip=("hall",))
    assert sale.taken == {"hall": 1}
    sale.cancel(name)
    assert sale.taken == {}


def test_what_is_paid_for_a_type_that_is_offered_no_more_moves_when_it_is_offered_again(make):
    sale = Sale(make)
    name = sale.hold(standard=1)
    sale.run(Confirm(make.EVENT, name, sale.issuer))
    sale.change(name, fewer={"standard": 1}, more={"vip": 1})
    sale.offers(without="vip")
    sale.pay(name, 6000)
    assert sale.taken == {"hall": 1}
    sale.offers(vip=("lounge",))
    assert sale.taken == {"lounge": 1}


def test_what_was_sold_on_moves_as_what_its_seller_had(make):
    date = EventDate(f"{make.EVENT}/dates/one", "one", make.NOW + timedelta(days=9), make.NOW + timedelta(days=10))
    terms = BookingTerms(resale_allowed=True)
    sale = Sale(make, dates=(date,), capacities={"hall": 1, "house": 1}, terms=terms)
    name = sale.hold(date=date.name, vip=1)
    tickets = sale.pay(name, 6000).tickets
    offer = f"{make.EVENT}/resaleOffers/one"
    sale.run(OfferForResale(make.EVENT, name, (tickets[0].name,), (offer,)))
    bought = sale.hold(date=date.name, buyer="users/eve", vip=1)
    sale.pay(bought, 6000)
    sale.offers(dates=(date,), vip=("house",), terms=terms)
    assert sale.taken == {"house": 1}
    sale.cancel(bought)
    assert sale.taken == {}


def test_an_exchange_holds_no_more_than_its_own_tickets_lack_in_the_present_pools(make):
    sale = Sale(make)
    name = sale.hold(standard=1)
    sale.run(Confirm(make.EVENT, name, sale.issuer))
    sale.offers(standard=("house",), vip=("house",))
    sale.change(name, fewer={"standard": 1}, more={"vip": 1})
    assert sale.taken == {"house": 1}


def test_an_inventory_of_an_earlier_release_sells_on_and_what_it_cannot_tell_apart_stays(make):
    dates = (EventDate(f"{make.EVENT}/dates/one", "one", make.NOW + timedelta(days=9), make.NOW + timedelta(days=10)),)
    sale = Sale(make, dates=dates)
    early = sale.hold(date=dates[0].name, standard=2)
    stored = inventory_to_document(sale.stock.inventory, 1, make.NOW)
    assert stored.pop("sorts") == {"standard/one": 2}
    sale.stock = sale.stock.holding(inventory_from_document(stored))
    sale.offers(dates=dates, standard=("house",))
    sale.hold(date=dates[0].name, standard=1)
    assert sale.taken == {"hall": 2, "house": 1}
    sale.cancel(early)
    assert sale.taken == {"house": 1}


def test_a_plain_sale_keeps_nothing_beside_what_it_kept_before(make):
    sale = Sale(make)
    sale.hold(standard=2)
    stored = inventory_to_document(sale.stock.inventory, 1, make.NOW)
    assert stored.keys() == {"_id", "version", "taken", "sold", "offer_version", "at"}

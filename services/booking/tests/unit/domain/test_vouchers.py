"""What a voucher does for a booking, rule by rule."""

from dataclasses import replace
from datetime import timedelta

import pytest

from booking_service.domain import domain_events as facts
from booking_service.domain.commands import (
    Cancel,
    CreateVouchers,
    DeleteVoucher,
    Hold,
    LapseReservation,
    UpdateVoucher,
)
from booking_service.domain.offer import EventDate, Pool
from booking_service.domain.pricing.inputs import Discount, VoucherKind
from booking_service.domain.selling import Wanted
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, InvalidArgument

HALF = {"kind": VoucherKind.PERCENT, "basis_points": 5000}


def name(make, kind):
    return f"{make.EVENT}/ticketTypes/{kind}"


def issued(make, stock, *vouchers):
    """The stock and the records after these vouchers were made."""
    outcome = make.decide(CreateVouchers(make.EVENT, vouchers), stock)
    return outcome.stock, [*(replace(step.record, version=1) for step in outcome.steps), *outcome.tallies]


def redeem(make, *codes, **wanted):
    return replace(make.hold(**wanted), voucher_codes=codes)


def refusal_of(call):
    with pytest.raises(FailedPrecondition) as refused:
        call()
    return refused.value


def test_a_voucher_counts_for_every_ticket_that_it_is_for_and_for_no_other(make):
    kinds = make.type(), make.type("vip", price=Money(9000, "EUR")), make.type("free", price=Money(0, "EUR"))
    stock = make.stock(make.offer(*kinds))
    for types, redeemed, total in [
        ((), {"standard": 2, "vip": 1}, 7000),
        (("vip",), {"vip": 1}, 9500),
        (("standard", "free"), {"standard": 2}, 11500),
    ]:
        voucher = make.voucher(ticket_types=tuple(name(make, each) for each in types), **HALF)
        after, records = issued(make, stock, voucher)
        outcome = make.decide(redeem(make, "spring", standard=2, vip=1, free=1), after, *records)
        lines = {line.ticket_type.rpartition("/")[2]: line.quantity for line in outcome.answer.lines if line.vouchers}
        assert (lines, outcome.answer.total) == (redeemed, Money(total, "EUR"))
        assert outcome.answer.redeemed() == {"spring": sum(redeemed.values())}
        assert outcome.tallies[0].uses == sum(redeemed.values())


def test_all_its_tickets_or_none(make):
    stock, records = issued(make, make.stock(), make.voucher(max_uses=3, max_per_booking=2, **HALF))
    first = make.decide(redeem(make, "SPRING", standard=2), stock, *records)
    voucher, use = records[0], first.tallies[0]
    refused = refusal_of(lambda: make.decide(redeem(make, "SPRING", standard=2), first.stock, voucher, use))
    assert (refused.reason, refused.metadata) == ("VOUCHER_USED_UP", {"voucher_code": "spring", "remaining": "1"})
    refused = refusal_of(lambda: make.decide(redeem(make, "SPRING", standard=3), stock, *records))
    assert refused.reason == "TOO_MANY_IN_BOOKING"
    assert refused.metadata == {"voucher_code": "SPRING", "max_per_booking": "2"}


@pytest.mark.parametrize(
    ("seconds", "reason"),
    [(-1, "VOUCHER_NOT_YET_VALID"), (0, ""), (59, ""), (60, "VOUCHER_EXPIRED"), (61, "VOUCHER_EXPIRED")],
)
def test_it_is_valid_from_its_first_second_until_before_its_last(make, seconds, reason):
    window = {"valid_from": make.NOW, "valid_until": make.NOW + timedelta(seconds=60)}
    stock, records = issued(make, make.stock(), make.voucher(**window, **HALF))
    now = make.NOW + timedelta(seconds=seconds)

    def book():
        return make.decide(redeem(make, "SPRING"), stock, *records, now=now)

    assert (refusal_of(book).reason if reason else book() and "") == reason


def test_one_at_most_changes_prices_and_one_at_most_keeps_places(make):
    kinds = make.type(), make.type("secret", hidden=True)
    vouchers = [
        make.voucher("HALF", **HALF), make.voucher("LESS", kind=VoucherKind.FIXED, amount=Money(100, "EUR")),
        make.voucher("KEEP", reserved=2), make.voucher("ALSO", reserved=2), make.voucher("OPEN", reveals=True),
    ]  # fmt: skip
    stock, records = issued(make, make.stock(make.offer(*kinds)), *vouchers)
    outcome = make.decide(redeem(make, "HALF", "KEEP", "OPEN", standard=1, secret=1), stock, *records)
    assert outcome.answer.redeemed() == {"half": 2, "keep": 2, "open": 2}
    for codes in (("HALF", "LESS"), ("KEEP", "ALSO")):
        refused = refusal_of(lambda codes=codes: make.decide(redeem(make, *codes), stock, *records))
        assert (refused.reason, refused.metadata["voucher_code"]) == ("VOUCHERS_NOT_COMBINABLE", codes[1])
    twice = make.decide(redeem(make, "HALF", "half"), stock, *records)
    assert twice.answer.redeemed() == {"half": 1}


def test_of_a_series_it_may_be_for_some_dates_only(make):
    at = make.NOW + timedelta(days=5)
    dates = [EventDate(f"{make.EVENT}/dates/{each}", each, at, at + timedelta(hours=1)) for each in ("one", "two")]
    stock = make.stock(make.offer(dates=tuple(dates)))
    stock, records = issued(make, stock, make.voucher(dates=(dates[1].name,), **HALF))
    wanted = [Wanted(name(make, "standard"), 2, date.name) for date in dates]
    hold = Hold(make.EVENT, "b", "users/ada", wanted, timedelta(minutes=5), voucher_codes=("SPRING",))
    booking = make.decide(hold, stock, *records).answer
    assert [line.total for line in booking.lines] == [Money(5000, "EUR"), Money(2500, "EUR")]
    assert [line.vouchers for line in booking.lines] == [(), ("spring",)]


def test_it_adds_up_with_a_discount_as_the_price_rules_say(make):
    discount = Discount("d", "Half", frozenset(), 1, frozenset(), 1, 5000)
    stock, records = issued(make, make.stock(make.offer(discounts=(discount,))), make.voucher(**HALF))
    assert make.decide(redeem(make, "SPRING"), stock, *records).answer.total == Money(625, "EUR")


def test_what_is_reserved_is_used_first_and_comes_back(make):
    stock, records = issued(make, make.stock(hall=45), make.voucher(reserved=3))
    voucher, use = records
    assert (stock.inventory.taken, use.kept) == ({"hall": 48}, 3)
    outcome = make.decide(redeem(make, "SPRING", standard=5), stock, voucher, use)
    assert (outcome.stock.inventory.taken, outcome.tallies[0].kept) == ({"hall": 50}, 0)
    refused = refusal_of(lambda: make.decide(redeem(make, "SPRING", standard=6), stock, voucher, use))
    assert (refused.reason, refused.metadata["remaining"]) == ("SOLD_OUT", "5")
    booking = replace(outcome.answer, version=1)
    off = make.decide(Cancel(make.EVENT, booking.name, ""), outcome.stock, booking, outcome.tallies[0])
    assert (off.stock.inventory.taken, off.tallies[0].kept, off.tallies[0].uses) == ({"hall": 48}, 3, 0)


def test_a_lowered_capacity_does_not_take_away_what_was_reserved(make):
    stock, (voucher, use) = issued(make, make.stock(hall=45), make.voucher(reserved=3))
    smaller = replace(stock, offer=replace(stock.offer, pools={"hall": Pool(20)}))
    assert make.decide(redeem(make, "SPRING", standard=3), smaller, voucher, use).answer
    assert (
        refusal_of(lambda: make.decide(redeem(make, "SPRING", standard=4), smaller, voucher, use)).reason == "SOLD_OUT"
    )


def test_lowering_ending_and_deleting_free_what_is_reserved(make):
    stock, (voucher, use) = issued(make, make.stock(), make.voucher(reserved=5))

    def update(**changes):
        return make.decide(
            UpdateVoucher(make.EVENT, voucher.name, lambda stored: replace(stored, **changes)), stock, voucher, use
        )

    assert update(reserved=2).stock.inventory.taken == {"hall": 2}
    assert update(reserved=7).stock.inventory.taken == {"hall": 7}
    assert update(valid_until=make.NOW).stock.inventory.taken == {}
    assert update(tag="new").stock.inventory.taken == {"hall": 5}
    assert refusal_of(lambda: update(reserved=51)).metadata["remaining"] == "50"
    deleted = make.decide(DeleteVoucher(make.EVENT, voucher.name), stock, voucher, use)
    assert (deleted.stock.inventory.taken, deleted.tallies[0].gone) == ({}, True)
    assert [step.happened for step in deleted.steps] == [facts.VoucherDeleted()]


def test_a_reservation_lapses_at_its_time_and_comes_back_when_the_time_is_put_off(make):
    until = make.NOW + timedelta(hours=1)
    stock, (voucher, use) = issued(make, make.stock(), make.voucher(reserved=5, valid_until=until))
    lapse = LapseReservation(make.EVENT, "spring")
    assert make.decide(lapse, stock, use, now=until - timedelta(seconds=1)).stock is stock
    lapsed = make.decide(lapse, stock, use, now=until)
    assert (lapsed.stock.inventory.taken, lapsed.tallies[0].kept) == ({}, 0)
    assert make.decide(lapse, lapsed.stock, lapsed.tallies[0], now=until).stock is lapsed.stock
    put_off = until + timedelta(days=1)
    later = UpdateVoucher(make.EVENT, voucher.name, lambda stored: replace(stored, valid_until=put_off))
    again = make.decide(later, lapsed.stock, voucher, lapsed.tallies[0], now=until)
    assert (again.stock.inventory.taken, again.tallies[0].lapsed) == ({"hall": 5}, False)


def test_it_must_be_clear_of_which_pools_places_are_reserved(make):
    kinds = make.type(), make.type("vip", pools=("lounge",)), make.type("child")
    stock = make.stock(make.offer(*kinds, capacities={"hall": 9, "lounge": 9}))
    same = make.voucher(reserved=2, ticket_types=(name(make, "standard"), name(make, "child")))
    assert issued(make, stock, same)[0].inventory.taken == {"hall": 2}
    for types in ((), (name(make, "standard"), name(make, "vip"))):
        refused = refusal_of(lambda types=types: issued(make, stock, make.voucher(reserved=2, ticket_types=types)))
        assert refused.reason == "RESERVATION_AMBIGUOUS"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": VoucherKind.FIXED, "amount": Money(0, "EUR")}, "voucher.amount_off"),
        ({"kind": VoucherKind.PRICE, "amount": Money(-1, "EUR")}, "voucher.price"),
        ({"kind": VoucherKind.PRICE, "amount": Money(1, "JPY")}, "voucher.price"),
        ({"reserved": 3, "max_uses": 2}, "voucher.reserved_tickets"),
        ({"ticket_types": ("events/other/ticketTypes/x",)}, "voucher.ticket_types[0]"),
        ({"dates": ("events/other/dates/x",)}, "voucher.dates[0]"),
        ({"valid_from": timedelta(hours=2), "valid_until": timedelta(hours=1)}, "voucher.valid_until_time"),
    ],
)
def test_a_voucher_that_makes_no_sense_is_not_made(make, changes, field):
    changes = {key: make.NOW + value if isinstance(value, timedelta) else value for key, value in changes.items()}
    with pytest.raises(InvalidArgument) as refused:
        issued(make, make.stock(), make.voucher(**changes))
    assert [each.field for each in refused.value.violations] == [field]


def test_a_price_in_place_of_one_that_is_lower_does_nothing(make):
    dear = make.voucher(kind=VoucherKind.PRICE, amount=Money(9999, "EUR"))
    stock, records = issued(make, make.stock(), dear)
    assert refusal_of(lambda: make.decide(redeem(make, "SPRING"), stock, *records)).reason == "VOUCHER_NOT_APPLICABLE"

from datetime import UTC, datetime

import pytest

from booking_service.domain.pricing.costs import cost_of
from booking_service.domain.pricing.inputs import (
    Discount,
    Item,
    PricedType,
    ServiceFee,
    Tariff,
    VoucherBenefit,
    VoucherKind,
)
from booking_service.domain.pricing.quote import price_of
from domain_kit.money import Money

NOW = datetime(2027, 5, 1, tzinfo=UTC)
NONE, PERCENT, FIXED, PRICE = VoucherKind
KINDS = {
    name: PricedType(name, name, Money(price, "EUR"))
    for name, price in {"adult": 2000, "child": 800, "pass": 0, "dinner": 4500}.items()
}
DINNER_TENTH = Discount("meal", "meal", frozenset({"adult"}), 1, frozenset({"dinner"}), 1, 9000)


def voucher(kind, worth=0, types=(), most=None):
    by_amount = kind in {FIXED, PRICE}
    amount = Money(worth, "EUR") if by_amount else None
    return VoucherBenefit("CODE", kind, 0 if by_amount else worth, amount, frozenset(types), most)


def priced(benefit, discounts=(), fee=None, **order):
    items = [Item(name, quantity) for name, quantity in order.items()]
    return price_of(items, Tariff(KINDS, {}, discounts, benefit, fee or ServiceFee()), NOW)


def covered(breakdown):
    """Type → how many of its tickets the voucher covers."""
    return {line.ticket_type: sum(1 for unit in line.units() if unit.voucher) for line in breakdown.lines}


def prices(breakdown):
    return [unit.price.minor_units for line in breakdown.lines for unit in line.units()]


@pytest.mark.parametrize(
    "benefit", [voucher(PERCENT, 1000, most=1), voucher(FIXED, 500, most=1), voucher(PRICE, 700, most=1)]
)
def test_a_voucher_for_one_ticket_goes_to_the_dearest(benefit):
    assert covered(priced(benefit, child=1, dinner=1, adult=1)) == {"child": 0, "dinner": 1, "adult": 0}


def test_a_voucher_goes_where_it_saves_most_which_is_not_the_dearest_if_that_is_reduced_already():
    """The dinner costs 4.50 after its discount: at most 4.50 could be saved there, 15.00 on the adult."""
    assert covered(priced(voucher(PRICE, 500, most=1), [DINNER_TENTH], adult=1, dinner=1)) == {"adult": 1, "dinner": 0}


def test_a_voucher_that_spares_the_fee_too_goes_where_it_does():
    """Five off the child makes 5.00 with a fee of 2.00 less; five off an adult only 5.00."""
    fee = ServiceFee(Money(200, "EUR"))
    assert covered(priced(voucher(FIXED, 800, most=1), fee=fee, adult=1, child=1)) == {"adult": 0, "child": 1}


def test_a_voucher_covers_only_its_types():
    assert covered(priced(voucher(PERCENT, 5000, ["child"]), child=2, adult=1)) == {"child": 2, "adult": 0}


@pytest.mark.parametrize(("kind", "worth"), [(PERCENT, 5000), (FIXED, 100), (PRICE, 0), (PERCENT, 0)])
def test_a_voucher_is_not_used_up_where_it_saves_nothing(kind, worth):
    breakdown = priced(voucher(kind, worth, most=3), **{"pass": 2}, child=1)
    assert covered(breakdown) == {"pass": 0, "child": 1 if worth or kind is PRICE else 0}
    assert breakdown.voucher_uses == sum(covered(breakdown).values())


def test_a_voucher_that_only_opens_a_door_covers_its_tickets_at_their_price():
    breakdown = priced(voucher(NONE, types=["dinner", "pass"], most=2), dinner=1, **{"pass": 3}, adult=1)
    assert covered(breakdown) == {"dinner": 1, "pass": 1, "adult": 0}
    assert breakdown.total == breakdown.subtotal


def test_a_voucher_with_no_tickets_left_does_nothing():
    assert priced(voucher(PERCENT, 10_000, most=0), adult=1) == priced(None, adult=1)


def test_a_promised_price_is_never_a_dearer_one():
    assert prices(priced(voucher(PRICE, 1000), child=1, adult=1)) == [800, 1000]
    assert cost_of(800, None, voucher(PRICE, 1000), ServiceFee()).total == 800


def test_more_off_than_a_ticket_costs_makes_it_free():
    assert prices(priced(voucher(FIXED, 1000), child=1, adult=1)) == [0, 1000]


def test_percentages_of_voucher_and_discount_multiply():
    """20 % off 45.00 are 36.00, of which the discount of 90 % leaves 3.60."""
    assert prices(priced(voucher(PERCENT, 2000, ["dinner"]), [DINNER_TENTH], adult=1, dinner=1)) == [2000, 360]


def test_a_discount_falls_on_the_same_ticket_with_and_without_voucher():
    """The child's ticket is the cheapest by list price, though the voucher makes an adult's cheaper still."""
    second = Discount("second", "second", frozenset(), 2, frozenset(), 1, 5000)
    assert prices(priced(voucher(PRICE, 100, ["adult"]), [second], adult=1, child=1)) == [100, 400]


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": FIXED},
        {"kind": PERCENT, "amount": Money(1, "EUR")},
        {"kind": PERCENT, "basis_points": 10_001},
        {"kind": PRICE, "amount": Money(-1, "EUR")},
        {"most": -1},
    ],
)
def test_a_voucher_without_sense_is_an_error(wrong):
    with pytest.raises(ValueError):
        VoucherBenefit("CODE", **wrong)

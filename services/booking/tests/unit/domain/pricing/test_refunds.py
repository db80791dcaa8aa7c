from datetime import UTC, datetime, timedelta

import pytest

from booking_service.domain.pricing.breakdown import TaxPart, UnitPrice
from booking_service.domain.pricing.inputs import RefundStep
from booking_service.domain.pricing.refunds import refund_of, refund_share
from domain_kit.money import Money

START = datetime(2027, 6, 1, 20, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
STEPS = (RefundStep(30 * DAY, 10_000), RefundStep(7 * DAY, 5000), RefundStep(DAY, 2500))


def unit(price, fee=0, *taxes, currency="EUR"):
    parts = tuple(TaxPart(f"T{number}", 0, Money(tax, currency)) for number, tax in enumerate(taxes))
    return UnitPrice(Money(price, currency), "", (), Money(fee, currency), parts)


@pytest.mark.parametrize(
    ("before", "share"),
    [
        (40 * DAY, 10_000), (30 * DAY, 10_000), (30 * DAY - SECOND, 5000), (7 * DAY, 5000), (7 * DAY - SECOND, 2500),
        (DAY, 2500), (DAY - SECOND, 0), (timedelta(0), 0), (-DAY, 0),
    ],
)  # fmt: skip
def test_the_first_step_that_is_still_met_decides(before, share):
    assert refund_share(STEPS, START, START - before) == share
    assert refund_share(STEPS[::-1], START, START - before) == share


@pytest.mark.parametrize(("before", "share"), [(DAY, 10_000), (timedelta(0), 10_000), (-SECOND, 0)])
def test_without_steps_everything_goes_back_until_the_start(before, share):
    assert refund_share((), START, START - before) == share


REFUNDS = {
    "half of it": ([unit(2000)], 5000, False, [(1000, 0)]),
    "a half cent is rounded up, ticket by ticket": ([unit(1999), unit(1999)], 5000, False, [(1000, 0), (1000, 0)]),
    "the fee in the same share": ([unit(2000, 150)], 5000, False, [(1000, 75)]),
    "the fee is kept": ([unit(2000, 150)], 10_000, True, [(2000, 0)]),
    "yen": ([unit(999, 35, currency="JPY")], 2500, False, [(250, 9)]),
    "thousandths of a dinar": ([unit(12_345, 250, currency="KWD")], 3333, False, [(4115, 83)]),
    "a free ticket": ([unit(0)], 10_000, False, [(0, 0)]),
}


@pytest.mark.parametrize("row", REFUNDS.values(), ids=REFUNDS.keys())
def test_the_refund_is_the_one_worked_out_by_hand(row):
    units, share, keeps_fees, parts = row
    refund = refund_of(units, [RefundStep(timedelta(0), share)], keeps_fees, START, START - DAY)
    assert [(back.price.minor_units, back.fee.minor_units) for back in refund.units] == parts
    assert refund.total == Money(sum(map(sum, parts)), units[0].list_price.currency)
    assert refund.basis_points == share


@pytest.mark.parametrize(
    ("share", "keeps_fees", "taxes"),
    [(10_000, False, [500, 998]), (5000, False, [250, 499]), (10_000, True, [478, 955]), (0, False, [0, 0])],
)
def test_taxes_go_back_in_the_proportion_in_which_money_does(share, keeps_fees, taxes):
    """Of 114.98 with 5.00 and 9.98: of the ticket alone, 110.00, it is 14.98 · 110.00 ∕ 114.98 = 14.33 together."""
    refund = refund_of([unit(11_000, 498, 500, 998)], [RefundStep(DAY, share)], keeps_fees, START, START - DAY)
    assert [part.amount.minor_units for part in refund.units[0].taxes] == taxes


def test_nothing_given_up_is_an_error():
    with pytest.raises(ValueError, match="nothing"):
        refund_of([], STEPS, False, START, START)


def test_a_step_of_more_than_everything_is_an_error():
    with pytest.raises(ValueError, match="10001"):
        RefundStep(DAY, 10_001)

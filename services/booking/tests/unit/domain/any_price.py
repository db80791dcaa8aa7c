"""Any tariff and any order, for tests of prices."""

from datetime import UTC, datetime, timedelta
from itertools import combinations

from hypothesis import strategies as st

from booking_service.domain.pricing.breakdown import PriceBreakdown
from booking_service.domain.pricing.inputs import (
    Discount,
    Item,
    Phase,
    PricedType,
    ServiceFee,
    Tariff,
    TaxRate,
    VoucherBenefit,
    VoucherKind,
)
from domain_kit.money import Money

NOW = datetime(2027, 5, 1, tzinfo=UTC)
NAMES = ("a", "b", "c")
MOMENTS = (None, NOW - timedelta(days=1), NOW, NOW + timedelta(days=1))
SOME = (*(frozenset(chosen) for count in range(3) for chosen in combinations(NAMES, count)), frozenset(NAMES))
RATES = {"": (), "standard": (TaxRate("GST", 50_000), TaxRate("QST", 99_750)), "reduced": (TaxRate("VAT", 70_000),)}
# Few and flat draws: a tariff has many parts, and hypothesis pays for each draw.
AMOUNTS = st.sampled_from([0, 0, 1, 2, 3, 5, 999, 1000]) | st.integers(1, 20_000)
PERCENTAGES = st.sampled_from([0, 1, 3333, 5000, 9999, 10_000]) | st.integers(0, 10_000)
INDEX = st.integers(0, 7)


@st.composite
def types(draw, currency):
    def money():
        return Money(draw(AMOUNTS), currency)

    def phase():
        return Phase("early", money(), draw(st.sampled_from(MOMENTS)), draw(st.integers(0, 9)))

    return {
        name: PricedType(name, name, money(), tuple(phase() for _ in range(draw(st.integers(0, 2)))), tax_class)
        for name, tax_class in zip(NAMES, ("standard", "reduced", "standard"), strict=True)
    }


@st.composite
def discounts(draw, prefix="discounts"):
    numbers = draw(st.lists(st.tuples(PERCENTAGES, INDEX, INDEX, st.integers(0, 255)), max_size=3))
    return tuple(
        Discount(
            f"{prefix}/{number}", "off", SOME[of], 1 + bits % 4, SOME[on], 1 + bits // 4 % 4, percentage,
            MOMENTS[bits // 16 % 4], MOMENTS[bits // 64],
        )
        for number, (percentage, of, on, bits) in enumerate(numbers)
    )  # fmt: skip


@st.composite
def vouchers(draw, currency):
    kind, types = draw(st.sampled_from(VoucherKind)), SOME[draw(INDEX)]
    percentage = draw(PERCENTAGES) if kind is VoucherKind.PERCENT else 0
    amount = Money(draw(AMOUNTS), currency) if kind in {VoucherKind.FIXED, VoucherKind.PRICE} else None
    return VoucherBenefit("V", kind, percentage, amount, types, draw(st.none() | INDEX))


@st.composite
def tariffs(draw, vouched=False):
    currency = draw(st.sampled_from(["JPY", "EUR", "KWD"]))
    voucher = draw(vouchers(currency) if vouched else st.none() | vouchers(currency))
    fee = ServiceFee(Money(draw(AMOUNTS), currency), draw(st.integers(0, 5000)))
    sold = dict(zip(NAMES, draw(st.tuples(*[st.integers(0, 9)] * 3)), strict=True))
    return Tariff(draw(types(currency)), sold, draw(discounts()), voucher, fee, RATES)


ITEMS = st.builds(Item, st.sampled_from(NAMES), st.integers(1, 6), st.sampled_from(["", "dates/1", "dates/2"]))
ORDERS = st.lists(ITEMS, min_size=1, max_size=5)
SMALL_ORDERS = st.lists(st.builds(Item, st.sampled_from(NAMES), st.integers(1, 2)), min_size=1, max_size=4)
SUMS = ("subtotal", "discount", "fee", "tax", "total")


def units_of(priced: PriceBreakdown):
    return [unit for line in priced.lines for unit in line.units()]

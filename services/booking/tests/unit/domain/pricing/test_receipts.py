"""Prices worked out by hand: each row is an order and the receipt the buyer should get."""

from datetime import UTC, datetime

import pytest

from booking_service.domain.pricing.breakdown import PriceBreakdown, UnitRun
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
from booking_service.domain.pricing.quote import price_of
from domain_kit.money import Money

NOW = datetime(2027, 5, 1, tzinfo=UTC)
ALL = frozenset[str]()
VAT = {"standard": (TaxRate("VAT", 190_000),), "reduced": (TaxRate("VAT", 70_000),)}

ADULT = PricedType("adult", "Adult", Money(2000, "EUR"))
EARLY = PricedType("early", "Adult", Money(2000, "EUR"), (Phase("Early bird", Money(1500, "EUR"), places=100),))
CHILD = PricedType("child", "Child", Money(800, "EUR"), tax_class="reduced")
BABY = PricedType("baby", "Baby", Money(0, "EUR"))
DINNER = PricedType("dinner", "Dinner", Money(4500, "EUR"), tax_class="")
SEAT = PricedType("seat", "座席", Money(999, "JPY"))
GATE = PricedType("gate", "Gate", Money(12_345, "KWD"))
QUEBEC = PricedType("billet", "Billet", Money(11_498, "CAD"))

THIRD = Discount("third", "every third", ALL, 3, ALL, 1, 5000)
MEAL = Discount("meal", "with a ticket", frozenset({"adult"}), 1, frozenset({"dinner"}), 1, 2000)
QUARTER_ONCE = VoucherBenefit("QUARTER", VoucherKind.PERCENT, 2500, most=1)
FIVE_OFF = VoucherBenefit("FIVE", VoucherKind.FIXED, amount=Money(500, "EUR"))
TWELVE = VoucherBenefit("TWELVE", VoucherKind.PRICE, amount=Money(1200, "EUR"))
GUEST = VoucherBenefit("GUEST", VoucherKind.PERCENT, 10_000)
OPEN = VoucherBenefit("OPEN", ticket_types=frozenset({"dinner"}))
FEE = ServiceFee(Money(100, "EUR"), 250)

RECEIPTS = {
    "the list price": (
        [(2, ADULT)], {},
        ["2 × 20.00 = 20.00, VAT 3.19"],
        "40.00 EUR, taxes 6.38",  # per ticket; 19/119 of the sum would be 6.39
    ),
    "the last two of a phase of a hundred": (
        [(5, EARLY)], {"sold": {"early": 98}},
        ["2 × 15.00 (Early bird) = 15.00, VAT 2.39 | 3 × 20.00 = 20.00, VAT 3.19"],
        "90.00 EUR, taxes 14.35",
    ),
    "every third half price": (
        [(7, ADULT)], {"discounts": (THIRD,)},
        ["2 × 20.00 − 10.00 every third = 10.00, VAT 1.60 | 5 × 20.00 = 20.00, VAT 3.19"],
        "120.00 EUR, taxes 19.15",
    ),
    "every third half price, the cheapest": (
        [(2, ADULT), (1, CHILD)], {"discounts": (THIRD,)},
        ["2 × 20.00 = 20.00, VAT 3.19", "1 × 8.00 − 4.00 every third = 4.00, VAT 0.26"],
        "44.00 EUR, taxes 6.64",
    ),
    "a free ticket neither completes a group nor takes its discount": (
        [(2, ADULT), (1, BABY), (1, CHILD)], {"discounts": (THIRD,)},
        [
            "2 × 20.00 = 20.00, VAT 3.19",
            "1 × 0.00 = 0.00, VAT 0.00",
            "1 × 8.00 − 4.00 every third = 4.00, VAT 0.26",
        ],
        "44.00 EUR, taxes 6.64",
    ),
    "a dinner for each adult": (
        [(2, ADULT), (3, DINNER)], {"discounts": (MEAL,)},
        [
            "2 × 20.00 = 20.00, VAT 3.19",
            "2 × 45.00 − 9.00 with a ticket = 36.00, VAT 5.75 | 1 × 45.00 = 45.00, VAT 7.18",
        ],
        "157.00 EUR, taxes 25.06",
    ),
    "a voucher for one ticket goes to the dearest": (
        [(1, ADULT), (1, DINNER)], {"voucher": QUARTER_ONCE},
        ["1 × 20.00 = 20.00, VAT 3.19", "1 × 45.00 − 11.25 QUARTER = 33.75, VAT 5.39"],
        "53.75 EUR, taxes 8.58",
    ),
    "a voucher first, the discount on what is left": (
        [(3, ADULT)], {"discounts": (THIRD,), "voucher": FIVE_OFF},
        ["2 × 20.00 − 5.00 FIVE = 15.00, VAT 2.39 | 1 × 20.00 − 5.00 FIVE − 7.50 every third = 7.50, VAT 1.20"],
        "37.50 EUR, taxes 5.98",
    ),
    "a promised price or the discount, whichever is better": (
        [(3, ADULT)], {"discounts": (THIRD,), "voucher": TWELVE},
        ["2 × 20.00 − 8.00 TWELVE = 12.00, VAT 1.92 | 1 × 20.00 − 10.00 every third = 10.00, VAT 1.60"],
        "34.00 EUR, taxes 5.44",
    ),
    "a fee on what costs something": (
        [(1, ADULT), (1, CHILD), (1, BABY)], {"fee": FEE},
        [
            "1 × 20.00 + 1.50 = 21.50, VAT 3.43",
            "1 × 8.00 + 1.20 = 9.20, VAT 0.60",
            "1 × 0.00 = 0.00, VAT 0.00",
        ],
        "30.70 EUR, taxes 4.03",
    ),
    "a guest pays no fee either": (
        [(1, ADULT)], {"fee": FEE, "voucher": GUEST},
        ["1 × 20.00 − 20.00 GUEST = 0.00, VAT 0.00"],
        "0.00 EUR, taxes 0.00",
    ),
    "a code that only opens a door": (
        [(1, ADULT), (1, DINNER)], {"voucher": OPEN, "rates": None},
        ["1 × 20.00 = 20.00", "1 × 45.00 − 0.00 OPEN = 45.00"],
        "65.00 EUR, taxes 0.00",
    ),
    "yen have no smaller unit": (
        [(3, SEAT)],
        {"discounts": (THIRD,), "fee": ServiceFee(None, 350), "rates": {"standard": (TaxRate("消費税", 100_000),)}},
        ["1 × 999 − 500 every third + 17 = 516, 消費税 47 | 2 × 999 + 35 = 1034, 消費税 94"],
        "2584 JPY, taxes 235",
    ),
    "dinars have thousandths": (
        [(1, GATE)],
        {
            "voucher": VoucherBenefit("THIRD", VoucherKind.PERCENT, 3333),
            "fee": ServiceFee(Money(250, "KWD")),
            "rates": {"standard": (TaxRate("VAT", 50_000),)},
        },
        ["1 × 12.345 − 4.115 THIRD + 0.250 = 8.480, VAT 0.404"],
        "8.480 KWD, taxes 0.404",
    ),
    "two taxes on one price": (
        [(1, QUEBEC)],
        {"rates": {"standard": (TaxRate("TPS", 50_000), TaxRate("TVQ", 99_750))}},
        ["1 × 114.98 = 114.98, TPS 5.00, TVQ 9.98"],
        "114.98 CAD, taxes 14.98",
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", RECEIPTS.values(), ids=RECEIPTS.keys())
def test_the_receipt_is_the_one_worked_out_by_hand(row):
    order, terms, lines, total = row
    tariff = Tariff(**({"types": {kind.name: kind for _, kind in order}, "rates": VAT} | terms))
    priced = price_of([Item(kind.name, quantity) for quantity, kind in order], tariff, NOW)
    assert [" | ".join(map(told, line.runs)) for line in priced.lines] == lines
    assert summed(priced) == total


def told(run: UnitRun) -> str:
    unit = run.unit
    phase = f" ({unit.phase})" if unit.phase else ""
    off = "".join(f" − {amount(each.amount)} {each.display_name}" for each in unit.reductions)
    fee = f" + {amount(unit.fee)}" if unit.fee else ""
    taxes = "".join(f", {part.name} {amount(part.amount)}" for part in unit.taxes)
    return f"{run.quantity} × {amount(unit.list_price)}{phase}{off}{fee} = {amount(unit.total)}{taxes}"


def summed(priced: PriceBreakdown) -> str:
    return f"{priced.total}, taxes {amount(priced.tax)}"


def amount(money: Money) -> str:
    return str(money).removesuffix(f" {money.currency}")

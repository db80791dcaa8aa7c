"""What one ticket costs when it is known which discount and which voucher it has.

- The voucher applies to the list price and the automatic discount to what the voucher left: the order that pretix
  documents in its "Pricing algorithms" (price after voucher, then discounts). The receipt states both.
- A voucher with a price in place of the list price does not add up with an automatic discount: a price was promised.
  The buyer gets the better of the two, for `vouchers` covers only what it makes cheaper. pretix adds them up by
  default: half price would make 2.50 of a promised 5.00.
- No reduction makes a price negative, none makes it greater: a price by voucher above the list price does nothing.
- The fee falls only on tickets that still cost something: the fixed part and a share of the reduced price.
- Taxes are included in price and fee together, at the ticket's rates: what a seller charges on top of a ticket is part
  of its taxable amount (in the EU Directive 2006/112/EC, Article 78(b)).

All shares are rounded per ticket, a half upwards, so that the sums of any part of a booking are exact.
"""

from typing import NamedTuple

from booking_service.domain.pricing.inputs import Discount, ServiceFee, VoucherBenefit, VoucherKind
from booking_service.domain.pricing.rounding import share


class Cost(NamedTuple):
    """Of one ticket, in minor units; `total` is price and fee."""

    voucher_off: int
    discount_off: int
    fee: int
    total: int


def cost_of(list_price: int, discount: Discount | None, voucher: VoucherBenefit | None, fee: ServiceFee) -> Cost:
    """What is taken off and put on a list price."""
    percent = 0 if discount is None else discount.basis_points
    voucher_off = 0 if voucher is None else list_price - _left_by(voucher, list_price)
    if voucher is not None and voucher.kind is VoucherKind.PRICE:
        percent = 0
    discount_off = share(list_price - voucher_off, percent)
    price = list_price - voucher_off - discount_off
    fixed = 0 if fee.fixed is None else fee.fixed.minor_units
    added = fixed + share(price, fee.basis_points) if price else 0
    return Cost(voucher_off, discount_off, added, price + added)


def _left_by(voucher: VoucherBenefit, list_price: int) -> int:
    amount = 0 if voucher.amount is None else voucher.amount.minor_units
    match voucher.kind:
        case VoucherKind.PERCENT:
            return list_price - share(list_price, voucher.basis_points)
        case VoucherKind.FIXED:
            return max(0, list_price - amount)
        case VoucherKind.PRICE:
            return min(list_price, amount)
        case VoucherKind.NONE:
            return list_price

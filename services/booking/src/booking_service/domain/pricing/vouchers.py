"""Which tickets of an order a voucher covers, when it may not cover all: the best choice for the buyer.

The choice is exact, not a guess: discounts are settled before, so what the voucher saves on a ticket (fee included)
depends on no other ticket, and the greatest savings make the smallest total. With equal savings the dearest goes first.
A ticket on which it saves nothing keeps the voucher's use for another time; a voucher that only opens a door covers
what it may.
"""

from collections.abc import Sequence

from booking_service.domain.pricing.costs import cost_of
from booking_service.domain.pricing.inputs import ServiceFee, VoucherBenefit, VoucherKind
from booking_service.domain.pricing.slices import Slice, mark


def with_voucher(slices: Sequence[Slice], voucher: VoucherBenefit, fee: ServiceFee) -> list[Slice]:
    """The tickets with the voucher on those it covers, those it is best for first."""
    saved: dict[tuple[int, str], int] = {}
    for each in slices:
        if _reduced(each) not in saved:
            saved[_reduced(each)] = _saved(each, voucher, fee)

    def rank(each: Slice) -> tuple[int, int, str, str, int, int]:
        list_price, discount = _reduced(each)
        return -saved[list_price, discount], -list_price, each.kind.name, discount, each.line, each.run

    def wanted(each: Slice) -> bool:
        useful = voucher.kind is VoucherKind.NONE or saved[_reduced(each)] > 0
        return useful and voucher.covers(each.kind.name, each.date)

    def change(each: Slice, quantity: int) -> Slice:
        return each._replace(quantity=quantity, voucher=voucher)

    quota = sum(each.quantity for each in slices) if voucher.most is None else voucher.most
    return mark(sorted(slices, key=rank), quota, wanted, change)


def _reduced(each: Slice) -> tuple[int, str]:
    """List price and discount: all that what it saves depends on."""
    return each.list_price, "" if each.discount is None else each.discount.name


def _saved(each: Slice, voucher: VoucherBenefit, fee: ServiceFee) -> int:
    without = cost_of(each.list_price, each.discount, None, fee).total
    return without - cost_of(each.list_price, each.discount, voucher, fee).total

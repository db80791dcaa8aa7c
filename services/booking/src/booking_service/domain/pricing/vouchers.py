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

    def saved(each: Slice) -> int:
        without = cost_of(each.list_price, each.discount, None, fee).total
        return without - cost_of(each.list_price, each.discount, voucher, fee).total

    def rank(each: Slice) -> tuple[int, int, str, str, int, int]:
        discount = "" if each.discount is None else each.discount.name
        return -saved(each), -each.list_price, each.kind.name, discount, each.line, each.run

    def wanted(each: Slice) -> bool:
        return voucher.covers(each.kind.name) and (voucher.kind is VoucherKind.NONE or saved(each) > 0)

    quota = sum(each.quantity for each in slices) if voucher.most is None else voucher.most
    return mark(sorted(slices, key=rank), quota, wanted, lambda each: each._replace(voucher=voucher))

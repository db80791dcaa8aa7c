"""Tickets of an order while their price is worked out: equal ones together, cut where they begin to differ."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from booking_service.domain.pricing.inputs import Discount, PricedType, VoucherBenefit


class Slice(NamedTuple):
    """`quantity` tickets of one line that are alike. `run`: which of the line's list prices, from 0."""

    line: int
    run: int
    kind: PricedType
    list_price: int
    phase: str
    quantity: int
    discount: Discount | None = None
    voucher: VoucherBenefit | None = None
    date: str = ""


def mark(
    slices: Iterable[Slice], quota: int, wanted: Callable[[Slice], bool], change: Callable[[Slice, int], Slice]
) -> list[Slice]:
    """All tickets in their order, of the wanted ones the first `quota` changed; a slice is cut where the quota ends.

    change: makes the changed slice of so many tickets.
    """
    marked: list[Slice] = []
    for each in slices:
        if not quota or not wanted(each):
            marked.append(each)
            continue
        count = min(quota, each.quantity)
        quota -= count
        marked.append(change(each, count))
        if count < each.quantity:
            marked.append(each._replace(quantity=each.quantity - count))
    return marked

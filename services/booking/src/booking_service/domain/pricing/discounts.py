"""Which tickets of an order the organizer's automatic discounts fall on.

For every `condition_quantity` tickets of the condition types, `benefit_quantity` of the benefit types, the cheapest of
the order. Where a type belongs to both, its ticket is one of the group that it completes: "every third half price"
takes three.
- A ticket counts once for each discount and gets at most one. It may count for one discount and get another.
- The greatest percentage chooses first, equal ones in the organizer's order, each among the tickets that have none yet.
  The organizer's order alone would let a discount of 1 % take the ticket that a later one gives away, so that one more
  discount raised the total. This way what one discount takes, a smaller one gives to the next ticket or not at all:
  with one discount more, every ticket keeps its percentage or gets a greater one.
- A ticket whose list price is zero gets none: it would waste it. It counts only where the condition names its type:
  else the order could be filled up with free tickets to reach a discount on dear ones.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from booking_service.domain.pricing.inputs import Discount
from booking_service.domain.pricing.slices import Slice, mark


def with_discounts(slices: Sequence[Slice], discounts: Sequence[Discount], now: datetime) -> list[Slice]:
    """The tickets with their discounts, the cheapest first, among equals by type and line."""
    ordered = sorted(slices, key=lambda each: (each.list_price, each.kind.name, each.line, each.run))
    all_of, paid_of = Counter[str](), Counter[str]()
    for each in slices:
        all_of[each.kind.name] += each.quantity
        paid_of[each.kind.name] += each.quantity if each.list_price else 0
    for discount in sorted(discounts, key=lambda each: -each.basis_points):
        if not discount.given(now) or not discount.basis_points:
            continue
        counted = (
            sum(all_of[name] for name in discount.condition_types) if discount.condition_types else paid_of.total()
        )
        quota = counted // discount.condition_quantity * discount.benefit_quantity
        ordered = _given(ordered, discount, quota)
    return ordered


def _given(ordered: list[Slice], discount: Discount, quota: int) -> list[Slice]:
    types = discount.benefit_types or discount.condition_types

    def wanted(each: Slice) -> bool:
        return each.discount is None and each.list_price > 0 and (not types or each.kind.name in types)

    def change(each: Slice, quantity: int) -> Slice:
        return each._replace(quantity=quantity, discount=discount)

    return mark(ordered, quota, wanted, change) if quota else ordered

"""What a change of a booking comes to: what left hands its worth over to what came."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analytics_service.domain.facts import Line
from analytics_service.domain.figures import NOTHING, Figures
from analytics_service.domain.spreading import spread


@dataclass(frozen=True, slots=True)
class Part:
    """Tickets of one type that left or came, and what was paid for all of them, in minor units.

    base: the event's currency, where that is another one, and `base_price` the same in it.
    """

    ticket_type: str
    currency: str
    quantity: int
    price: int
    base: str = ""
    base_price: int = 0


def exchange(removed: Sequence[Part], added: Sequence[Part], present: Mapping[str, int]) -> tuple[Line, ...]:
    """What the change counts. `present`: tickets by type after it.

    INVARIANT: gross grows by exactly what had to be paid for it, and never falls: where what came is cheaper, the
    difference stays with what left, as gross stays after a cancellation, until a refund pays it back.
    """
    handed = _handed_over([each.price for each in removed], [each.price for each in added])
    bases = _handed_over([each.base_price for each in removed], [each.base_price for each in added])
    sums: defaultdict[tuple[str, str, str], Figures] = defaultdict(lambda: NOTHING)
    for each, part, base in zip(removed, handed, bases, strict=True):
        sums[each.ticket_type, each.currency, each.base] += Figures(
            tickets_sold=-each.quantity, gross=-part, base_gross=-base
        )
    for each in added:
        sums[each.ticket_type, each.currency, each.base] += Figures(
            tickets_sold=each.quantity, gross=each.price, base_gross=each.base_price
        )
    for which in sums:
        after = present.get(which[0], 0)
        before = after - sums[which].tickets_sold
        sums[which] += Figures(bookings_confirmed=(after > 0) - (before > 0))
    return tuple(
        Line(kind, currency, figures, base) for (kind, currency, base), figures in sums.items() if figures
    )  # fmt: skip


def _handed_over(removed: Sequence[int], added: Sequence[int]) -> list[int]:
    """Of each price that left, what of it what came takes over."""
    return spread(min(sum(removed), sum(added)), removed)

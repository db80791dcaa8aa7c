"""What a change of a booking comes to: what left hands its worth over to what came."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analytics_service.domain.facts import Line
from analytics_service.domain.figures import NOTHING, Figures
from analytics_service.domain.spreading import spread


@dataclass(frozen=True, slots=True)
class Part:
    """Tickets of one type that left or came, and what was paid for all of them, in minor units."""

    ticket_type: str
    currency: str
    quantity: int
    price: int


def exchange(removed: Sequence[Part], added: Sequence[Part], present: Mapping[str, int]) -> tuple[Line, ...]:
    """What the change counts. `present`: tickets by type after it.

    INVARIANT: gross grows by exactly what had to be paid for it, and never falls: where what came is cheaper, the
    difference stays with what left, as gross stays after a cancellation, until a refund pays it back.
    """
    handed = min(sum(each.price for each in removed), sum(each.price for each in added))
    sums: defaultdict[tuple[str, str], Figures] = defaultdict(lambda: NOTHING)
    for each, part in zip(removed, spread(handed, [each.price for each in removed]), strict=True):
        sums[each.ticket_type, each.currency] += Figures(tickets_sold=-each.quantity, gross=-part)
    for each in added:
        sums[each.ticket_type, each.currency] += Figures(tickets_sold=each.quantity, gross=each.price)
    for ticket_type, currency in sums:
        after = present.get(ticket_type, 0)
        before = after - sums[ticket_type, currency].tickets_sold
        sums[ticket_type, currency] += Figures(bookings_confirmed=(after > 0) - (before > 0))
    return tuple(Line(*which, figures) for which, figures in sums.items() if figures)

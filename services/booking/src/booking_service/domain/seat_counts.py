"""How many seats of each section are taken, as the inventory counts them: enough to tell what is left."""

from collections import Counter
from collections.abc import Iterable, Mapping

from booking_service.domain.booking import Line
from booking_service.domain.identity_memo import by_identity
from booking_service.domain.offer import Offer, OfferedType
from booking_service.domain.records import Key, View
from booking_service.domain.seating import plan_of
from booking_service.domain.stock import Stock
from booking_service.domain.taken_seats import taken_seats_key

Sections = tuple[str, ...]


def seats_needed(offer: Offer, ticket_type: str) -> tuple[Sections, ...]:
    """For each seat that one of this type needs, the sections it may lie in; none for a type without seats.

    A bundle needs those of what it consists of, in that order.
    """
    return _seats_of(offer.ticket_types, ticket_type)


def _seats_of(kinds: tuple[OfferedType, ...], ticket_type: str) -> tuple[Sections, ...]:
    by_name = {kind.name: kind for kind in kinds}
    kind = by_name.get(ticket_type)
    if kind is None:
        return ()
    own = (kind.sections,) if kind.sections else ()
    parts = [(by_name.get(name), count) for name, count in kind.bundle.items()]
    return own + tuple(part.sections for part, count in parts if part and part.sections for _ in range(count))


def has_nothing_to_seat(offer: Offer, lines: tuple[Line, ...]) -> bool:
    """Whether no line has or wants seats, and none is of a type that needs them."""
    return _nothing_to_seat(offer.ticket_types, lines)


@by_identity(256)
def _nothing_to_seat(kinds: tuple[OfferedType, ...], lines: tuple[Line, ...]) -> bool:
    """Not of the offer itself, whose seating plan would be kept as long as what is remembered of it."""
    return not any(line.seats or line.accessible_seats or _seats_of(kinds, line.ticket_type) for line in lines)


def seats_remaining(offer: Offer, seats: Mapping[str, int], ticket_type: str, date: str = "") -> int | None:
    """For how many of this type there are seats; None for a type without seats. seats: as counted in the inventory."""
    needed = Counter(seats_needed(offer, ticket_type))
    return min((_left(offer, seats, some, date) // count for some, count in needed.items()), default=None)


def count_key(section: str, date: str) -> str:
    """Under which key the seats of a section are counted."""
    return f"{date.rpartition('/')[2]}/{section}" if date else section


def changed_plan_keys(stock: Stock, offer: Offer) -> list[Key]:
    """The records that `recounted` looks at."""
    if stock.offer is None or stock.offer.sections == offer.sections:
        return []
    return [taken_seats_key(offer.event, *_place_of(offer.event, key)) for key in stock.inventory.seats]


def recounted(view: View, offer: Offer) -> Mapping[str, int]:
    """The count for a new plan: what vanishes from it is not sold again, what comes back to it is taken still."""
    seats = view.stock.inventory.seats
    if view.stock.offer is None or view.stock.offer.sections == offer.sections:
        return seats
    return {key: _taken_in_plan(view, offer, *_place_of(offer.event, key)) for key in seats}


def _left(offer: Offer, seats: Mapping[str, int], sections: Iterable[str], date: str) -> int:
    plan = plan_of(offer.sections)
    return sum(plan[each].size - seats.get(count_key(each, date), 0) for each in set(sections) if each in plan)


def _taken_in_plan(view: View, offer: Offer, section: str, date: str) -> int:
    index, record = plan_of(offer.sections).get(section), view.find(*taken_seats_key(offer.event, section, date))
    if index is None or record is None:
        return 0
    return sum(index.has(row.label, seat) for row in record.rows for seat in row.seats())


def _place_of(event: str, key: str) -> tuple[str, str]:
    """Section and date of a key of the count."""
    date, _, section = key.rpartition("/")
    return section, f"{event}/dates/{date}" if date else ""

"""What a booking occupies, in one place: the places of its event and whatever else is limited."""

from collections.abc import Sequence

from booking_service.domain.booking import Booking
from booking_service.domain.inventory import release, shortfall, take
from booking_service.domain.people import Person, person_key
from booking_service.domain.records import Key, Record, View
from booking_service.domain.selling import sold_out
from booking_service.domain.stock import Stock
from booking_service.domain.waiting_entry import EntryState, WaitingEntry
from booking_service.domain.waiting_list import left_to_public


def keys_of(booking: Booking) -> Sequence[Key]:
    """The records that `vacated` and `occupied` look at."""
    entry: list[Key] = [(WaitingEntry, booking.entry)] if booking.entry else []
    return [*entry, *([person_key(booking.event, booking.buyer)] if booking.counted else [])]


def occupied(view: View, booking: Booking) -> tuple[Stock, list[Record]]:
    """The stock and the tallies with what the booking needs taken, all of it.

    FailedPrecondition SOLD_OUT, TOO_MANY_FOR_PERSON. A line without a pool has no places. What those who wait can be
    served with is for nobody else.
    """
    offer, inventory, demand = view.stock.known_offer(), view.stock.inventory, booking.demand()
    tallies: list[Record] = []
    if booking.counted:
        person = view.find(*person_key(booking.event, booking.buyer)) or Person(booking.event, booking.buyer)
        tallies.append(person.having(demand.tickets, offer))
    open_to = inventory if is_offer(view, booking) else left_to_public(offer, inventory)
    short = not all(line.pools for line in booking.lines) or shortfall(open_to, demand.places, offer.capacity_of)
    taken = None if short else take(inventory, demand, offer.capacity_of)
    if taken is None:
        raise sold_out(offer, open_to, booking.lines)
    return view.stock.holding(taken), tallies


def vacated(view: View, booking: Booking) -> tuple[Stock, list[Record]]:
    """The stock and the tallies with all that the booking occupies given back."""
    demand = booking.demand()
    tallies: list[Record] = []
    if booking.counted:
        person = view.get(*person_key(booking.event, booking.buyer))
        tallies.append(person.without(demand.tickets))
    return view.stock.holding(release(view.stock.inventory, demand)), tallies


def is_offer(view: View, booking: Booking) -> bool:
    """Whether it is about to be offered to an entry of the waiting list that still waits."""
    entry = view.find(WaitingEntry, booking.entry) if booking.entry else None
    return entry is not None and entry.state is EntryState.WAITING

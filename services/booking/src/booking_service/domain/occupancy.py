"""What a booking occupies, in one place: the places of its event and whatever else is limited."""

from collections.abc import Sequence

from booking_service.domain.booking import Booking
from booking_service.domain.inventory import release, take
from booking_service.domain.people import Person, person_key
from booking_service.domain.records import Key, Record, View
from booking_service.domain.seat_taking import seat_keys, seats_occupied, seats_vacated
from booking_service.domain.selling import sold_out
from booking_service.domain.stock import Stock


def keys_of(booking: Booking) -> Sequence[Key]:
    """The records that `vacated` and `occupied` look at."""
    person = [person_key(booking.event, booking.buyer)] if booking.counted else []
    return [*person, *seat_keys(booking)]


def occupied(view: View, booking: Booking) -> tuple[Stock, list[Record]]:
    """The stock and the tallies with what the booking needs taken, all of it.

    FailedPrecondition SOLD_OUT, TOO_MANY_FOR_PERSON, SEAT_TAKEN. A line without a pool has no places; the seats of a
    line are found by `seat_choice.seated` before.
    """
    offer, inventory, demand = view.stock.known_offer(), view.stock.inventory, booking.demand()
    tallies: list[Record] = []
    if booking.counted:
        person = view.find(*person_key(booking.event, booking.buyer)) or Person(booking.event, booking.buyer)
        tallies.append(person.having(demand.tickets, offer))
    taken = take(inventory, demand, offer.capacity_of) if all(line.pools for line in booking.lines) else None
    if taken is None:
        raise sold_out(offer, inventory, booking.lines)
    stock, seats = seats_occupied(view, view.stock.holding(taken), booking)
    return stock, [*tallies, *seats]


def vacated(view: View, booking: Booking) -> tuple[Stock, list[Record]]:
    """The stock and the tallies with all that the booking occupies given back."""
    demand = booking.demand()
    tallies: list[Record] = []
    if booking.counted:
        person = view.get(*person_key(booking.event, booking.buyer))
        tallies.append(person.without(demand.tickets))
    stock, seats = seats_vacated(view, view.stock.holding(release(view.stock.inventory, demand)), booking)
    return stock, [*tallies, *seats]

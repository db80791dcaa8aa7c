"""What a booking occupies, in one place: the places of its event and whatever else is limited."""

from collections import Counter
from collections.abc import Sequence

from booking_service.domain.booking import Booking, issued_by
from booking_service.domain.inventory import Demand, exchange, release
from booking_service.domain.people import Person, person_key
from booking_service.domain.records import Key, Record, View
from booking_service.domain.seat_taking import seat_keys, seats_occupied, seats_vacated
from booking_service.domain.selling import sold_out
from booking_service.domain.stock import Stock
from booking_service.domain.voucher_use import VoucherUse, unknown_voucher, use_key


def keys_of(booking: Booking) -> Sequence[Key]:
    """The records that `vacated` and `occupied` look at."""
    people: list[Key] = [person_key(booking.event, booking.buyer)] if booking.counted else []
    vouchers = (use_key(booking.event, voucher) for voucher in booking.redeemed())
    return [*people, *vouchers, *seat_keys(booking)]


def occupied(view: View, booking: Booking) -> tuple[Stock, list[Record]]:
    """The stock and the tallies with what the booking needs taken, all of it.

    FailedPrecondition SOLD_OUT, TOO_MANY_FOR_PERSON, VOUCHER_USED_UP, VOUCHER_UNKNOWN, SEAT_TAKEN. A line without a
    pool has no places. What its vouchers keep is taken first. Its seats are found by `seat_choice.seated` before.
    """
    offer, inventory, demand = view.stock.known_offer(), view.stock.inventory, booking.demand()
    tallies: list[Record] = []
    if booking.counted:
        person = view.find(*person_key(booking.event, booking.buyer)) or Person(booking.event, booking.buyer)
        tallies.append(person.having(issued_by(booking.lines), offer))
    kept = Counter[str]()
    for voucher, count in booking.redeemed().items():
        use = view.find(*use_key(booking.event, voucher))
        if use is None:
            raise unknown_voucher(voucher)
        after = use.redeemed(count)
        kept.update(use.places_of(use.kept - after.kept))
        tallies.append(after)
    placed = all(line.pools for line in booking.lines)
    taken = exchange(inventory, kept, demand, offer.capacity_of) if placed else None
    if taken is None:
        raise sold_out(offer, release(inventory, Demand(kept, {})), booking.lines)
    stock, seats = seats_occupied(view, view.stock.holding(taken), booking)
    return stock, [*tallies, *seats]


def vacated(view: View, booking: Booking) -> tuple[Stock, list[Record]]:
    """The stock and the tallies with all that the booking occupies given back, to its vouchers what they kept."""
    demand = booking.demand()
    tallies: list[Record] = []
    if booking.counted:
        person = view.get(*person_key(booking.event, booking.buyer))
        tallies.append(person.without(issued_by(booking.lines)))
    free = dict(demand.places)
    for voucher, count in booking.redeemed().items():
        use: VoucherUse = view.get(*use_key(booking.event, voucher))
        after = use.given_back(count, free)
        for pool, places in use.places_of(after.kept - use.kept).items():
            free[pool] -= places
        tallies.append(after)
    inventory = release(view.stock.inventory, Demand(free, demand.tickets))
    stock, seats = seats_vacated(view, view.stock.holding(inventory), booking)
    return stock, [*tallies, *seats]

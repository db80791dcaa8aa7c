"""What a booking occupies, in one place: the places of its event and whatever else is limited."""

from collections import Counter
from collections.abc import Sequence

from booking_service.domain.booking import Booking, issued_by
from booking_service.domain.inventory import Demand, exchange, release, shortfall
from booking_service.domain.people import Person, person_key
from booking_service.domain.records import Key, Record, View
from booking_service.domain.selling import sold_out
from booking_service.domain.stock import Stock
from booking_service.domain.voucher_use import VoucherUse, unknown_voucher, use_key
from booking_service.domain.waiting_entry import EntryState, WaitingEntry
from booking_service.domain.waiting_list import left_to_public


def keys_of(booking: Booking) -> Sequence[Key]:
    """The records that `vacated` and `occupied` look at."""
    people: list[Key] = [person_key(booking.event, booking.buyer)] if booking.counted else []
    entry: list[Key] = [(WaitingEntry, booking.entry)] if booking.entry else []
    return [*people, *entry, *(use_key(booking.event, voucher) for voucher in booking.redeemed())]


def occupied(view: View, booking: Booking) -> tuple[Stock, list[Record]]:
    """The stock and the tallies with what the booking needs taken, all of it.

    FailedPrecondition SOLD_OUT, TOO_MANY_FOR_PERSON, VOUCHER_USED_UP, VOUCHER_UNKNOWN. A line without a pool has no
    places. What its vouchers keep is taken first.
    What those who wait can be served with is for nobody else.
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
    more = {pool: places - kept[pool] for pool, places in demand.places.items() if places > kept[pool]}
    open_to = inventory if is_offer(view, booking) else left_to_public(offer, inventory)
    placed = all(line.pools for line in booking.lines) and not shortfall(open_to, more, offer.capacity_of)
    taken = exchange(inventory, kept, demand, offer.capacity_of) if placed else None
    if taken is None:
        raise sold_out(offer, release(open_to, Demand(kept, {})), booking.lines)
    return view.stock.holding(taken), tallies


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
    return view.stock.holding(release(view.stock.inventory, Demand(free, demand.tickets))), tallies


def is_offer(view: View, booking: Booking) -> bool:
    """Whether it is about to be offered to an entry of the waiting list that still waits."""
    entry = view.find(WaitingEntry, booking.entry) if booking.entry else None
    return entry is not None and entry.state is EntryState.WAITING

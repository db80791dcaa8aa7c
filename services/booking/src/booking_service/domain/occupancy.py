"""What a booking occupies, in one place: the places of its event and whatever else is limited."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from booking_service.domain import domain_events as facts
from booking_service.domain.booking import Booking, Line, demand_of, issued_by, own_places
from booking_service.domain.inventory import Demand, Inventory, keeping, release, shortfall, swap
from booking_service.domain.offer import Offer
from booking_service.domain.people import Person, is_limited, person_key
from booking_service.domain.pool_moves import drawing, noted, present_draws
from booking_service.domain.records import Key, Record, View, key_of
from booking_service.domain.resale_offer import ResaleOffer
from booking_service.domain.seat_taking import seat_keys, seats_occupied, seats_vacated
from booking_service.domain.selling import sold_out
from booking_service.domain.states import TicketState
from booking_service.domain.stock import Stock
from booking_service.domain.voucher_use import VoucherUse, unknown_voucher, use_key
from booking_service.domain.waiting_entry import EntryState, WaitingEntry
from booking_service.domain.waiting_list import left_to_public

_MADE = (facts.BookingHeld.__name__, facts.BookingApprovalRequested.__name__, facts.BookingConfirmed.__name__)


def keys_of(booking: Booking) -> Sequence[Key]:
    """The records that `vacated` and `occupied` look at, and what ends or opens with the booking."""
    people: list[Key] = [person_key(booking.event, booking.buyer)] if booking.counted else []
    entry: list[Key] = [(WaitingEntry, booking.entry)] if booking.entry else []
    vouchers = (use_key(booking.event, voucher) for voucher in booking.redeemed())
    return [*people, *entry, *vouchers, *seat_keys(booking), *resale_keys(booking)]


def resale_keys(booking: Booking) -> list[Key]:
    """The offers of its tickets that may be live, and those that it buys."""
    selling = [each.resale_offer for each in booking.tickets if each.resale_offer and each.state is TicketState.VALID]
    return [(ResaleOffer, name) for name in (*selling, *(line.resale_offer for line in booking.lines)) if name]


def keys_with_change(booking: Booking) -> Sequence[Key]:
    """The records of a booking and of its pending change."""
    change = booking.pending
    lines = () if change is None else (change.added, change.held)
    return [*keys_of(booking), *(key for each in lines for key in keys_of(part_of(booking, each)))]


def part_of(booking: Booking, lines: Sequence[Line], *, counted: bool = True) -> Booking:
    """Some lines of a booking, or what shall be added to it, to be occupied or vacated by themselves."""
    return replace(booking, lines=tuple(lines), pending=None, counted=booking.counted and counted)


def held_for_change(booking: Booking) -> Booking | None:
    """What its pending change occupies beyond itself. An exchange is counted for its buyer when it is made."""
    change = booking.pending
    return None if change is None else part_of(booking, change.held, counted=not change.remove)


def change_vacated(view: View, booking: Booking) -> tuple[Stock, list[Record]]:
    """The stock and the tallies without what the pending change occupies, if there is one."""
    held, change = held_for_change(booking), booking.pending
    return (view.stock, []) if held is None or change is None else vacated(view, held, partial=bool(change.remove))


def all_vacated(view: View, booking: Booking) -> tuple[Stock, list[Record]]:
    """The same without the booking and its pending change."""
    stock, tallies = change_vacated(view, booking)
    stock, more = vacated(view.after(stock, tallies), booking)
    return stock, merged(tallies, more)


def exchanged(
    view: View, booking: Booking, gone: Sequence[Line], added: Sequence[Line], had: Mapping[str, int] | None = None
) -> tuple[Stock, list[Record]]:
    """The same with some lines of a booking given back and others taken. Refusals as `occupied`.

    had: what its buyer has, where that is more than in this view; who has more than a limit allows by now may have
    something else in its place.
    """
    had = tickets_of_buyer(view, booking) if had is None else had
    stock, tallies = vacated(view, part_of(booking, gone))
    stock, more = occupied(view.after(stock, tallies), part_of(booking, added), before=view.stock.inventory, had=had)
    return stock, merged(tallies, more)


def merged(earlier: Iterable[Record], later: Iterable[Record]) -> list[Record]:
    """Tallies after two steps: of each record the later one."""
    return list({key_of(record): record for record in (*earlier, *later)}.values())


def occupied(
    view: View,
    booking: Booking,
    *,
    whole: bool = True,
    before: Inventory | None = None,
    had: Mapping[str, int] | None = None,
    seats_of: Sequence[Booking] = (),
) -> tuple[Stock, list[Record]]:
    """The stock and the tallies with what the booking needs taken, all of it.

    whole: it is no part that has only the places which its booking does not have already. before: the inventory while
    it still had what is exchanged for this, so that nobody who waits gets that. had: what its buyer had by then, which
    they may have again. seats_of: the bookings whose seats these are, where it stands for several.

    FailedPrecondition SOLD_OUT, TOO_MANY_FOR_PERSON, VOUCHER_USED_UP, VOUCHER_UNKNOWN, SEAT_TAKEN. A line without a
    pool has no places. What its vouchers keep is taken first. The seats of a line are found before, by
    `seat_choice.seated`. What those who wait can be served with is for nobody else.
    """
    offer, inventory, demand = view.stock.known_offer(), view.stock.inventory, booking.demand()
    tallies: list[Record] = []
    if booking.counted:
        person = view.find(*person_key(booking.event, booking.buyer)) or Person(booking.event, booking.buyer)
        tallies.append(person.having(issued_by(booking.lines), offer, had or {}))
    kept: dict[str, int] = {}
    tickets_kept: dict[str, int] = {}
    for voucher, count in booking.redeemed().items():
        found: VoucherUse | None = view.find(*use_key(booking.event, voucher))
        if found is None:
            raise unknown_voucher(voucher)
        use = found.drawing(inventory.drawn)
        after = use.redeemed(count)
        tickets_kept[use.sort] = tickets_kept.get(use.sort, 0) + use.kept - after.kept
        for pool, places in use.places_of(use.kept - after.kept).items():
            kept[pool] = kept.get(pool, 0) + places
        tallies.append(after)
    open_to = inventory if is_offer(view, booking) else left_to_public(offer, before or inventory)
    more = demand.places
    if before is not None or kept:
        at_first = inventory.taken if before is None else before.taken
        own = {pool: at_first.get(pool, 0) - inventory.taken.get(pool, 0) + kept.get(pool, 0) for pool in more}
        more = {pool: places - own[pool] for pool, places in more.items()}
    placed = not whole or all(line.pools for line in booking.lines)
    if not placed or shortfall(open_to, more, offer.capacity_of):
        raise sold_out(offer, release(open_to, Demand(kept, {})), own_places(booking.lines))
    taken = swap(inventory, kept, demand if whole else replace(demand, partial=True))
    for sort, tickets in tickets_kept.items():
        taken = keeping(taken, sort, -tickets)
    stock, seats = seats_occupied(view, view.stock.holding(taken), seats_of or (booking,), whole=whole)
    return stock, [*tallies, *seats]


def vacated(view: View, booking: Booking, *, partial: bool = False) -> tuple[Stock, list[Record]]:
    """The stock and the tallies with all that the booking occupies given back, to its vouchers what they kept.

    It is given back to the pools where it counts now. partial: a part as `occupied` took it without `whole`, which
    stayed where it was.
    """
    inventory = view.stock.inventory
    demand = replace(booking.demand(), partial=True) if partial else taken_by(inventory, booking)
    tallies: list[Record] = []
    if booking.counted:
        person = view.get(*person_key(booking.event, booking.buyer))
        tallies.append(person.without(issued_by(booking.lines)))
    free = dict(demand.places)
    for voucher, count in booking.redeemed().items():
        found: VoucherUse = view.get(*use_key(booking.event, voucher))
        use = found.drawing(inventory.drawn)
        if not use.kept:  # what it draws on may have changed since it kept anything
            use = replace(use, pools=present_draws(use.sort, use.pools, view.stock))
        after = use.given_back(count, free)
        for pool, places in use.places_of(after.kept - use.kept).items():
            free[pool] -= places
        if after.kept > use.kept:
            inventory = noted(keeping(inventory, use.sort, after.kept - use.kept), {use.sort: use.pools}, view.stock)
        tallies.append(after)
    inventory = release(inventory, replace(demand, places=free))
    stock, seats = seats_vacated(view, view.stock.holding(inventory), booking)
    return stock, [*tallies, *seats]


def tickets_of_buyer(view: View, booking: Booking) -> Mapping[str, int]:
    """What counts for the buyer; nothing for a booking that does not count."""
    person = view.find(*person_key(booking.event, booking.buyer)) if booking.counted else None
    return {} if person is None else person.tickets


def is_to_be_counted(offer: Offer, booking: Booking) -> bool:
    """Whether its buyer took it before the event had limits for one person. What members booked counts for nobody."""
    if booking.counted or not booking.buyer or not is_limited(offer):
        return False
    made = booking.history[0] if booking.history else None
    by_member = made is not None and made.action in _MADE and made.actor.startswith("users/")
    return not by_member or made is None or made.actor == booking.buyer


def uncounted_keys(stock: Stock, booking: Booking) -> list[Key]:
    """What `counted` looks at, where the booking is to be counted."""
    to_count = stock.offer is not None and is_to_be_counted(stock.offer, booking)
    return [person_key(booking.event, booking.buyer)] if to_count else []


def counted(view: View, booking: Booking) -> tuple[Booking, Person]:
    """The booking and its buyer's tally when it counts from now on, all of it, whatever the limits are."""
    after = replace(booking, counted=True)
    person = view.find(*person_key(booking.event, booking.buyer)) or Person(booking.event, booking.buyer)
    held = held_for_change(after)
    parts = (booking.lines, held.lines if held is not None and held.counted else ())
    for lines in parts:
        person = person.also_having(issued_by(lines))
    return after, person


def taken_by(inventory: Inventory, booking: Booking) -> Demand:
    """What its lines have taken, from the pools where that counts now."""
    drawn = inventory.drawn
    return demand_of(drawing(booking.lines, drawn)) if drawn else booking.demand()


def is_offer(view: View, booking: Booking) -> bool:
    """Whether it is about to be offered to an entry of the waiting list that still waits."""
    entry = view.find(WaitingEntry, booking.entry) if booking.entry else None
    return entry is not None and entry.state is EntryState.WAITING

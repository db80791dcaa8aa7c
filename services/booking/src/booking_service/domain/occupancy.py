"""What a booking occupies, in one place: the places of its event and whatever else is limited."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from booking_service.domain.booking import Booking, Line
from booking_service.domain.inventory import release, take
from booking_service.domain.people import Person, person_key
from booking_service.domain.records import Key, Record, View, key_of
from booking_service.domain.selling import sold_out
from booking_service.domain.stock import Stock


def keys_of(booking: Booking) -> Sequence[Key]:
    """The records that `vacated` and `occupied` look at."""
    return [person_key(booking.event, booking.buyer)] if booking.counted else []


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
    held = held_for_change(booking)
    return (view.stock, []) if held is None else vacated(view, held)


def all_vacated(view: View, booking: Booking) -> tuple[Stock, list[Record]]:
    """The same without the booking and its pending change."""
    stock, tallies = change_vacated(view, booking)
    stock, more = vacated(view.after(stock, tallies), booking)
    return stock, merged(tallies, more)


def exchanged(view: View, booking: Booking, gone: Sequence[Line], added: Sequence[Line]) -> tuple[Stock, list[Record]]:
    """The same with some lines of a booking given back and others taken. Refusals as `occupied`."""
    stock, tallies = vacated(view, part_of(booking, gone))
    stock, more = occupied(view.after(stock, tallies), part_of(booking, added))
    return stock, merged(tallies, more)


def merged(earlier: Iterable[Record], later: Iterable[Record]) -> list[Record]:
    """Tallies after two steps: of each record the later one."""
    return list({key_of(record): record for record in (*earlier, *later)}.values())


def occupied(view: View, booking: Booking) -> tuple[Stock, list[Record]]:
    """The stock and the tallies with what the booking needs taken, all of it.

    FailedPrecondition SOLD_OUT, TOO_MANY_FOR_PERSON. A line without a pool has no places.
    """
    offer, inventory, demand = view.stock.known_offer(), view.stock.inventory, booking.demand()
    tallies: list[Record] = []
    if booking.counted:
        person = view.find(*person_key(booking.event, booking.buyer)) or Person(booking.event, booking.buyer)
        tallies.append(person.having(demand.tickets, offer))
    taken = take(inventory, demand, offer.capacity_of) if all(line.pools for line in booking.lines) else None
    if taken is None:
        raise sold_out(offer, inventory, booking.lines)
    return view.stock.holding(taken), tallies


def vacated(view: View, booking: Booking) -> tuple[Stock, list[Record]]:
    """The stock and the tallies with all that the booking occupies given back."""
    demand = booking.demand()
    tallies: list[Record] = []
    if booking.counted:
        person = view.get(*person_key(booking.event, booking.buyer))
        tallies.append(person.without(demand.tickets))
    return view.stock.holding(release(view.stock.inventory, demand)), tallies

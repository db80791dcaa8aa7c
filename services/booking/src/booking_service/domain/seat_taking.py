"""Takes the seats of a booking and gives them back, and counts those taken in the inventory."""

from collections.abc import Iterable
from dataclasses import replace

from booking_service.domain.booking import Booking, own_places
from booking_service.domain.hall import by_section, seats_taken
from booking_service.domain.records import Key, Record, View
from booking_service.domain.seat_counts import count_key, has_nothing_to_seat, seats_needed
from booking_service.domain.seating import Section, plan_of
from booking_service.domain.stock import Stock
from booking_service.domain.taken_seats import SeatClash, TakenSeats, taken_seats_key

Placed = dict[tuple[str, str], list[tuple[str, str]]]  # section and date → row and label of each seat


def seat_keys(booking: Booking) -> list[Key]:
    """The records of the sections in which its seats lie."""
    return [taken_seats_key(booking.event, *place) for place in _placed(booking)]


def seats_occupied(
    view: View, stock: Stock, bookings: Iterable[Booking], *, whole: bool = True
) -> tuple[Stock, list[Record]]:
    """The stock and the tallies with their seats taken. FailedPrecondition SEAT_TAKEN.

    whole: they are no parts that may go without a seat of their own. ValueError for a line of something whole without
    the seats that its type needs: `seated` was not asked.
    """
    offer = stock.known_offer()
    tallies: dict[tuple[str, str], TakenSeats] = {}
    for booking in bookings:
        if has_nothing_to_seat(offer, booking.lines):
            continue
        for line in booking.lines:
            if whole and not line.seats and seats_needed(offer, line.ticket_type):
                raise ValueError(f"{line.ticket_type} needs seats")
        for (section, date), seats in _placed(booking).items():
            before = tallies.get((section, date)) or view.find(*taken_seats_key(booking.event, section, date))
            before = before or TakenSeats(booking.event, section, date)
            try:
                tallies[section, date] = before.having(_id_of(booking), seats)
            except SeatClash as clash:
                gone = [f"{section}/{row}/{seat}" for row, seat in seats if before.has(row, seat)]
                raise seats_taken(gone) from clash
        stock = _counted(stock, booking, +1)
    return stock, list(tallies.values())


def seats_vacated(view: View, stock: Stock, booking: Booking) -> tuple[Stock, list[Record]]:
    """The same with its seats given back."""
    tallies = [
        view.get(*taken_seats_key(booking.event, *place)).without(_id_of(booking), seats)
        for place, seats in _placed(booking).items()
    ]
    return _counted(stock, booking, -1), list(tallies)


def _counted(stock: Stock, booking: Booking, sign: int) -> Stock:
    """With the seats counted that the plan has."""
    sections: tuple[Section, ...] = () if stock.offer is None else stock.offer.sections
    plan, seats = plan_of(sections), dict(stock.inventory.seats)
    for (section, date), placed in _placed(booking).items():
        key = count_key(section, date)
        there = sum(plan[section].has(*each) for each in placed) if section in plan else 0
        seats[key] = seats.get(key, 0) + sign * there  # a key stays: it tells that there is a record
        if seats[key] < 0:
            raise ValueError(f"{booking.event}: more seats of {key} come back than are taken")
    return stock.holding(replace(stock.inventory, seats=seats)) if seats != stock.inventory.seats else stock


def _placed(booking: Booking) -> Placed:
    placed: Placed = {}
    for line in own_places(booking.lines):  # a seat that is bought from somebody is theirs until then
        for section, seats in by_section(line.seats).items():
            placed.setdefault((section, line.date), []).extend(seats)
    return placed


def _id_of(booking: Booking) -> str:
    return booking.name.rpartition("/")[2]

"""Taking tickets out of the lines of a booking and adding others, ticket by ticket."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from booking_service.domain.booking import GONE, Booking, Line, Ticket
from booking_service.domain.pricing.breakdown import UnitPrice, UnitRun, regroup
from booking_service.domain.pricing.changes import UnitAt
from booking_service.domain.questions import UNKNOWN, Attendee
from booking_service.domain.states import TicketState


@dataclass(frozen=True, slots=True)
class Rearranged:
    """Lines after a change. places: where each kept ticket stands now. new: where the added ones do."""

    lines: tuple[Line, ...]
    places: dict[UnitAt, UnitAt]
    new: tuple[UnitAt, ...]


def rearranged(lines: Sequence[Line], gone: Collection[UnitAt], added: Sequence[Line]) -> Rearranged:
    """Lines keep their order; what is added comes last in a line of its kind, or in a new line at the end."""
    after: list[Line] = []
    places: dict[UnitAt, UnitAt] = {}
    for number, line in enumerate(lines):
        kept = [unit for unit in range(line.quantity) if UnitAt(number, unit) not in gone]
        if kept:
            places.update((UnitAt(number, unit), UnitAt(len(after), place)) for place, unit in enumerate(kept))
            after.append(some_of(line, kept))
    new: list[UnitAt] = []
    for line in added:
        at = next((at for at, each in enumerate(after) if _alike(each, line)), len(after))
        before = after[at].quantity if at < len(after) else 0
        after[at:] = [_joined(after[at], line), *after[at + 1 :]] if before else [line]
        new += [UnitAt(at, before + unit) for unit in range(line.quantity)]
    return Rearranged(tuple(after), places, tuple(new))


def taken_out(lines: Sequence[Line], gone: Collection[UnitAt]) -> tuple[Line, ...]:
    """The tickets that leave, as lines."""
    parts = []
    for number, line in enumerate(lines):
        units = [unit for unit in range(line.quantity) if UnitAt(number, unit) in gone]
        if units:
            parts.append(some_of(line, units))
    return tuple(parts)


def beyond(added: Sequence[Line], gone: Sequence[Line]) -> tuple[Line, ...]:
    """What added tickets need that the leaving ones do not have: for each, the places and the seat that are missing."""
    free = Counter(pool for line in gone for pool in line.pools * line.quantity)
    seats = {seat for line in gone for seat in line.seats}
    missing: list[Line] = []
    for line in added:
        for unit in range(line.quantity):
            pools = []
            for pool in line.pools:
                if free[pool]:
                    free[pool] -= 1
                else:
                    pools.append(pool)
            one = some_of(line, [unit])
            new_seats = tuple(seat for seat in one.seats if seat not in seats)
            one = replace(one, pools=tuple(pools), seats=new_seats, vouchers=())  # uses are exchanged when it is made
            if one.pools or one.seats:
                missing.append(one)
    joined: list[Line] = []
    for one in missing:
        if joined and _alike(joined[-1], one):
            joined[-1] = _joined(joined[-1], one)
        else:
            joined.append(one)
    return tuple(joined)


def some_of(line: Line, units: Sequence[int]) -> Line:
    """The line with these of its tickets only."""
    prices, each = list(line.priced().units()), len(line.seats) // line.quantity  # seats that a ticket has
    return replace(
        line,
        quantity=len(units),
        runs=_runs(line, [prices[unit] for unit in units]) if line.runs else (),
        seats=tuple(seat for unit in units for seat in line.seats[unit * each : (unit + 1) * each]),
        attendees=_known([_attendee(line, unit) for unit in units]),
    )


def moved(booking: Booking, change: Rearranged) -> tuple[Ticket, ...]:
    """The tickets of a booking after a change: those that left are void, the kept ones are where they stand now."""
    return tuple(
        replace(ticket, unit=change.places[ticket.unit])
        if ticket.unit in change.places
        else replace(ticket, unit=GONE, state=TicketState.VOID)
        for ticket in booking.tickets
    )


def _alike(one: Line, other: Line) -> bool:
    """They differ in number and price at most."""
    if bool(one.seats) != bool(other.seats):
        return False
    as_one = replace(
        other, quantity=one.quantity, unit_price=one.unit_price, runs=one.runs, seats=one.seats, attendees=one.attendees
    )
    return as_one == one and one.unit_price.currency == other.unit_price.currency


def _joined(line: Line, more: Line) -> Line:
    same = not line.runs and not more.runs and line.unit_price == more.unit_price
    prices = [*line.priced().units(), *more.priced().units()]
    people = [_attendee(line, unit) for unit in range(line.quantity)] + list(more.attendees)
    return replace(
        line,
        quantity=line.quantity + more.quantity,
        runs=() if same else _runs(line, prices),
        seats=line.seats + more.seats,
        attendees=_known(people),
    )


def _runs(line: Line, prices: Sequence[UnitPrice]) -> tuple[UnitRun, ...]:
    priced = regroup(line.ticket_type, line.date, prices)
    return () if priced is None else priced.runs


def _attendee(line: Line, unit: int) -> Attendee:
    return line.attendees[unit] if unit < len(line.attendees) else UNKNOWN


def _known(people: Sequence[Attendee]) -> tuple[Attendee, ...]:
    """Without unknown ones at the end."""
    known = list(people)
    while known and known[-1] == UNKNOWN:
        known.pop()
    return tuple(known)

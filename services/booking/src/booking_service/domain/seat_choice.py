"""Finds the seats of a booking before it takes them: those that its buyer chose, else the best that are free."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from booking_service.domain.booking import Booking, Line
from booking_service.domain.hall import Hall
from booking_service.domain.offer import Offer
from booking_service.domain.records import Key, View
from booking_service.domain.seat_counts import Sections, has_nothing_to_seat, seats_needed
from booking_service.domain.seat_parties import best_of
from booking_service.domain.seating import split_seat
from booking_service.domain.taken_seats import taken_seats_key
from domain_kit.refusals import FailedPrecondition


class OfType(Protocol):
    """A line, or what is wanted."""

    @property
    def ticket_type(self) -> str:
        """Name of the type."""

    @property
    def date(self) -> str:
        """Name of the date, "" without."""


def section_keys(offer: Offer, lines: Iterable[OfType]) -> list[Key]:
    """The records that `seated` looks at."""
    return [
        taken_seats_key(offer.event, section, line.date)
        for line in lines for sections in seats_needed(offer, line.ticket_type) for section in sections
    ]  # fmt: skip


def seated(view: View, booking: Booking, *, leaving_alone: bool = False) -> Booking:
    """The booking with a seat for each ticket of each line whose type has seats; to be asked before `occupied`.

    Lines that name seats keep them; lines of one date and the same sections are seated as one party. leaving_alone:
    the chosen seats may leave one alone, whatever the event's terms say.
    FailedPrecondition SEATS_NOT_OFFERED, SEAT_UNKNOWN, SEAT_TAKEN, SEAT_LEFT_ALONE, SOLD_OUT.
    """
    offer = view.stock.known_offer()
    if has_nothing_to_seat(offer, booking.lines):
        return booking
    hall = Hall(offer, view)
    if not _take_chosen(hall, booking.lines):
        return booking
    if not (leaving_alone or hall.offer.terms.seats_left_alone_allowed):
        hall.refuse_left_alone()
    return replace(booking, lines=_with_best(hall, booking.lines))


def all_seated(view: View, parties: Sequence[tuple[Line, ...]]) -> list[tuple[Line, ...]]:
    """The lines of several bookings at once: the chosen seats of all of them first, then the best party by party.

    Chosen seats may leave one alone. FailedPrecondition SEATS_NOT_OFFERED, SEAT_UNKNOWN, SEAT_TAKEN, SOLD_OUT.
    """
    hall = Hall(view.stock.known_offer(), view)
    have_seats = [_take_chosen(hall, lines) for lines in parties]
    return [
        _with_best(hall, lines, others=True) if seats else lines
        for lines, seats in zip(parties, have_seats, strict=True)
    ]  # fmt: skip


def seated_again(view: View, booking: Booking) -> Booking:
    """The same for a booking that had seats before: its own where all of a line are free still.

    Else the best of the same sections; where its type is not sold there any more, of those where it is.
    FailedPrecondition SOLD_OUT.
    """
    offer = view.stock.known_offer()
    hall, lines = Hall(offer, view), list(booking.lines)
    seatless: dict[int, tuple[Sections, ...]] = {}
    for at, line in enumerate(lines):
        needed = seats_needed(offer, line.ticket_type)
        if not needed:
            lines[at] = replace(line, seats=())
        elif len(line.seats) == line.quantity * len(needed) and hall.may_take(line, needed):
            hall.take(line.date, line.seats)
        else:
            lines[at] = replace(line, seats=())
            former = {split_seat(seat)[0] for seat in line.seats}
            seatless[at] = tuple(tuple(each for each in some if each in former) or some for some in needed)
    for at, seats in best_of(hall, lines, seatless).items():
        lines[at] = replace(lines[at], seats=seats)
    return replace(booking, lines=tuple(lines))


def _take_chosen(hall: Hall, lines: Sequence[Line]) -> bool:
    """Whether any line has seats; those that were chosen are taken. Refusals but for SEAT_LEFT_ALONE as `seated`."""
    needed = [seats_needed(hall.offer, line.ticket_type) for line in lines]
    for line, places in zip(lines, needed, strict=True):
        _refuse_unfit(line, places, hall)
    for line in lines:
        hall.take(line.date, line.seats)
    return any(needed)


def _with_best(hall: Hall, lines: Sequence[Line], *, others: bool = False) -> tuple[Line, ...]:
    """With the best seats for lines that have none. others: more is seated after them. FailedPrecondition SOLD_OUT."""
    needed = [seats_needed(hall.offer, line.ticket_type) for line in lines]
    seatless = {at: needed[at] for at, line in enumerate(lines) if needed[at] and not line.seats}
    found = best_of(hall, lines, seatless, others=others)
    return tuple(replace(line, seats=found[at]) if at in found else line for at, line in enumerate(lines))


def _refuse_unfit(line: Line, needed: Sequence[Sections], hall: Hall) -> None:
    """FailedPrecondition SEATS_NOT_OFFERED; SEAT_UNKNOWN with metadata `seats`: which, one a line."""
    if (line.seats or line.accessible_seats) and len(line.seats) not in (0, line.quantity * len(needed)):
        raise _not_offered(line)
    if line.accessible_seats and not needed:
        raise _not_offered(line)
    unknown = [seat for at, seat in enumerate(line.seats) if not hall.exists(seat, needed[at % len(needed)])]
    if unknown:
        metadata = {"ticket_type": line.ticket_type, "seats": "\n".join(unknown)}
        raise FailedPrecondition("SEAT_UNKNOWN", f"{line.display_name} has no such seats.", metadata=metadata)


def _not_offered(line: Line) -> FailedPrecondition:
    metadata = {"ticket_type": line.ticket_type}
    return FailedPrecondition("SEATS_NOT_OFFERED", f"Seats of {line.display_name} cannot be chosen.", metadata=metadata)

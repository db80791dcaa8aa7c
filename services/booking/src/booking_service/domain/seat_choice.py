"""Finds the seats of a booking before it takes them: those that its buyer chose, else the best that are free."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from booking_service.domain.best_seats import best_seats
from booking_service.domain.booking import Booking, Line
from booking_service.domain.offer import Offer
from booking_service.domain.records import Key, View
from booking_service.domain.seat_counts import Sections, seats_needed
from booking_service.domain.seat_rows import section_state, state_of
from booking_service.domain.seating import plan_of, split_seat
from booking_service.domain.taken_seats import TakenSeats, taken_seats_key
from domain_kit.refusals import FailedPrecondition

_PLACEHOLDER = "-"  # stands for the booking while it is seated


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
    the chosen seats may leave one alone. FailedPrecondition SEATS_NOT_OFFERED, SEAT_UNKNOWN, SEAT_TAKEN,
    SEAT_LEFT_ALONE, SOLD_OUT.
    """
    hall = _Hall(view.stock.known_offer(), view)
    if not _take_chosen(hall, booking.lines):
        return booking
    if not leaving_alone:
        hall.refuse_left_alone()
    return replace(booking, lines=_with_best(hall, booking.lines))


def all_seated(view: View, parties: Sequence[tuple[Line, ...]]) -> list[tuple[Line, ...]]:
    """The lines of several bookings at once: the chosen seats of all of them first, then the best party by party.

    Chosen seats may leave one alone. FailedPrecondition SEATS_NOT_OFFERED, SEAT_UNKNOWN, SEAT_TAKEN, SOLD_OUT.
    """
    hall = _Hall(view.stock.known_offer(), view)
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
    hall, lines = _Hall(offer, view), list(booking.lines)
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
    for at, seats in _best_of(hall, lines, seatless).items():
        lines[at] = replace(lines[at], seats=seats)
    return replace(booking, lines=tuple(lines))


@dataclass(slots=True)
class _Hall:
    """The plan and what is taken, while a booking is being seated. chosen: by date, section and row."""

    offer: Offer
    view: View
    taken: dict[tuple[str, str], TakenSeats] = field(default_factory=dict)
    chosen: dict[tuple[str, str, str], set[str]] = field(default_factory=dict)

    def section(self, section: str, date: str) -> TakenSeats:
        """What is taken of it."""
        if (section, date) not in self.taken:
            found = self.view.find(*taken_seats_key(self.offer.event, section, date))
            self.taken[section, date] = found or TakenSeats(self.offer.event, section, date)
        return self.taken[section, date]

    def exists(self, seat: str, sections: Sections) -> bool:
        """Whether it is a seat of one of these sections."""
        section, row, label = split_seat(seat)
        plan = plan_of(self.offer.sections).get(section)
        return section in sections and plan is not None and plan.has(row, label)

    def is_free(self, seat: str, date: str) -> bool:
        """Whether nobody has it. It exists."""
        section, row, label = split_seat(seat)
        return not self.section(section, date).has(row, label)

    def may_take(self, line: Line, needed: Sequence[Sections]) -> bool:
        """Whether all seats of the line are where they have to be, and free."""
        return all(
            self.exists(seat, needed[at % len(needed)]) and self.is_free(seat, line.date)
            for at, seat in enumerate(line.seats)
        )

    def take(self, date: str, seats: Iterable[str]) -> None:
        """They are for others no more. FailedPrecondition SEAT_TAKEN."""
        seats = tuple(seats)
        gone = [seat for seat in seats if not self.is_free(seat, date)]
        if gone:
            raise seats_taken(gone)
        self.mark(date, seats)
        for section, some in by_section(seats).items():
            for row, label in some:
                self.chosen.setdefault((date, section, row), set()).add(label)

    def mark(self, date: str, seats: Iterable[str]) -> None:
        """The same for free ones."""
        for section, some in by_section(seats).items():
            self.taken[section, date] = self.section(section, date).having(_PLACEHOLDER, some)

    def refuse_left_alone(self) -> None:
        """FailedPrecondition SEAT_LEFT_ALONE for a choice that does it needlessly."""
        plan = plan_of(self.offer.sections)
        for (date, section, label), chosen in self.chosen.items():
            row = plan[section].rows[label]
            before = self.view.find(*taken_seats_key(self.offer.event, section, date))
            state = state_of(row, None if before is None else before.by_label().get(label))  # without this choice
            alone = state.needlessly_left_alone({at for at, seat in enumerate(row.seats) if seat in chosen})
            if alone is not None:
                raise seat_left_alone(f"{section}/{label}/{row.seats[alone]}")

    def best(self, sections: Sections, date: str, quantity: int, accessible: int) -> tuple[str, ...]:
        """The best that are free, () when there are too few."""
        plan = plan_of(self.offer.sections)
        there = [(plan[each].section, self.section(each, date)) for each in dict.fromkeys(sections) if each in plan]
        return best_seats(there, quantity, accessible)

    def is_accessible(self, seat: str) -> bool:
        """Of a seat that exists."""
        section, row, label = split_seat(seat)
        return label in plan_of(self.offer.sections)[section].rows[row].accessible

    def left(self, sections: Sections, date: str, *, accessible: bool) -> int:
        """How many seats are free, or accessible and free."""
        plan = plan_of(self.offer.sections)
        states = [section_state(plan[each].section, self.section(each, date)) for each in set(sections) if each in plan]
        return sum(state.accessible_count + (0 if accessible else state.plain_count) for state in states)


def by_section(seats: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
    """Section → row and label of each."""
    found: dict[str, list[tuple[str, str]]] = {}
    for seat in seats:
        section, row, label = split_seat(seat)
        found.setdefault(section, []).append((row, label))
    return found


def seats_taken(seats: Sequence[str]) -> FailedPrecondition:
    """The refusal for chosen seats that somebody has; metadata `seats`: which, one a line."""
    return FailedPrecondition("SEAT_TAKEN", "Somebody has these seats.", metadata={"seats": "\n".join(seats)})


def seat_left_alone(seat: str) -> FailedPrecondition:
    """The refusal for a choice that leaves one free seat between taken ones; metadata `seat`: which."""
    return FailedPrecondition(
        "SEAT_LEFT_ALONE",
        f"Seat {seat} would be left alone; take seats beside it, or it as well.",
        metadata={"seat": seat},
    )


def _take_chosen(hall: _Hall, lines: Sequence[Line]) -> bool:
    """Whether any line has seats; those that were chosen are taken. Refusals but for SEAT_LEFT_ALONE as `seated`."""
    needed = [seats_needed(hall.offer, line.ticket_type) for line in lines]
    for line, places in zip(lines, needed, strict=True):
        _refuse_unfit(line, places, hall)
    for line in lines:
        hall.take(line.date, line.seats)
    return any(needed)


def _with_best(hall: _Hall, lines: Sequence[Line], *, others: bool = False) -> tuple[Line, ...]:
    """With the best seats for lines that have none. others: more is seated after them. FailedPrecondition SOLD_OUT."""
    needed = [seats_needed(hall.offer, line.ticket_type) for line in lines]
    seatless = {at: needed[at] for at, line in enumerate(lines) if needed[at] and not line.seats}
    found = _best_of(hall, lines, seatless, others=others)
    return tuple(replace(line, seats=found[at]) if at in found else line for at, line in enumerate(lines))


def _refuse_unfit(line: Line, needed: Sequence[Sections], hall: _Hall) -> None:
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


@dataclass(frozen=True, slots=True)
class _Claim:
    """Seats for a line: at these positions of its seats, so many of them accessible."""

    line: int
    at: tuple[int, ...]
    accessible: int


def _best_of(
    hall: _Hall, lines: Sequence[Line], seatless: Mapping[int, Sequence[Sections]], *, others: bool = False
) -> dict[int, tuple[str, ...]]:
    """Line → its seats. others: more is seated after them. FailedPrecondition SOLD_OUT."""
    parties: dict[tuple[str, Sections], list[_Claim]] = {}
    for number, needed in seatless.items():
        line = lines[number]
        for sections in dict.fromkeys(needed):
            at = tuple(each for each in range(line.quantity * len(needed)) if needed[each % len(needed)] == sections)
            accessible = line.accessible_seats if sections == needed[0] else 0
            parties.setdefault((line.date, sections), []).append(_Claim(number, at, accessible))
    seats: dict[int, dict[int, str]] = {number: {} for number in seatless}
    parties_left = len(parties)
    for (date, sections), claims in parties.items():
        accessible = sum(claim.accessible for claim in claims)
        found = hall.best(sections, date, sum(len(claim.at) for claim in claims), accessible)
        if not found:
            raise _too_few(hall, lines[claims[0].line], sections, accessible)
        parties_left -= 1
        if parties_left or others:
            hall.mark(date, found)
        for claim, own in zip(claims, _shared_out(hall, found, claims), strict=True):
            seats[claim.line].update(zip(claim.at, own, strict=True))
    return {number: tuple(own[at] for at in sorted(own)) for number, own in seats.items()}


def _shared_out(hall: _Hall, seats: Sequence[str], claims: Sequence[_Claim]) -> list[list[str]]:
    """The seats of each claim, in their order: first the accessible ones to who asked for them, then the rest."""
    left, own = list(seats), [list[str]() for _ in claims]
    for number, claim in enumerate(claims):
        own[number] = [seat for seat in left if claim.accessible and hall.is_accessible(seat)][: claim.accessible]
        left = [seat for seat in left if seat not in own[number]]
    for number, claim in enumerate(claims):
        more = len(claim.at) - len(own[number])
        own[number], left = sorted(own[number] + left[:more], key=seats.index), left[more:]
    return own


def _too_few(hall: _Hall, line: Line, sections: Sections, accessible: int) -> FailedPrecondition:
    metadata = {"ticket_type": line.ticket_type, "remaining": str(hall.left(sections, line.date, accessible=False))}
    if accessible:
        metadata["accessible_remaining"] = str(hall.left(sections, line.date, accessible=True))
    return FailedPrecondition(
        "SOLD_OUT",
        f"Not enough seats of {line.display_name} are left; some may come back when holds expire.",
        metadata=metadata,
    )

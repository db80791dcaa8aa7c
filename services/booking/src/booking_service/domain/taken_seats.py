"""Which seats of a section are taken, and by which bookings."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from booking_service.domain.memory import Memory


class SeatClash(ValueError):
    """Two shall sit on one seat."""


@dataclass(frozen=True, slots=True)
class TakenRow:
    """A row with seats taken. bookings: id → labels of its seats in this row."""

    label: str
    bookings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def seats(self) -> set[str]:
        """Labels of all that are taken."""
        return {seat for seats in self.bookings.values() for seat in seats}

    def having(self, booking: str, seats: tuple[str, ...]) -> "TakenRow":
        """With more of them taken. SeatClash for a seat that is taken: nobody may sit there twice."""
        if not self.seats().isdisjoint(seats) or len(set(seats)) < len(seats):
            raise SeatClash(f"row {self.label}: some of {seats} are taken already")
        return TakenRow(self.label, {**self.bookings, booking: (*self.bookings.get(booking, ()), *seats)})

    def without(self, booking: str, seats: tuple[str, ...]) -> "TakenRow":
        """With seats given back. ValueError for what that booking does not have."""
        own = self.bookings.get(booking, ())
        if not set(seats) <= set(own):
            raise ValueError(f"row {self.label}: {booking} has {own} and gives back {seats}")
        left = tuple(seat for seat in own if seat not in seats)
        others = {each: taken for each, taken in self.bookings.items() if each != booking}
        return TakenRow(self.label, {**others, booking: left} if left else others)


@dataclass(frozen=True, slots=True)
class TakenSeats:
    """A tally: the rows of one section, of a series for one date, that have taken seats.

    It does not know the seating plan: a seat that has vanished from the plan stays with its booking. Rows that a change
    leaves alone stay the same objects, by which what was worked out of them is found again.
    """

    event: str
    section: str
    date: str = ""
    rows: tuple[TakenRow, ...] = ()
    version: int = 0
    memory: ClassVar[Memory] = Memory.OR_ABSENT

    @property
    def name(self) -> str:
        """`events/{event}/takenSeats/{section}`, of a date `events/{event}/dates/{date}/takenSeats/{section}`."""
        return taken_seats_key(self.event, self.section, self.date)[1]

    def by_label(self) -> dict[str, TakenRow]:
        """Row label → row."""
        return {row.label: row for row in self.rows}

    def has(self, row: str, seat: str) -> bool:
        """Whether it is taken."""
        return any(each.label == row and seat in each.seats() for each in self.rows)

    def having(self, booking: str, seats: Iterable[tuple[str, str]]) -> "TakenSeats":
        """With more taken; seats: row and label of each. SeatClash for one that is taken.

        INVARIANT: a seat is never in two live bookings.
        """
        rows = self.by_label()
        for label, some in _by_row(seats).items():
            rows[label] = rows.get(label, TakenRow(label)).having(booking, some)
        return TakenSeats(self.event, self.section, self.date, tuple(rows.values()), self.version)

    def without(self, booking: str, seats: Iterable[tuple[str, str]]) -> "TakenSeats":
        """With seats given back. ValueError for what that booking does not have."""
        rows = self.by_label()
        for label, some in _by_row(seats).items():
            rows[label] = rows.get(label, TakenRow(label)).without(booking, some)
        return replace(self, rows=tuple(row for row in rows.values() if row.bookings))


def taken_seats_key(event: str, section: str, date: str = "") -> tuple[type[TakenSeats], str]:
    """Where the seats of a section are found."""
    return TakenSeats, f"{date or event}/takenSeats/{section}"


def _by_row(seats: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    rows: dict[str, tuple[str, ...]] = {}
    for row, seat in seats:
        rows[row] = (*rows.get(row, ()), seat)
    return rows

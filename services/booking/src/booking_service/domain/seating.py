"""The seats of an event: sections of rows of seats that stand side by side."""

from collections.abc import Mapping
from dataclasses import dataclass

from booking_service.domain.identity_memo import by_identity


@dataclass(frozen=True, slots=True)
class SeatRow:
    """Labels of seats from left to right; neighbours are adjacent. An aisle begins another row."""

    label: str
    seats: tuple[str, ...]
    accessible: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """Rows from the front to the back. The seat `7` of row `C` in section `stalls` is `stalls/C/7`."""

    id: str
    display_name: str
    rows: tuple[SeatRow, ...]


@dataclass(frozen=True, slots=True)
class SectionIndex:
    """A section with its rows by label and the number of its seats."""

    section: Section
    rows: Mapping[str, SeatRow]
    size: int

    def has(self, row: str, seat: str) -> bool:
        """Whether there is such a seat."""
        found = self.rows.get(row)
        return found is not None and seat in found.seats


@by_identity(64)
def plan_of(sections: tuple[Section, ...]) -> Mapping[str, SectionIndex]:
    """Section id → the section."""
    return {
        each.id: SectionIndex(each, {row.label: row for row in each.rows}, sum(len(row.seats) for row in each.rows))
        for each in sections
    }


def split_seat(seat: str) -> tuple[str, str, str]:
    """Section, row and seat of `{section}/{row}/{seat}`; ("", "", "") for what is no such thing."""
    section, _, rest = seat.partition("/")
    row, _, label = rest.partition("/")
    return (section, row, label) if section and row and label and "/" not in label else ("", "", "")

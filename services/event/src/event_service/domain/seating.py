"""The seats of an event."""

from collections.abc import Iterable
from dataclasses import dataclass

from event_service.domain.problems import Problems

MOST_SEATS = 20_000
MOST_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class SeatRow:
    """Seats side by side, from left to right; neighbours are adjacent. `accessible_seats` are some of them."""

    label: str
    seats: tuple[str, ...]
    accessible_seats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a hall with its rows from front to back. `id` is unique in the plan."""

    id: str
    display_name: str
    rows: tuple[SeatRow, ...]


@dataclass(frozen=True, slots=True)
class SeatingPlan:
    """All seats, each `{section}/{row}/{seat}`; without sections none are reserved. `revision` counts its changes."""

    sections: tuple[Section, ...] = ()
    revision: int = 1

    @property
    def section_ids(self) -> tuple[str, ...]:
        """Ids of its sections."""
        return tuple(section.id for section in self.sections)


NO_SEATS = SeatingPlan()


def seating_plan_problems(plan: SeatingPlan) -> Problems:
    """What is wrong with a plan."""
    rows = [row for section in plan.sections for row in section.rows]
    if len(rows) > MOST_ROWS or sum(len(row.seats) for row in rows) > MOST_SEATS:
        yield "sections", f"must have at most {MOST_SEATS} seats in at most {MOST_ROWS} rows."
        return
    yield from _repeated("sections", plan.section_ids, ".id")
    for index, section in enumerate(plan.sections):
        path = f"sections[{index}]"
        if not section.display_name.strip():
            yield f"{path}.display_name", "is required."
        yield from _repeated(f"{path}.rows", (row.label for row in section.rows), ".label")
        for number, row in enumerate(section.rows):
            yield from _row_problems(f"{path}.rows[{number}]", row)


def _row_problems(path: str, row: SeatRow) -> Problems:
    if not _is_label(row.label):
        yield f"{path}.label", "must be printable, without / and without spaces at its ends."
    yield from _repeated(f"{path}.seats", row.seats, "")
    for index, seat in enumerate(row.seats):
        if not _is_label(seat):
            yield f"{path}.seats[{index}]", "must be printable, without / and without spaces at its ends."
    yield from _repeated(f"{path}.accessible_seats", row.accessible_seats, "")
    seats = set(row.seats)
    for index, seat in enumerate(row.accessible_seats):
        if seat not in seats:
            yield f"{path}.accessible_seats[{index}]", "is no seat of this row."


def _is_label(text: str) -> bool:
    return bool(text) and text.isprintable() and "/" not in text and text == text.strip()


def _repeated(path: str, texts: Iterable[str], field: str) -> Problems:
    seen: set[str] = set()
    for index, text in enumerate(texts):
        if text in seen:
            yield f"{path}[{index}]{field}", f"{text!r} stands there twice."
        seen.add(text)

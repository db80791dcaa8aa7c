"""The seats of an event: sections of rows of seats that stand side by side."""

from dataclasses import dataclass


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

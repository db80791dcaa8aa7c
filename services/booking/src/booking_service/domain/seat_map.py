"""Which seats of an event are free, for a buyer to choose from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from booking_service.domain.offer import Offer
from booking_service.domain.seat_counts import seats_needed
from booking_service.domain.seat_rows import RowState, state_of
from booking_service.domain.seating import SeatRow, Section
from booking_service.domain.taken_seats import TakenSeats


@dataclass(frozen=True, slots=True)
class SectionMap:
    """A section, names of the ticket types sold there, and the rows with what is free of them."""

    section: Section
    ticket_types: tuple[str, ...]
    rows: tuple[tuple[SeatRow, RowState], ...]

    @property
    def free_count(self) -> int:
        """How many seats are free."""
        return sum(state.free_count for _, state in self.rows)


@dataclass(frozen=True, slots=True)
class SeatMap:
    """The seats of an event, of a series for one date. version: grows with every change. sections: None, not read."""

    event: str
    date: str
    version: int
    sections: Sequence[SectionMap] | None

    @property
    def name(self) -> str:
        """`events/{event}/seatMap`."""
        return f"{self.event}/seatMap"


def sections_of(offer: Offer, taken_of: Callable[[str], TakenSeats | None]) -> list[SectionMap]:
    """taken_of: what is taken of the section with that id."""
    shown = [kind for kind in offer.ticket_types if not kind.hidden]
    lying = {kind.name: {each for some in seats_needed(offer, kind.name) for each in some} for kind in shown}
    maps = []
    for section in offer.sections:
        taken = taken_of(section.id)
        rows = {} if taken is None else taken.by_label()
        states = tuple((row, state_of(row, rows.get(row.label))) for row in section.rows)
        maps.append(SectionMap(section, tuple(name for name, where in lying.items() if section.id in where), states))
    return maps

"""The seats of an event while a booking is being seated."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from booking_service.domain.best_seats import best_seats
from booking_service.domain.booking import Line
from booking_service.domain.offer import Offer
from booking_service.domain.records import View
from booking_service.domain.seat_counts import Sections
from booking_service.domain.seat_rows import section_state, state_of
from booking_service.domain.seating import plan_of, split_seat
from booking_service.domain.taken_seats import TakenSeats, taken_seats_key
from domain_kit.refusals import FailedPrecondition

_PLACEHOLDER = "-"  # stands for the booking while it is seated


@dataclass(slots=True)
class Hall:
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

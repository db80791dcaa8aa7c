"""What is free in a row of seats, and which choices leave a seat alone."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from booking_service.domain.seating import SeatRow, Section
from booking_service.domain.taken_seats import TakenRow, TakenSeats

Run = tuple[int, int]  # first position, and the one after the last
_SECTIONS_REMEMBERED = 1024
_NEAR = (0, -1, 1, -2, 2)


@dataclass(frozen=True, slots=True)
class RowState:
    """Positions from left to right. plain: free and not accessible. Runs are as long as can be."""

    free: tuple[bool, ...]
    accessible: tuple[bool, ...]
    runs: tuple[Run, ...]
    plain_runs: tuple[Run, ...]
    longest: int
    longest_plain: int
    free_count: int
    plain_count: int

    @property
    def accessible_count(self) -> int:
        """Free accessible seats."""
        return self.free_count - self.plain_count

    def starts(self, size: int, *, plain: bool) -> Iterator[int]:
        """Where so many adjacent seats may begin.

        Of plain ones only what is nearest to the middle of the row: of the five nearest places in a run, where it has
        so many, at most two leave a seat alone.
        """
        ideal = (len(self.free) - size) // 2
        for first, end in self.plain_runs if plain else self.runs:
            last = end - size
            if last < first:
                continue
            if plain:
                nearest = min(max(ideal, first), last)
                yield from (nearest + step for step in _NEAR if first <= nearest + step <= last)
            else:
                yield from range(first, last + 1)

    def left_alone(self, start: int, end: int) -> int:
        """How many free seats lose their last free neighbour when those from start to before end are taken."""
        free = self.free
        left = start > 0 and free[start - 1] and not (start > 1 and free[start - 2])
        right = end < len(free) and free[end] and not (end + 1 < len(free) and free[end + 1])
        return left + right

    def needlessly_left_alone(self, chosen: set[int]) -> int | None:
        """A position that a choice leaves alone though as many seats of the same run could be had without that.

        None where there is none, and where the choice contains an accessible seat: there may be no other that fits.
        """
        for first, end in self.runs:
            own = chosen & set(range(first, end))
            if not own or end - first - len(own) == 1 or any(self.accessible[each] for each in own):
                continue
            for each in range(first, end):
                neighbours = {each - 1, each + 1} & set(range(first, end))
                if each not in own and neighbours <= own:
                    return each
        return None

    def without(self, start: int, end: int) -> "RowState":
        """With the seats from start to before end taken."""
        return row_state((*self.free[:start], *[False] * (end - start), *self.free[end:]), self.accessible)


def row_state(free: Sequence[bool], accessible: Sequence[bool]) -> RowState:
    """By position."""
    runs = tuple(_runs(free))
    plain, plain_runs = free, runs
    if True in accessible:
        plain = [here and not special for here, special in zip(free, accessible, strict=True)]
        plain_runs = tuple(_runs(plain))
    return RowState(
        tuple(free), tuple(accessible), runs, plain_runs, _longest(runs), _longest(plain_runs), sum(free), sum(plain)
    )  # fmt: skip


Row = tuple[Section, SeatRow, RowState]


@dataclass(frozen=True, slots=True)
class SectionState:
    """The rows of a section from front to back, and how many seats are free in all of them."""

    section: Section
    taken: tuple[TakenRow, ...]
    rows: tuple[Row, ...]
    plain_count: int
    accessible_count: int


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was worked out last. index: row label → position in `state.rows`."""

    state: SectionState
    labelled: Mapping[str, TakenRow]
    index: Mapping[str, int]


_last: dict[str, _Seen] = {}


def section_state(section: Section, taken: TakenSeats) -> SectionState:
    """What is free of it. A sale changes a row or two at a time: the others are taken over from the last time."""
    seen = _last.get(taken.name)
    if seen is None or seen.state.section is not section:
        rows = [(section, row, state_of(row, None)) for row in section.rows]
        special = sum(state.accessible_count for _, _, state in rows)
        plain = sum(state.plain_count for _, _, state in rows)
        index = {row.label: at for at, row in enumerate(section.rows)}
        seen = _Seen(SectionState(section, (), tuple(rows), plain, special), {}, index)
    elif seen.state.taken is taken.rows:
        return seen.state
    labelled, before = taken.by_label(), seen.labelled
    changed = [label for label, row in labelled.items() if before.get(label) is not row]
    changed += before.keys() - labelled.keys()
    state = _with_rows(
        seen.state, taken.rows, {seen.index[each]: labelled.get(each) for each in changed if each in seen.index}
    )
    if len(_last) >= _SECTIONS_REMEMBERED:
        _last.clear()
    _last[taken.name] = _Seen(state, labelled, seen.index)
    return state


def _with_rows(
    state: SectionState, taken: tuple[TakenRow, ...], changed: Mapping[int, TakenRow | None]
) -> SectionState:
    """With these rows worked out anew."""
    rows, plain, special = list(state.rows), state.plain_count, state.accessible_count
    for at, row in changed.items():
        section, planned, before = rows[at]
        after = state_of(planned, row)
        plain += after.plain_count - before.plain_count
        special += after.accessible_count - before.accessible_count
        rows[at] = (section, planned, after)
    return SectionState(state.section, taken, tuple(rows), plain, special)


def state_of(row: SeatRow, taken: TakenRow | None) -> RowState:
    """Of a row of the plan and what is taken of it."""
    gone = taken.seats() if taken is not None else ()
    return row_state([seat not in gone for seat in row.seats], [seat in row.accessible for seat in row.seats])


def _runs(flags: Sequence[bool]) -> Iterator[Run]:
    text = bytes(flags)
    first = text.find(1)
    while first >= 0:
        end = text.find(0, first)
        end = len(text) if end < 0 else end
        yield first, end
        first = text.find(1, end)


def _longest(runs: Iterable[Run]) -> int:
    return max((end - first for first, end in runs), default=0)

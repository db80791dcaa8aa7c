"""Chooses the best free seats: together, well in front, in the middle, with no seat left alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from booking_service.domain.seat_rows import Row, section_state
from booking_service.domain.seating import Section
from booking_service.domain.taken_seats import TakenSeats


@dataclass(frozen=True, slots=True)
class _Block:
    """Adjacent seats: index of their row, first position, and the one after the last."""

    row: int
    start: int
    end: int


def best_seats(sections: Iterable[tuple[Section, TakenSeats]], quantity: int, accessible: int = 0) -> tuple[str, ...]:
    """`{section}/{row}/{seat}` of so many seats, at least `accessible` of them accessible; () where there are too few.

    sections: the best first, with what is taken of them. In this order of importance:
    - accessible seats are kept for who asks for them as long as enough others are free, and no more given than asked;
    - all seats side by side; else in as few parts as can be, nobody alone in one where that can be, the largest first
      and the others near it;
    - no free seat is left without a free neighbour in its row; such a row is passed over for one further back;
    - the row further in front, then the place nearer to the middle of the row.
    INVARIANT: nobody is sent away while so many seats that fit are free.
    """
    states = [section_state(section, taken) for section, taken in sections]
    plain, special = sum(each.plain_count for each in states), sum(each.accessible_count for each in states)
    if plain + special < quantity or special < accessible:
        return ()
    rows = [row for state in states for row in state.rows]
    order: Sequence[int] = range(len(rows))
    seats: list[str] = []
    while quantity:
        block = _next_block(rows, order, quantity, accessible, plain=not accessible and plain >= quantity)
        section, row, state = rows[block.row]
        if not seats and block.end - block.start < quantity:
            order = sorted(order, key=partial(_apart, block.row))
        seats += [f"{section.id}/{row.label}/{label}" for label in row.seats[block.start : block.end]]
        given, size = sum(state.accessible[block.start : block.end]), block.end - block.start
        quantity, plain, accessible = quantity - size, plain - (size - given), max(0, accessible - given)
        if quantity:
            rows[block.row] = (section, row, state.without(block.start, block.end))
    return tuple(seats)


def parts_of(people: int, runs: Iterable[int]) -> list[int]:
    """The sizes of as few parts as can be that fit into runs of seats, the largest first; one of 1 only where it must.

    ValueError where there are not so many seats.
    """
    longest, sizes = sorted(runs, reverse=True), list[int]()
    while people and len(sizes) < len(longest):
        sizes.append(min(people, longest[len(sizes)]))
        people -= sizes[-1]
    if people:
        raise ValueError("there are not so many seats")
    large = [at for at, size in enumerate(sizes) if size > 2]
    if large and sizes[-1] == 1 and longest[len(sizes) - 1] > 1:
        sizes[large[-1]] -= 1
        sizes[-1] = 2
    return sorted(sizes, reverse=True)


def _apart(row: int, other: int) -> int:
    return abs(row - other)


def _next_block(rows: Sequence[Row], order: Sequence[int], quantity: int, accessible: int, *, plain: bool) -> _Block:
    """The best block for all, else for the largest part, where so many fit altogether."""
    block = _best_block(rows, order, quantity, accessible, plain=plain)
    if block is None and accessible:
        return _with_accessible(rows, order, quantity, accessible)
    if block is None:
        runs = (run for row in rows for run in (row[2].plain_runs if plain else row[2].runs))
        size = parts_of(quantity, (end - first for first, end in runs))[0]
        block = _best_block(rows, order, size, 0, plain=plain)
    if block is None:
        raise ValueError("there are not so many seats")
    return block


def _with_accessible(rows: Sequence[Row], order: Sequence[int], quantity: int, accessible: int) -> _Block:
    """The best of the largest blocks with as many accessible seats; one smaller where that leaves nobody alone."""
    size = min(quantity, 1 + max(row[2].longest for row in rows))
    block = None
    while block is None and size > 1:
        size -= 1
        block = _best_block(rows, order, size, min(size, accessible), plain=False)
    if block is None:
        raise ValueError("there are not so many seats")
    if quantity - size > 1 or size < 3 or accessible >= size:
        return block
    shorter = _best_block(rows, order, size - 1, accessible, plain=False)
    if shorter is None:
        return block
    section, row, state = rows[shorter.row]
    rest = [*rows[: shorter.row], (section, row, state.without(shorter.start, shorter.end)), *rows[shorter.row + 1 :]]
    return block if _best_block(rest, order, 2, 0, plain=False) is None else shorter


def _best_block(rows: Sequence[Row], order: Sequence[int], size: int, accessible: int, *, plain: bool) -> _Block | None:
    best: tuple[tuple[int, int, int, int], _Block] | None = None
    for rank, index in enumerate(order):
        state = rows[index][2]
        if (state.longest_plain if plain else state.longest) < size or state.accessible_count < accessible:
            continue
        for start in state.starts(size, plain=plain):
            end = start + size
            too_many = 0 if plain else sum(state.accessible[start:end]) - accessible
            if too_many < 0:
                continue
            off_centre = abs(start + end - len(state.free))
            worth = (too_many, state.left_alone(start, end), rank, off_centre)
            if best is None or worth < best[0]:
                best = worth, _Block(index, start, end)
        if best is not None and best[0][:2] == (0, 0):
            break  # rows further back are only further back
    return None if best is None else best[1]

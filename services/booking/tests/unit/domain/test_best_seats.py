"""The choice of the best seats, against a search through everything on small halls."""

from hypothesis import given, settings
from hypothesis import strategies as st

from booking_service.domain.best_seats import best_seats, parts_of
from booking_service.domain.seating import SeatRow, Section
from booking_service.domain.taken_seats import TakenRow, TakenSeats


@st.composite
def halls(draw):
    """Sections with what is taken of each; some taken seats are in no plan any more."""
    hall = []
    for section in range(draw(st.integers(1, 2))):
        rows, taken = [], []
        for row in range(draw(st.integers(1, 3))):
            seats = tuple(str(seat) for seat in range(draw(st.integers(1, 8))))
            accessible = draw(st.lists(st.sampled_from(seats), unique=True, max_size=3))
            gone = draw(st.lists(st.sampled_from([*seats, "gone"]), unique=True))
            rows.append(SeatRow(f"r{row}", seats, tuple(accessible)))
            if gone:
                taken.append(TakenRow(f"r{row}", {"b": tuple(gone)}))
        name = f"s{section}"
        hall.append((Section(name, name, tuple(rows)), TakenSeats("events/e", name, rows=tuple(taken))))
    return hall


def hall_of(*rows, accessible=()):
    """Rows drawn as text: a free seat is `o`, a free accessible one `a`, a taken one `x`."""
    plan = tuple(
        SeatRow(str(at), tuple(map(str, range(len(row)))), tuple(str(n) for n, seat in enumerate(row) if seat == "a"))
        for at, row in enumerate(rows)
    )
    taken = tuple(
        TakenRow(str(at), {"b": tuple(str(n) for n, seat in enumerate(row) if seat == "x")})
        for at, row in enumerate(rows) if "x" in row
    )  # fmt: skip
    return [(Section("s", "S", plan), TakenSeats("events/e", "s", rows=taken))]


def chosen(hall, quantity, accessible=0):
    """Row → positions."""
    rows = {}
    for seat in best_seats(hall, quantity, accessible):
        _, row, label = seat.split("/")
        rows[row] = sorted([*rows.get(row, []), int(label)])
    return rows


def free_rows(hall):
    """Each row as [(seat, accessible, free)]."""
    for section, taken in hall:
        gone = {row.label: row.seats() for row in taken.rows}
        for row in section.rows:
            yield [
                (f"{section.id}/{row.label}/{seat}", seat in row.accessible, seat not in gone.get(row.label, ()))
                for seat in row.seats
            ]


def blocks(hall, quantity, fits=lambda accessible: True):
    """All sets of that many free seats side by side."""
    for row in free_rows(hall):
        for start in range(len(row) - quantity + 1):
            block = row[start : start + quantity]
            if all(free and fits(accessible) for _, accessible, free in block):
                yield {seat for seat, _, _ in block}


def left_alone(hall, taken):
    """Free seats without a free neighbour that had one, or a taken neighbour more, because of `taken`."""
    alone = set()
    for row in free_rows(hall):
        for at, (seat, _, free) in enumerate(row):
            beside = [row[each] for each in (at - 1, at + 1) if 0 <= each < len(row)]
            after = [each for each in beside if each[2] and each[0] not in taken]
            if free and seat not in taken and not after and any(each[2] for each in beside):
                alone.add(seat)
    return alone


def free_seats(hall):
    return {seat: accessible for row in free_rows(hall) for seat, accessible, free in row if free}


@settings(max_examples=400)
@given(halls(), st.integers(1, 8), st.data())
def test_nobody_is_sent_away_while_so_many_fitting_seats_are_free(hall, quantity, data):
    """INVARIANT: as many seats as asked for, free, different, enough of them accessible; or too few are free."""
    accessible = data.draw(st.integers(0, min(3, quantity)))
    free = free_seats(hall)
    seats = best_seats(hall, quantity, accessible)
    if len(free) < quantity or sum(free.values()) < accessible:
        assert seats == ()
        return
    assert len(seats) == len(set(seats)) == quantity
    assert set(seats) <= free.keys()
    assert sum(free[seat] for seat in seats) >= accessible


@settings(max_examples=400)
@given(halls(), st.integers(1, 6))
def test_accessible_seats_are_kept_while_enough_others_are_free(hall, quantity):
    """INVARIANT: who does not ask for accessible seats gets none as long as there are enough others."""
    free = free_seats(hall)
    plain = sum(not accessible for accessible in free.values())
    if plain >= quantity:
        assert not any(free[seat] for seat in best_seats(hall, quantity))


@settings(max_examples=400)
@given(halls(), st.integers(1, 6), st.integers(0, 2))
def test_all_sit_side_by_side_where_some_row_has_that(hall, quantity, accessible):
    """INVARIANT: a party is split only when no row has enough seats side by side that it may have."""
    accessible = min(accessible, quantity)
    seats, free = set(best_seats(hall, quantity, accessible)), free_seats(hall)
    plain = sum(not each for each in free.values())
    kept = not accessible and plain >= quantity
    together = [
        block for block in blocks(hall, quantity, lambda special: not (kept and special))
        if sum(free[seat] for seat in block) >= accessible
    ]  # fmt: skip
    assert (seats in together) == bool(together)


@settings(max_examples=400)
@given(halls(), st.integers(1, 6))
def test_no_seat_is_left_alone_where_that_can_be_avoided(hall, quantity):
    """INVARIANT: of all ways to sit side by side one is taken that leaves the fewest seats alone."""
    free = free_seats(hall)
    if sum(not accessible for accessible in free.values()) < quantity:
        return
    together = list(blocks(hall, quantity, lambda special: not special))
    if together:
        best = min(len(left_alone(hall, block)) for block in together)
        assert len(left_alone(hall, set(best_seats(hall, quantity)))) == best


@settings(max_examples=400)
@given(halls(), st.integers(1, 6))
def test_the_row_in_front_and_then_the_place_nearest_to_the_middle_is_taken(hall, quantity):
    free = free_seats(hall)
    if sum(not accessible for accessible in free.values()) < quantity:
        return
    together = list(blocks(hall, quantity, lambda special: not special))
    if not together:
        return
    rows = list(free_rows(hall))

    def worth(block):
        at = next(at for at, row in enumerate(rows) if any(seat in block for seat, _, _ in row))
        positions = [position for position, (seat, _, _) in enumerate(rows[at]) if seat in block]
        return len(left_alone(hall, block)), at, abs(positions[0] + positions[-1] + 1 - len(rows[at]))

    assert worth(set(best_seats(hall, quantity))) == min(map(worth, together))


def run_lengths(hall):
    """Of free seats side by side that are not accessible."""
    for row in free_rows(hall):
        text = "".join("o" if free and not accessible else "x" for _, accessible, free in row)
        yield from (len(run) for run in text.split("x") if run)


@settings(max_examples=600)
@given(halls(), st.integers(2, 12))
def test_of_a_party_that_is_split_nobody_sits_alone_where_that_can_be(hall, quantity):
    """INVARIANT: no part has one person, if people can be put into free runs of seats so that none has."""
    runs = list(run_lengths(hall))
    together = sum(run for run in runs if run > 1)
    if together < quantity or (quantity % 2 and max(runs) < 3):
        return  # somebody has to
    seats = set(best_seats(hall, quantity))
    for row in free_rows(hall):
        own = ["o" if seat in seats else " " for seat, _, _ in row]
        assert all(len(part) != 1 for part in "".join(own).split())


@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.data())
def test_parts_fit_into_runs_are_as_few_as_can_be_and_never_one_person_needlessly(runs, data):
    people = data.draw(st.integers(1, sum(runs)))
    sizes, longest = parts_of(people, runs), sorted(runs, reverse=True)
    assert sum(sizes) == people
    assert all(size <= run for size, run in zip(sizes, longest, strict=False))
    assert sum(longest[: len(sizes) - 1]) < people
    assert sizes == sorted(sizes, reverse=True)


def test_five_are_three_and_two_rather_than_four_and_one():
    assert chosen(hall_of("xooooxxx", "xxxxxxxx", "xoooxxxx"), 5) == {"2": [1, 2, 3], "0": [3, 4]}
    assert chosen(hall_of("oooxooxoo"), 6) == {"0": [1, 2, 4, 5, 7, 8]}
    assert chosen(hall_of("ooooxo"), 5) == {"0": [0, 1, 2, 3, 5]}, "somebody has to"


def test_who_asks_for_an_accessible_seat_leaves_nobody_alone_either():
    assert chosen(hall_of("aoooxxxx", "oooxxxxx"), 5, accessible=1) == {"0": [0, 1, 2], "1": [1, 2]}
    assert chosen(hall_of("aoooxxxx", "oxoxoxxx"), 5, accessible=1) == {"0": [0, 1, 2, 3], "1": [4]}


def test_a_party_sits_in_the_middle_of_the_front_row():
    assert chosen(hall_of("oooooooo", "oooooooo"), 2) == {"0": [3, 4]}


def test_a_row_is_passed_over_for_one_further_back_that_leaves_nobody_alone():
    assert chosen(hall_of("xoooxxxx", "oooooooo"), 2) == {"1": [3, 4]}
    assert chosen(hall_of("xoooxxxx", "xxxxxxxx"), 2) == {"0": [2, 3]}


def test_a_seat_left_alone_by_others_is_sold_to_a_single_person():
    assert chosen(hall_of("xxoxxooo"), 1) == {"0": [2]}


def test_a_party_that_no_row_can_seat_is_split_into_large_parts_near_each_other():
    assert chosen(hall_of("ooxooxoo", "xxxxxxxx", "xoooxxxx", "xooxxxxx"), 5) == {"2": [1, 2, 3], "3": [1, 2]}


def test_scattered_seats_are_given_when_there_are_no_others():
    assert chosen(hall_of("oxox", "xoxx"), 3) == {"0": [0, 2], "1": [1]}


def test_who_asks_for_an_accessible_seat_sits_there_with_company():
    assert chosen(hall_of("oooooo", "ooaooo", "ooaaoo"), 2, accessible=1) == {"1": [2, 3]}
    assert chosen(hall_of("oooooo", "ooaooo", "ooaaoo"), 2, accessible=2) == {"2": [2, 3]}
    assert chosen(hall_of("oooxax", "oooooo"), 2, accessible=1) == {"0": [2, 4]}


def test_accessible_seats_are_not_more_than_asked_for_where_that_can_be():
    for accessible in (1, 2):
        seats = best_seats(hall_of("aaaa", "aooo", "oooo"), 3, accessible)
        assert sum(seat.split("/")[1] == "0" for seat in seats) == (0 if accessible == 1 else 3)
    assert best_seats(hall_of("aooo"), 2, 2) == ()

"""Seats the lines of a booking as parties, and makes room for all of them where their sections overlap."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from booking_service.domain.booking import Line
from booking_service.domain.hall import Hall
from booking_service.domain.seat_counts import Sections
from booking_service.domain.seat_shares import shares
from domain_kit.refusals import FailedPrecondition


@dataclass(frozen=True, slots=True)
class _Claim:
    """Seats for a line: at these positions of its seats, so many of them accessible."""

    line: int
    at: tuple[int, ...]
    accessible: int


@dataclass(frozen=True, slots=True)
class _Party:
    """Claims that may lie in the same sections on the same date."""

    date: str
    sections: Sections
    claims: tuple[_Claim, ...]

    @property
    def size(self) -> int:
        """How many seats."""
        return sum(len(claim.at) for claim in self.claims)

    @property
    def accessible(self) -> int:
        """How many of them accessible."""
        return sum(claim.accessible for claim in self.claims)


def best_of(
    hall: Hall, lines: Sequence[Line], seatless: Mapping[int, Sequence[Sections]], *, others: bool = False
) -> dict[int, tuple[str, ...]]:
    """Line → its seats. others: more is seated after them.

    FailedPrecondition SOLD_OUT. INVARIANT: not while there is a seat for each of those who wish no accessible ones,
    however the sections of the parties overlap.
    """
    parties, before = _parties(lines, seatless), dict(hall.taken)
    found: Sequence[Sequence[str]] | None = None
    orders = [parties]
    if len(parties) > 1:
        orders.append(sorted(parties, key=_fewest_sections))
    for order in orders:
        found = _one_by_one(hall, order, others=others)
        if found is not None:
            parties = order
            break
        hall.taken = dict(before)
    if found is None and len(parties) > 1:
        found = _shared(hall, parties)
    if found is None:
        hall.taken = dict(before)
        raise _short(hall, lines, parties)
    seats: dict[int, dict[int, str]] = {number: {} for number in seatless}
    for party, some in zip(parties, found, strict=True):
        for claim, own in zip(party.claims, _shared_out(hall, some, party.claims), strict=True):
            seats[claim.line].update(zip(claim.at, own, strict=True))
    return {number: tuple(own[at] for at in sorted(own)) for number, own in seats.items()}


def _fewest_sections(party: _Party) -> int:
    return len(set(party.sections))


def _parties(lines: Sequence[Line], seatless: Mapping[int, Sequence[Sections]]) -> list[_Party]:
    claims: dict[tuple[str, Sections], list[_Claim]] = {}
    for number, needed in seatless.items():
        line = lines[number]
        for sections in dict.fromkeys(needed):
            at = tuple(each for each in range(line.quantity * len(needed)) if needed[each % len(needed)] == sections)
            accessible = line.accessible_seats if sections == needed[0] else 0
            claims.setdefault((line.date, sections), []).append(_Claim(number, at, accessible))
    return [_Party(date, sections, tuple(some)) for (date, sections), some in claims.items()]


def _one_by_one(hall: Hall, parties: Sequence[_Party], *, others: bool) -> list[tuple[str, ...]] | None:
    """The seats of each, every one with the best that those before it left; None where one finds too few."""
    seats: list[tuple[str, ...]] = []
    for party in parties:
        found = hall.best(party.sections, party.date, party.size, party.accessible)
        if not found:
            return None
        seats.append(found)
        if others or len(seats) < len(parties):
            hall.mark(party.date, found)
    return seats


def _shared(hall: Hall, parties: Sequence[_Party]) -> list[list[str]] | None:
    """The same, each with the best in the sections among which all of them fit; None where that cannot be.

    Those who wish accessible seats choose first: of two sections only one may have them.
    """
    order = sorted(range(len(parties)), key=lambda number: not parties[number].accessible)
    seats: list[list[str]] = [[] for _ in parties]
    for place, number in enumerate(order):
        rest = [parties[each] for each in order[place:]]
        free = {
            (date, section): hall.left((section,), date, accessible=False)
            for date, section in {(party.date, section) for party in rest for section in party.sections}
        }
        wanted = [(party.size, [(party.date, each) for each in dict.fromkeys(party.sections)]) for party in rest]
        own = shares(wanted, free)
        if own is None:
            return None
        accessible = parties[number].accessible
        for (date, section), count in own[0].items():
            here = min(count, accessible, hall.left((section,), date, accessible=True))
            found = hall.best((section,), date, count, here)
            accessible -= here
            seats[number] += found
            hall.mark(date, found)
        if accessible:
            return None
    return seats


def _short(hall: Hall, lines: Sequence[Line], parties: Sequence[_Party]) -> FailedPrecondition:
    """The refusal, for the party that finds too few after those before it."""
    for party in parties:
        found = hall.best(party.sections, party.date, party.size, party.accessible)
        if not found:
            return _too_few(hall, lines[party.claims[0].line], party.sections, party.accessible)
        hall.mark(party.date, found)
    raise AssertionError("they all fit")


def _shared_out(hall: Hall, seats: Sequence[str], claims: Sequence[_Claim]) -> list[list[str]]:
    """The seats of each claim, in their order: first the accessible ones to who asked for them, then the rest."""
    left, own = list(seats), [list[str]() for _ in claims]
    for number, claim in enumerate(claims):
        own[number] = [seat for seat in left if claim.accessible and hall.is_accessible(seat)][: claim.accessible]
        left = [seat for seat in left if seat not in own[number]]
    for number, claim in enumerate(claims):
        more = len(claim.at) - len(own[number])
        own[number], left = sorted(own[number] + left[:more], key=seats.index), left[more:]
    return own


def _too_few(hall: Hall, line: Line, sections: Sections, accessible: int) -> FailedPrecondition:
    metadata = {"ticket_type": line.ticket_type, "remaining": str(hall.left(sections, line.date, accessible=False))}
    if accessible:
        metadata["accessible_remaining"] = str(hall.left(sections, line.date, accessible=True))
    return FailedPrecondition(
        "SOLD_OUT",
        f"Not enough seats of {line.display_name} are left; some may come back when holds expire.",
        metadata=metadata,
    )

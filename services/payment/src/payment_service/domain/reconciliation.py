"""Compares what our ledger says of a gateway with what the gateway has on its own books."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from payment_service.domain.gateways import Entry as Line
from payment_service.domain.ledger import AccountKind, Entry, FactKind

KINDS = {
    FactKind.CAPTURED: "charge",
    FactKind.REFUND_COMPLETED: "refund",
    FactKind.DISPUTE_OPENED: "dispute",
}


class Difference(Enum):
    """MISSING: the gateway has no such line. EXTRA: we have no such entry. Else both have it, with another …"""

    MISSING = "MISSING"
    EXTRA = "EXTRA"
    AMOUNT = "AMOUNT"
    CURRENCY = "CURRENCY"
    FEE = "FEE"


@dataclass(frozen=True, slots=True)
class Movement:
    """Money that moved at a gateway, as our ledger tells it; amount and fee in minor units, above zero.

    id, time: of the entry.
    """

    id: str
    time: datetime
    kind: str
    reference: str
    key: str
    currency: str
    amount: int
    fee: int


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """One difference; ours and theirs say what each has, empty where it has nothing."""

    difference: Difference
    kind: str
    reference: str
    ours: str = ""
    theirs: str = ""


def movements(gateway: str, entries: Sequence[Entry]) -> list[Movement]:
    """What entries say that moved at one gateway: each with the fee that was booked for it."""
    owner = f"gateways/{gateway}"
    fees: dict[tuple[str, str], int] = defaultdict(int)
    moved: list[tuple[Entry, int, str]] = []
    for entry in entries:
        for each in entry.postings:
            if each.account.owner != owner:
                continue
            if each.account.kind is AccountKind.FEES:
                fees[entry.payment, entry.reference] += each.amount.minor_units
            elif entry.kind in KINDS:
                moved.append((entry, abs(each.amount.minor_units), each.amount.currency))
    return [
        Movement(
            entry.id,
            entry.time,
            KINDS[entry.kind],
            entry.reference,
            entry.key,
            currency,
            amount,
            fees[entry.payment, entry.reference] if entry.kind is FactKind.CAPTURED else 0,
        )
        for entry, amount, currency in moved
    ]


def reconciled(ours: Sequence[Movement], theirs: Sequence[Line], since: datetime, until: datetime) -> list[Discrepancy]:
    """Every difference of that time and nothing else; empty when both say the same.

    Both are to reach beyond it, as far as two clocks may differ: what has its partner just outside is not missing.

    Lines belong together by kind and by the gateway's own id of it, else by the order's key or reference, those that
    say the same first. Fees are compared for charges only: what is kept of others is not booked in advance.
    """
    left: dict[tuple[str, str], list[Movement]] = defaultdict(list)
    for each in ours:
        for name in {each.key, each.reference} - {""}:
            left[each.kind, name].append(each)
    taken: set[str] = set()
    partners: dict[int, Movement | None] = {}
    for names in (_own_name, _names_of_order):
        for index, line in enumerate(theirs):
            if partners.get(index) is None:
                partners[index] = mine = _partner(line, names(line), left, taken)
                taken |= {mine.id} if mine is not None else set()
    found: list[Discrepancy] = []
    for index, line in enumerate(theirs):
        if since <= line.time < until:
            mine = partners[index]
            extra = Discrepancy(Difference.EXTRA, line.kind, line.reference, theirs=str(line.amount))
            found += [extra] if mine is None else _differences(mine, line)
    found += [
        Discrepancy(Difference.MISSING, each.kind, each.reference, ours=f"{each.amount} {each.currency}")
        for each in ours
        if each.id not in taken and since <= each.time < until
    ]
    return found


def _own_name(line: Line) -> Sequence[str]:
    return [line.id]


def _names_of_order(line: Line) -> Sequence[str]:
    return list(dict.fromkeys(name for name in (line.key, line.reference) if name))


def _partner(
    line: Line, names: Sequence[str], left: Mapping[tuple[str, str], Sequence[Movement]], taken: set[str]
) -> Movement | None:
    """Of several alike one that says the very same, so that a difference is told of the one that has it."""
    candidates = [each for name in names for each in left.get((line.kind, name), ()) if each.id not in taken]
    return min(candidates, key=lambda each: len(_differences(each, line)), default=None)


def _differences(mine: Movement, line: Line) -> list[Discrepancy]:
    def told(difference: Difference, ours: object, theirs: object) -> Discrepancy:
        return Discrepancy(difference, mine.kind, line.reference, str(ours), str(theirs))

    if mine.currency != line.amount.currency:
        return [told(Difference.CURRENCY, mine.currency, line.amount.currency)]
    found = []
    if mine.amount != abs(line.amount.minor_units):
        found.append(told(Difference.AMOUNT, mine.amount, line.amount.minor_units))
    if mine.kind == "charge" and (mine.fee, mine.currency) != (line.fee.minor_units, line.fee.currency):
        found.append(told(Difference.FEE, f"{mine.fee} {mine.currency}", f"{line.fee.minor_units} {line.fee.currency}"))
    return found

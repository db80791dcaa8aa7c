"""Compares what our ledger says of a gateway with what the gateway has on its own books."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from domain_kit.money import Money
from payment_service.domain.bookkeeping import Deal, fee_corrected
from payment_service.domain.gateways import Entry as Line
from payment_service.domain.ledger import AccountKind, Entry, FactKind
from payment_service.domain.terms import Terms

FEES = (FactKind.GATEWAY_FEE, FactKind.GATEWAY_FEE_CORRECTED)
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

    id, time, payment: of the entry. fee: of a charge, with its corrections, of which there were so many.
    """

    id: str
    time: datetime
    kind: str
    reference: str
    key: str
    currency: str
    amount: int
    fee: int
    payment: str = ""
    corrections: int = 0


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """One difference; ours and theirs say what each has, empty where it has nothing."""

    difference: Difference
    kind: str
    reference: str
    ours: str = ""
    theirs: str = ""


def movements(gateway: str, entries: Sequence[Entry]) -> list[Movement]:
    """What entries say that moved at one gateway: each charge with the fee that was booked for it."""
    owner = f"gateways/{gateway}"
    fees, corrections = Counter[tuple[str, str, str]](), Counter[tuple[str, str, str]]()
    moved: list[tuple[Entry, Money]] = []
    for entry in entries:
        for each in entry.postings:
            if each.account.owner != owner:
                continue
            if each.account.kind is AccountKind.FEES and entry.kind in FEES:
                about = entry.payment, entry.reference, each.amount.currency
                fees[about] += each.amount.minor_units
                corrections[about] += entry.kind is FactKind.GATEWAY_FEE_CORRECTED
            elif entry.kind in KINDS:
                moved.append((entry, each.amount))
    return [
        Movement(
            entry.id, entry.time, KINDS[entry.kind], entry.reference, entry.key, amount.currency,
            abs(amount.minor_units), fees[about] if entry.kind is FactKind.CAPTURED else 0, entry.payment,
            corrections[about],
        )
        for entry, amount in moved
        for about in [(entry.payment, entry.reference, amount.currency)]
    ]  # fmt: skip


def reconciled(ours: Sequence[Movement], theirs: Sequence[Line], since: datetime, until: datetime) -> list[Discrepancy]:
    """Every difference of that time and nothing else; empty when both say the same.

    Both are to reach beyond it, as far as two clocks may differ: what has its partner just outside is not missing.

    Lines belong together by kind and by the gateway's own id of it, else by the order's key or reference, those that
    say the same first. Fees are compared for charges only: what is kept of others is not booked in advance.
    """
    partners, taken = _paired(ours, theirs)
    found: list[Discrepancy] = []
    for index, line in enumerate(theirs):
        if since <= line.time < until:
            mine = partners.get(index)
            extra = Discrepancy(Difference.EXTRA, line.kind, line.reference, theirs=str(line.amount))
            found += [extra] if mine is None else _differences(mine, line)
    found += [
        Discrepancy(Difference.MISSING, each.kind, each.reference, ours=f"{each.amount} {each.currency}")
        for each in ours
        if each.id not in taken and since <= each.time < until
    ]
    return found


def corrections(gateway: str, ours: Sequence[Movement], theirs: Sequence[Line]) -> list[Entry]:
    """What makes the fees of charges those that the gateway tells; nothing where it tells them in another currency.

    INVARIANT: made again from the same books these are the same entries, so that nothing is corrected twice.
    """
    partners, _ = _paired(ours, theirs)
    made: list[Entry] = []
    for index, mine in partners.items():
        line = theirs[index]
        told = _differences(mine, line) if line.fee.currency == mine.currency else []
        if any(each.difference is Difference.FEE for each in told):
            deal = Deal(mine.payment, "", gateway, line.amount, mine.reference, mine.key, Terms())
            more = line.fee - Money(mine.fee, mine.currency)
            made += fee_corrected(deal, mine.id, mine.corrections + 1, more, line.time)
    return made


def _paired(ours: Sequence[Movement], theirs: Sequence[Line]) -> tuple[Mapping[int, Movement], Collection[str]]:
    """Place of a line → what it belongs to, and the ids of all that have one."""
    left: dict[tuple[str, str], list[Movement]] = defaultdict(list)
    for each in ours:
        for name in {each.key, each.reference} - {""}:
            left[each.kind, name].append(each)
    taken: set[str] = set()
    partners: dict[int, Movement] = {}
    for names in (_own_name, _names_of_order):
        for index, line in enumerate(theirs):
            mine = None if index in partners else _partner(line, names(line), left, taken)
            if mine is not None:
                partners[index] = mine
                taken.add(mine.id)
    return partners, taken


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

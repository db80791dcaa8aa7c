"""Every difference between our ledger and a gateway's own books is found, and nothing else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain_kit.money import Money
from payment_service.domain.bookkeeping import Deal, captured, dispute_opened, refund_completed
from payment_service.domain.gateways import Entry as Line
from payment_service.domain.ledger import Entry
from payment_service.domain.reconciliation import Difference, corrections, movements, reconciled
from payment_service.domain.terms import Terms

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
SINCE, UNTIL = NOW - timedelta(days=1), NOW + timedelta(days=1)
DEALS = st.lists(
    st.tuples(st.integers(100, 10**6), st.integers(0, 99), st.sampled_from(["", "refund", "dispute"])), max_size=12
)  # fmt: skip


def world(deals: list[tuple[int, int, str]], with_keys: bool) -> tuple[list[Entry], list[Line]]:
    """What we booked, and a gateway's report that agrees."""
    ours: list[Entry] = []
    theirs: list[Line] = []
    nothing = Money(0, "CAD")
    for number, (amount, fee, more) in enumerate(deals):
        money, fee_money, key = Money(amount, "CAD"), Money(fee, "CAD"), f"key{number}" if with_keys else ""
        deal = Deal(f"payments/{number}", "organizers/o", "stripe", money, f"pi_{number}", key, Terms(250))
        ours += captured(deal, NOW, fee_money)
        theirs.append(Line(f"t{number}", "charge", f"pi_{number}", key, money, fee_money, NOW))
        if more == "refund":
            ours += refund_completed(deal, f"r{number}", money, NOW, refunded_before=nothing, reference=f"re_{number}")
            theirs.append(Line(f"re_{number}", "refund", f"pi_{number}", key, money * -1, nothing, NOW))
        if more == "dispute":
            ours += dispute_opened(deal, f"d{number}", money, NOW)
            theirs.append(Line(f"t{number}d", "dispute", f"pi_{number}", "", money, nothing, NOW))
    return ours, theirs


def misreported(line: Line, fault: Difference | None) -> list[Line]:
    match fault:
        case Difference.MISSING:
            return []
        case Difference.EXTRA:
            return [line, replace(line, id="x")]
        case Difference.AMOUNT:
            return [replace(line, amount=line.amount * 2)]
        case Difference.CURRENCY:
            return [replace(line, amount=Money(line.amount.minor_units, "EUR"))]
        case Difference.FEE:
            return [replace(line, fee=line.fee + Money(1, "CAD"))]
    return [line]


def told(ours: list[Entry], theirs: list[Line]) -> list[tuple[Difference, str]]:
    found = reconciled(movements("stripe", ours), theirs, SINCE, UNTIL)
    return sorted(((each.difference, each.reference) for each in found), key=str)


@given(DEALS, st.booleans())
def test_books_that_agree_have_no_difference(deals: list[tuple[int, int, str]], with_keys: bool) -> None:
    assert told(*world(deals, with_keys)) == []


@given(DEALS, st.booleans(), st.data())
def test_every_difference_is_found_and_nothing_else(
    deals: list[tuple[int, int, str]], with_keys: bool, data: st.DataObject
) -> None:
    """INVARIANT: what was put into the report is what comes out, line by line."""
    ours, theirs = world(deals, with_keys)
    report: list[Line] = []
    wanted: list[tuple[Difference, str]] = []
    for line in theirs:
        fault = data.draw(st.sampled_from([None, None, *Difference]))
        if fault is Difference.FEE and line.kind != "charge":
            fault = None
        if fault is not None:
            wanted.append((fault, line.id if (fault, line.kind) == (Difference.MISSING, "refund") else line.reference))
        report += misreported(line, fault)
    assert told(ours, data.draw(st.permutations(report))) == sorted(wanted, key=str)


def test_what_has_its_partner_just_outside_the_time_is_not_missing() -> None:
    ours, theirs = world([(1000, 10, "")], True)
    assert told(ours, [replace(theirs[0], time=UNTIL)]) == []
    assert told([], [replace(theirs[0], time=UNTIL)]) == []
    assert told([], theirs) == [(Difference.EXTRA, "pi_0")]
    assert told([replace(each, time=UNTIL) for each in ours], []) == []


def test_refunds_of_one_charge_are_told_apart_by_their_id_or_else_by_what_they_say() -> None:
    charge, nothing = Money(1000, "CAD"), Money(0, "CAD")
    deal = Deal("payments/1", "organizers/o", "wechat", charge, "o1", "k1", Terms())
    parts = {"re_1": Money(100, "CAD"), "re_2": Money(300, "CAD")}
    ours = [
        entry
        for id, part in parts.items()
        for entry in refund_completed(deal, id, part, NOW, refunded_before=nothing, reference=id)
    ]

    def found(report: dict[str, Money]) -> list[tuple[Difference, str, str]]:
        lines = [Line(id, "refund", "o1", "k1", part, nothing, NOW) for id, part in report.items()]
        told = reconciled(movements("wechat", ours), lines, SINCE, UNTIL)
        return [(each.difference, each.ours, each.theirs) for each in told]

    assert found(parts) == found({"log9": parts["re_2"], "log8": parts["re_1"]}) == []
    assert found({"re_2": Money(100, "CAD"), "re_1": Money(100, "CAD")}) == [(Difference.AMOUNT, "300", "100")]
    assert found({"log8": parts["re_2"]}) == [(Difference.MISSING, "100 CAD", "")]


@given(DEALS, st.lists(st.integers(0, 99), min_size=12, max_size=12), st.booleans())
def test_fees_are_corrected_to_what_the_gateway_has_kept_and_once(
    deals: list[tuple[int, int, str]], kept: list[int], with_keys: bool
) -> None:
    """INVARIANT: after a correction, nothing differs; one that is made twice from the same books is the same entry."""
    ours, theirs = world(deals, with_keys)
    fees = iter(kept)
    theirs = [replace(each, fee=Money(next(fees), "CAD")) if each.kind == "charge" else each for each in theirs]
    made = corrections("stripe", movements("stripe", ours), theirs)
    assert made == corrections("stripe", movements("stripe", ours), theirs)
    assert len({each.id for each in [*ours, *made]}) == len(ours) + len(made)
    for _ in range(2):
        ours += made
        assert reconciled(movements("stripe", ours), theirs, SINCE, UNTIL) == []
        made = corrections("stripe", movements("stripe", ours), theirs)
        assert made == []
    back = corrections("stripe", movements("stripe", ours), world(deals, with_keys)[1])
    assert {each.id for each in back} & {each.id for each in ours} == set()
    assert reconciled(movements("stripe", ours + back), world(deals, with_keys)[1], SINCE, UNTIL) == []


def test_a_fee_in_another_currency_is_for_people_to_look_at() -> None:
    ours, theirs = world([(1000, 10, "")], with_keys=True)
    theirs = [replace(each, fee=Money(11, "EUR")) for each in theirs]
    assert corrections("stripe", movements("stripe", ours), theirs) == []
    assert [each.difference for each in reconciled(movements("stripe", ours), theirs, SINCE, UNTIL)] == [Difference.FEE]

"""Words of a dispute in whatever order, doubled, while refunds are on their way: all ends alike, money is back once."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_kit.money import Money
from payment_service.domain.attempt import Attempt, Standing
from payment_service.domain.disputes import Verdict
from payment_service.domain.gateways import GatewayRefund, Intent, IntentState, MethodKind, Progress
from payment_service.domain.ledger import Entry, FactKind
from payment_service.domain.payment import Payment
from payment_service.domain.payment_books import Books
from payment_service.domain.states import State
from payment_service.domain.terms import Terms, TermsBook
from payment_service.outbound.documents import from_document, to_document

NOW = datetime(2027, 3, 1, tzinfo=UTC)
AMOUNT = Money(10_001, "CAD")
BOOKS = Books(TermsBook(Terms(fee_basis_points=333, fee_returned=True)), lambda _, amount: Money(0, amount.currency))
OPEN, LOST, WON = Verdict.OPEN, Verdict.LOST, Verdict.WON


def paid(*, refunded: int = 0) -> Payment:
    attempt = Attempt(1, "g", "card", MethodKind.TOKEN, "0" * 32, NOW, reference="r", standing=Standing.PAID)
    it = Payment("payments/p", "b", "users/u", "organizers/o", AMOUNT, (attempt,), NOW, NOW, State.SUCCEEDED, 1)
    return replace(it, succeed_time=NOW) if not refunded else with_part_back(it, refunded)


def with_part_back(it: Payment, units: int) -> Payment:
    it, _ = it.with_refund("r1", Money(units, "CAD"), "", "users/u", NOW)
    return it.refund_answered("r1", GatewayRefund("re", Progress.SUCCEEDED), NOW)[0]


def word(dispute: str, stage: int, verdict: Verdict, amount: Money | None = None) -> Intent:
    return Intent(
        "r", IntentState.SUCCEEDED, disputed=verdict is not WON, lost=verdict is LOST, disputed_amount=amount,
        dispute=dispute, dispute_stage=stage,
    )  # fmt: skip


End = tuple[str, bool]
"""A refund's, and whether it succeeds."""


def after_it(it: Payment, told: Intent | End) -> tuple[Payment, Sequence[object]]:
    if isinstance(told, Intent):
        return it.answered(told, NOW)
    id, succeeds = told
    return it.refund_answered(id, GatewayRefund("re", Progress.SUCCEEDED if succeeds else Progress.FAILED), NOW)


def told(it: Payment, words: Sequence[Intent | End]) -> tuple[Payment, list[Entry], list[int]]:
    """After all words: the payment, its entries, and what invoices and credit notes are about."""
    entries: list[Entry] = []
    papers: list[int] = []
    for each in words:
        after, made = after_it(it, each)
        assert after.refunded.minor_units + after.left.minor_units <= AMOUNT.minor_units
        assert after.left.minor_units >= 0
        if made:
            after = replace(after, version=it.version + 1)
            entries += BOOKS.entries(it, after)
            papers += [due.amount.minor_units for due in BOOKS.due(it, after)]
            it = after
    return it, entries, papers


def sums(entries: Sequence[Entry]) -> Counter[str]:
    found: Counter[str] = Counter()
    for entry in entries:
        assert sum(each.amount.minor_units for each in entry.postings) == 0
        for each in entry.postings:
            found[each.account.name] += each.amount.minor_units
    return Counter({name: units for name, units in found.items() if units})


def ends(it: Payment, words: Sequence[Intent | End]) -> tuple[object, ...]:
    after, entries, papers = told(it, words)
    assert len({each.id for each in entries}) == len(entries)
    verdicts = sorted((each.id, each.stage, each.verdict.name) for each in after.disputes)
    return after.state, after.left, after.refunded, sums(entries), sum(papers), verdicts


LIVES = st.lists(st.sampled_from(Verdict), min_size=1, max_size=5)


@given(
    lives=st.lists(LIVES, min_size=1, max_size=2), refunded=st.sampled_from([0, 0, 1, 333]), whole=st.booleans(),
    random=st.randoms(use_true_random=False),
)  # fmt: skip
def test_words_in_any_order_and_doubled_end_alike(lives, refunded, whole, random) -> None:
    """INVARIANT: payment and books end as if the words of all disputes had come in order, once."""
    part = None if whole and len(lives) == 1 else Money(2_500, "CAD")
    words = [word(f"d{d}", s, verdict, part) for d, life in enumerate(lives) for s, verdict in enumerate(life)]
    shuffled = [*words, *words[: random.randint(0, len(words))]]
    random.shuffle(shuffled)
    it = paid(refunded=refunded)
    last = [word(f"d{d}", len(life) - 1, life[-1], part) for d, life in enumerate(lives)]
    assert ends(it, shuffled) == ends(it, words) == ends(it, last)


def with_pending(it: Payment, refunds: Sequence[int]) -> Payment:
    for number, units in enumerate(refunds):
        it, _ = it.with_refund(f"p{number}", Money(units, "CAD"), "", "users/u", NOW)
    return it


@given(
    lives=st.lists(LIVES, min_size=1, max_size=2), abouts=st.lists(st.sampled_from([None, 2_500, 9_000]), min_size=2),
    refunds=st.lists(st.tuples(st.sampled_from([1, 500, 4_000]), st.booleans()), min_size=1, max_size=2) |
    st.just([(10_001, False)]), random=st.randoms(use_true_random=False),
)  # fmt: skip
def test_refunds_on_their_way_end_before_or_after_a_dispute_alike(lives, abouts, refunds, random) -> None:
    """INVARIANT: what is lost is booked in the end, whenever it is known that it was not paid back instead."""
    amounts = [None if units is None else Money(units, "CAD") for units in abouts]
    words = [word(f"d{d}", s, verdict, amounts[d]) for d, life in enumerate(lives) for s, verdict in enumerate(life)]
    over = [(f"p{number}", succeeds) for number, (_, succeeds) in enumerate(refunds)]
    shuffled = [*words, *over, *words[: random.randint(0, len(words))]]
    random.shuffle(shuffled)
    it = with_pending(paid(), [units for units, _ in refunds])
    last = [word(f"d{d}", len(life) - 1, life[-1], amounts[d]) for d, life in enumerate(lives)]
    assert ends(it, shuffled) == ends(it, [*words, *over]) == ends(it, [*over, *last])


@given(
    deeds=st.lists(st.tuples(st.sampled_from(Verdict), st.sampled_from([None, 2_500])) | st.booleans(), max_size=12),
    refunds=st.sampled_from([(10_001,), (4_000, 6_001), (500,)]),
)
def test_of_a_gateway_that_is_asked_the_last_that_it_has_said_counts(deeds, refunds) -> None:
    """INVARIANT: the books hold what it says now of its dispute, whatever it has said before; refunds end meanwhile."""
    it, pending, said, ended = with_pending(paid(), refunds), list(range(len(refunds))), (WON, None), 0
    script: list[Intent | End] = []
    for deed in deeds:
        if isinstance(deed, bool) and pending:
            script.append((f"p{pending[0]}", deed))
            ended += refunds[pending.pop(0)] * deed
        elif not isinstance(deed, bool):
            said = (said[0], said[1]) if said[0] is deed[0] else deed  # one dispute is about one amount
            script.append(word("", 0, said[0], None if said[1] is None else Money(said[1], "CAD")))
    after, entries, papers = told(it, script)
    left = 10_001 - ended - sum(refunds[number] for number in pending)
    lost = min(left, said[1] or 10_001) if said[0] is LOST else 0
    assert (after.left.minor_units, after.refunded.minor_units) == (left - lost, ended + lost)
    assert sum(papers) == ended + lost
    aside = after.left.minor_units if after.state is State.DISPUTED else 0
    assert sums(entries)["gateways/g/clearing"] == -(ended + lost + aside)


@pytest.mark.parametrize("dispute", ["", "d"])
def test_a_dispute_that_is_lost_while_all_is_on_its_way_back_takes_it_when_that_fails(dispute: str) -> None:
    """INVARIANT: lost money is in the books; what the dispute has cost is in them once."""
    lost = replace(word(dispute, 1, LOST), dispute_fee=Money(1_500, "CAD"))
    script = [lost, ("p0", False), lost, ("p1", False), lost]
    after, entries, papers = told(with_pending(paid(), [4_000, 6_001]), script)
    assert (after.state, after.left.minor_units, papers) == (State.REFUNDED, 0, [4_000, 6_001])
    assert sums(entries)["gateways/g/clearing"] == -10_001 - 1_500
    assert sums(entries)["organizers/o/payable"] == -333  # what was on its way had left it before
    back, entries, papers = told(after, [word(dispute, 2, WON)])
    assert (back.state, back.left, papers) == (State.SUCCEEDED, AMOUNT, [-4_000, -6_001])
    assert sums(entries) == Counter({
        "gateways/g/clearing": 10_001, "organizers/o/payable": 333 - 10_001, "platform/fees": -333,
    })  # fmt: skip


def test_what_is_paid_back_after_all_is_not_lost_too() -> None:
    after, _, papers = told(with_pending(paid(), [10_001]), [word("d", 1, LOST), ("p0", True)])
    assert (after.state, [each.charged_back for each in after.refunds], papers) == (State.REFUNDED, [False], [10_001])


def test_in_one_look_a_refund_has_failed_and_the_dispute_is_won_after_all() -> None:
    before, *_ = told(with_pending(paid(), [10_001]), [word("", 0, LOST)])
    after, made = before.settled({1: word("", 0, WON)}, {"p0": GatewayRefund("re", Progress.FAILED)}, NOW)
    assert (after.left, [type(each).__name__ for each in made]) == (AMOUNT, ["RefundFailed", "PaymentDisputeUpdated"])


@pytest.mark.parametrize("order", list(permutations([(1, OPEN), (2, LOST), (3, WON)])))
def test_what_was_lost_and_won_comes_back_once(order) -> None:
    """INVARIANT: money that a lost dispute took and gave back is in the books once, whatever came first."""
    words = [word("d", stage, verdict) for stage, verdict in order]
    after, entries, papers = told(paid(), [*words, *words])
    assert (after.state, after.left, sums(entries), sum(papers)) == (State.SUCCEEDED, AMOUNT, Counter(), 0)
    kinds = Counter(each.kind for each in entries)
    assert kinds[FactKind.DISPUTE_REVERSED] == kinds[FactKind.DISPUTE_LOST] <= 1


def test_what_is_lost_and_comes_back_has_its_entries_and_papers() -> None:
    after, entries, papers = told(paid(), [word("d", 1, OPEN), word("d", 2, LOST), word("d", 3, WON)])
    fee = 333
    assert [(each.kind, each.postings[0].account.name, each.postings[0].amount.minor_units) for each in entries] == [
        (FactKind.DISPUTE_OPENED, "organizers/o/disputes", 10_001),
        (FactKind.DISPUTE_LOST, "organizers/o/payable", 10_001),
        (FactKind.PLATFORM_FEE_RETURNED, "platform/fees", fee),
        (FactKind.DISPUTE_REVERSED, "gateways/g/clearing", 10_001),
        (FactKind.PLATFORM_FEE, "organizers/o/payable", fee),
    ]
    assert papers == [10_001, -10_001]
    assert after.refunds[0].id == "chargeback"


def test_what_was_won_may_be_lost_at_the_next_stage() -> None:
    """As a second chargeback: https://docs.adyen.com/risk-management/understanding-disputes."""
    after, entries, papers = told(paid(), [word("d", 1, WON), word("d", 2, LOST)])
    assert (after.state, papers) == (State.REFUNDED, [10_001])
    assert sums(entries)["gateways/g/clearing"] == -10_001


def test_a_dispute_that_an_earlier_release_has_kept_takes_no_more_than_was_booked() -> None:
    """It did not say what it was about."""
    before, *_ = told(with_pending(paid(), [4_000]), [word("d", 1, LOST, Money(2_500, "CAD"))])
    document = to_document(before)
    for each in document["disputes"]:
        del each["amount"], each["fee"]
    kept = from_document({**document, "_id": before.name, "version": before.version})
    after, _, papers = told(kept, [("p0", False)])
    assert (after.left.minor_units, after.refunded.minor_units, papers) == (7_501, 2_500, [])


def as_kept_before(it: Payment) -> Payment:
    """As it comes from a store that an earlier release has written: no words, losses without their dispute."""
    document = to_document(it)
    won = [each["id"] for each in document.pop("disputes") if each["verdict"] == "WON"]
    refunds = [{name: value for name, value in each.items() if name != "dispute"} for each in document["refunds"]]
    return from_document(
        {**document, "closed_disputes": won, "refunds": refunds, "_id": it.name, "version": it.version}
    )


@pytest.mark.parametrize("verdict", [LOST, WON])
@pytest.mark.parametrize("again", [OPEN, LOST])
def test_words_that_come_again_after_an_upgrade_take_no_money_twice(verdict: Verdict, again: Verdict) -> None:
    """INVARIANT: a dispute that an earlier release has decided stays decided when its gateway sends its words again."""
    part = Money(4_000, "CAD")
    before, *_ = told(paid(), [word("d", 1, OPEN, part), word("d", 4, verdict, part)])
    after, entries, _ = told(as_kept_before(before), [word("d", 2 if again is OPEN else 3, again, part)])
    assert (after.state, after.left, entries) == (before.state, before.left, [])


@pytest.mark.parametrize("lost", [None, 9_000])
def test_a_dispute_that_is_open_is_about_whatever_money_comes_back(lost: int | None) -> None:
    """Another dispute took all that was there; then a refund fails, or that dispute is won."""
    amount = None if lost is None else Money(lost, "CAD")
    gone, *_ = told(with_pending(paid(), [4_000]), [word("d0", 0, OPEN, None), word("d1", 0, LOST, amount)])
    assert (gone.state, gone.left.minor_units) == (State.PARTLY_REFUNDED, 0)
    back = [("p0", False)] if lost else [word("d1", 1, WON, amount)]
    after, *_ = told(gone, back)
    assert after.state is State.DISPUTED
    assert after.left.minor_units > 0

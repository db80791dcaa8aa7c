"""Words of a dispute in whatever order, doubled: payment and books end alike, and money comes back once."""

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


def told(it: Payment, words: Sequence[Intent]) -> tuple[Payment, list[Entry], list[int]]:
    """After all words: the payment, its entries, and what invoices and credit notes are about."""
    entries: list[Entry] = []
    papers: list[int] = []
    for each in words:
        after, made = it.answered(each, NOW)
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


def ends(it: Payment, words: Sequence[Intent]) -> tuple[object, ...]:
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

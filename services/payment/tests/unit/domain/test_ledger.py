"""Entries sum to zero whatever happens to a payment, and the accounts tell where its money is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_kit.money import Money
from domain_kit.refusals import Refusal
from payment_service.domain.attempt import Attempt, Standing
from payment_service.domain.bookkeeping import Deal, dispute_lost, dispute_opened, dispute_won, paid_out, tax_invoiced
from payment_service.domain.gateways import GatewayRefund, Intent, IntentState, MethodKind, Progress
from payment_service.domain.ledger import Account, AccountKind, Entry, FactKind, Posting, balances_after, sums
from payment_service.domain.payment import Payment, begun
from payment_service.domain.payment_books import Books
from payment_service.domain.refund import RefundState
from payment_service.domain.states import State
from payment_service.domain.terms import Share, Terms, TermsBook

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
ORGANIZER = "organizers/o"
AMOUNTS = st.integers(1, 10**9)
TERMS = st.builds(Terms, fee_basis_points=st.integers(0, 10_000), fee_returned=st.booleans())
DEEDS = ["succeed", "late", "refund", "complete", "fail", "attempt", "cancel", "dispute", "keep", "lose"]
STEPS = st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(0, 10**9)), max_size=25)


def fee_of(gateway: str, amount: Money) -> Money:
    return Money(amount.minor_units // 40, amount.currency)


def new_payment(amount: int) -> Payment:
    """Its first attempt was given up, and may be paid all the same."""
    attempts = tuple(
        Attempt(number, gateway, "card", MethodKind.TOKEN, f"{number}" * 32, NOW, f"pi_{number}", standing=standing)
        for number, gateway, standing in [(1, "other", Standing.CLOSED), (2, "stripe", Standing.OPEN)]
    )
    money = Money(amount, "CAD")
    return begun(Payment("payments/p", "events/e/bookings/b", "users/u", ORGANIZER, money, attempts, NOW, NOW))[0]


def stepped(payment: Payment, step: str, number: int) -> Payment:
    """The payment after one thing happened to it; as it was where that is refused."""
    at = payment.update_time + timedelta(minutes=1)
    refund = payment.refunds[number % len(payment.refunds)].id if payment.refunds else ""
    paid = Intent(payment.current.reference, IntentState.SUCCEEDED)
    try:
        match step:
            case "succeed" | "keep":
                after = payment.answered(paid, at)[0]
            case "late":
                after = payment.answered(Intent("pi_1", IntentState.SUCCEEDED), at, 1)[0]
            case "lose":
                fee = Money(1 + number % 1500, "CAD") if number % 3 else None
                part = Money(number % (payment.amount.minor_units + 1), "CAD") if number % 2 else None
                lost = replace(paid, disputed=True, lost=True, disputed_amount=part, dispute_fee=fee)
                after = payment.answered(lost, at)[0]
            case "dispute":
                after = payment.answered(replace(paid, disputed=True), at)[0]
            case "cancel":
                after = payment.answered(Intent("pi_2", IntentState.CANCELLED), at)[0]
            case "attempt":
                after = payment.attempted("tok", at)[0]
            case "refund":
                part = Money(number % (payment.amount.minor_units + 1), "CAD")
                after = payment.with_refund(f"r{len(payment.refunds)}", part, "", "users/x", at)[0]
            case _:
                if not refund:
                    return payment
                progress = Progress.SUCCEEDED if step == "complete" else Progress.FAILED
                after = payment.refund_answered(refund, GatewayRefund("re_1", progress), at)[0]
    except Refusal:
        return payment
    return replace(after, version=payment.version + 1) if after != payment else payment


def booked(payment: Payment, steps: list[tuple[str, int]], books: Books) -> tuple[Payment, list[Entry]]:
    entries: list[Entry] = books.entries(None, payment)
    for step, number in steps:
        after = stepped(payment, step, number)
        entries += books.entries(payment, after)
        payment = after
    return payment, entries


def of(entries: list[Entry], owner: str, kind: AccountKind) -> int:
    return balances_after({}, entries).get((Account(owner, kind).name, "CAD"), 0)


@given(AMOUNTS, STEPS, TERMS)
def test_whatever_happens_to_a_payment_every_account_tells_where_its_money_is(
    amount: int, steps: list[tuple[str, int]], terms: Terms
) -> None:
    """INVARIANT: accounts sum to zero, and what the gateway holds for us is what was taken less what went back."""
    payment, entries = booked(new_payment(amount), steps, Books(TermsBook(terms), fee_of))
    assert sum(balances_after({}, entries).values()) == 0
    assert len({each.id for each in entries}) == len(entries)
    paid = [each for each in payment.attempts if each.standing is Standing.PAID]
    taken = amount * len(paid)

    def refunds(*states: RefundState) -> int:
        return sum(each.amount.minor_units for each in payment.refunds if each.state in states)

    back, pending = refunds(RefundState.COMPLETED), refunds(RefundState.PENDING)
    counted = [each for each in payment.refunds if each.attempt == payment.paid_by]
    left = amount - sum(each.amount.minor_units for each in counted if each.state is not RefundState.FAILED)
    disputed = left if payment.state is State.DISPUTED else 0
    taken_back = [each.fee.minor_units for each in payment.refunds if each.fee]
    assert len(taken_back) <= 1
    fees = len(paid) * fee_of("stripe", Money(amount, "CAD")).minor_units + sum(taken_back)
    gateways = [f"gateways/{each}" for each in ("stripe", "other")]
    assert sum(of(entries, each, AccountKind.CLEARING) for each in gateways) == taken - back - fees - disputed
    assert sum(of(entries, each, AccountKind.FEES) for each in gateways) == fees
    assert of(entries, ORGANIZER, AccountKind.REFUNDS) == -pending
    assert of(entries, ORGANIZER, AccountKind.DISPUTES) == disputed
    earns = terms.fee_returned and payment.paid_by
    kept = Money(amount - payment.refunded.minor_units if earns else amount * bool(payment.paid_by), "CAD")
    platform = terms.fee_on(kept).minor_units
    assert -of(entries, "platform", AccountKind.FEES) == platform
    assert -of(entries, ORGANIZER, AccountKind.PAYABLE) == taken - back - pending - platform


@given(AMOUNTS, STEPS, TERMS)
def test_a_change_that_is_booked_again_makes_the_same_entries(
    amount: int, steps: list[tuple[str, int]], terms: Terms
) -> None:
    books = Books(TermsBook(terms), fee_of)
    assert booked(new_payment(amount), steps, books) == booked(new_payment(amount), steps, books)


@given(AMOUNTS, STEPS)
def test_one_invoice_for_money_that_came_and_one_credit_note_a_completed_refund(
    amount: int, steps: list[tuple[str, int]]
) -> None:
    books, payment = Books(TermsBook(), fee_of), new_payment(amount)
    due = []
    for step, number in steps:
        after = stepped(payment, step, number)
        due += books.due(payment, after)
        payment = after
    invoices = [each for each in due if not each.is_credit]
    assert len(invoices) == (payment.succeed_time is not None)
    assert sum(each.amount.minor_units for each in due if each.is_credit) == payment.refunded.minor_units
    assert len({each.source for each in due}) == len(due)


@given(AMOUNTS, st.booleans())
def test_a_dispute_is_the_organizers_loss_or_nothing(amount: int, won: bool) -> None:
    deal = Deal("payments/p", ORGANIZER, "stripe", Money(amount, "CAD"), "pi_1", "k", Terms())
    opened = dispute_opened(deal, "d", deal.amount, NOW)
    assert of(opened, ORGANIZER, AccountKind.DISPUTES) == amount
    nothing, fee = Money(0, "CAD"), Money(1500, "CAD")
    ended = opened + (
        dispute_won(deal, "d", deal.amount, NOW)
        if won
        else dispute_lost(deal, "r", deal.amount, NOW, refunded_before=nothing, fee=fee)
    )
    assert of(ended, ORGANIZER, AccountKind.DISPUTES) == 0
    assert of(ended, "gateways/stripe", AccountKind.CLEARING) == (0 if won else -amount - 1500)
    assert of(ended, "gateways/stripe", AccountKind.FEES) == (0 if won else 1500)
    assert of(ended, ORGANIZER, AccountKind.PAYABLE) == (0 if won else amount)


@given(AMOUNTS, st.lists(st.integers(1, 3000), max_size=3))
def test_the_parts_of_a_payout_are_the_payout(amount: int, shares: list[int]) -> None:
    terms = Terms(shares=tuple(Share(f"organizers/{number}", share) for number, share in enumerate(shares)))
    money = Money(amount, "CAD")
    parts = {name: [part] for name, part in terms.split(ORGANIZER, money).items()}
    assert sum(each.minor_units for [each] in parts.values()) == amount
    (entry,) = paid_out("organizers/o/payouts/1", ORGANIZER, [money], [], parts, NOW)
    assert sums(entry.postings) == {"CAD": 0}


def test_the_tax_of_a_credit_note_comes_back() -> None:
    there = tax_invoiced("organizers/o/invoices/1", "payments/p", ORGANIZER, Money(190, "CAD"), NOW)
    back = tax_invoiced("organizers/o/invoices/2", "payments/p", ORGANIZER, Money(-190, "CAD"), NOW)
    assert [each.kind for each in there + back] == [FactKind.TAX, FactKind.TAX_RETURNED]
    assert not any(balances_after({}, there + back).values())
    assert of(there, ORGANIZER, AccountKind.TAX) == -190


@pytest.mark.parametrize(
    "amounts", [[Money(1, "CAD")], [Money(1, "CAD"), Money(-1, "EUR")], [Money(2, "CAD"), Money(-1, "CAD")], []]
)
def test_an_entry_that_does_not_sum_to_zero_cannot_be_made(amounts: list[Money]) -> None:
    """INVARIANT: see Entry."""
    accounts = [Account(ORGANIZER, kind) for kind in AccountKind]
    postings = tuple(Posting(account, each) for account, each in zip(accounts, amounts, strict=False))
    with pytest.raises(ValueError, match="e"):
        Entry("e", FactKind.PAYOUT, NOW, "", postings)

"""Nothing is paid out twice, too early, or while somebody else may get it."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain_kit.ids import new_id
from domain_kit.money import Money
from domain_kit.refusals import Aborted, FailedPrecondition, InvalidArgument
from domain_kit.repository import Cause
from payment_service.domain import bookkeeping
from payment_service.domain.bookkeeping import Deal
from payment_service.domain.ledger import Entry
from payment_service.domain.payout import Payout
from payment_service.domain.terms import Share, Terms, TermsBook
from payment_service.handlers.create_payout import create_payout, standing
from payment_service.outbound.bookkeeping import UNCHAINED, unchained
from payment_service.outbound.ledger import MongoLedger
from payment_service.outbound.payouts import MongoPayouts
from testkit.memory import MemoryJournal
from usher.payment.v1.domain_events_pb2 import PayoutCreated

NOW = datetime(2027, 3, 31, 12, tzinfo=UTC)
OLD, NEW = NOW - timedelta(days=8), NOW - timedelta(days=6)
ORGANIZER, OTHER = "organizers/o", "organizers/partner"
NOTHING = Money(0, "CAD")


class Books:
    """An organizer's ledger in memory."""

    def __init__(self, terms: Terms | None = None) -> None:
        self.journal = MemoryJournal(lambda: NOW)
        self.ledger, self.payouts = MongoLedger(self.journal), MongoPayouts(self.journal)
        self.terms = TermsBook(terms or Terms())

    def book(self, entries: list[Entry]) -> None:
        put = unchained(new_id(), NOW, entries)
        self.journal.collections.setdefault(UNCHAINED, {})[put.id] = dict(put.document)

    def deal(self, amount: int, currency: str = "CAD") -> Deal:
        return Deal(
            f"payments/{new_id()}", ORGANIZER, "stripe", Money(amount, currency), "pi", "k", self.terms.of(ORGANIZER)
        )  # fmt: skip

    def sell(self, amount: int, at: datetime, currency: str = "CAD") -> Deal:
        deal = self.deal(amount, currency)
        self.book(bookkeeping.captured(deal, at, Money(0, currency)))
        return deal

    async def pay_out(self, request: str = "") -> Payout:
        cause = Cause(request or new_id(), b"1")
        return await create_payout(
            self.ledger, self.payouts, self.terms, ORGANIZER, new_id(), "users/u", cause=cause, clock=lambda: NOW
        )

    async def figures(self, currency: str = "CAD") -> tuple[int, int, int]:
        """Owed, held back, available."""
        owed = await standing(self.ledger, self.terms.of(ORGANIZER), ORGANIZER, NOW)
        (mine,) = [each for each in owed if each.currency == currency]
        return mine.payable + mine.tax, mine.held_back, mine.available


async def test_what_is_older_than_the_holding_period_is_paid_out_and_the_rest_waits() -> None:
    books = Books()
    books.sell(1000, OLD)
    books.sell(500, NEW)
    books.sell(70, OLD, "EUR")
    payout = await books.pay_out()
    assert payout.amounts == (Money(1000, "CAD"), Money(70, "EUR"))
    await books.ledger.chain()
    assert await books.figures() == (500, 500, 0)
    with pytest.raises(FailedPrecondition, match="NOTHING_PAYABLE"):
        await books.pay_out()
    assert (await books.payouts.list_page(ORGANIZER, None, 10)).items == [payout]
    assert await books.payouts.get(payout.name) == payout
    (event,) = [event for row in books.journal.rows.values() for event in row["ev"]]
    assert PayoutCreated.FromString(event["d"]).payout.name == event["s"] == payout.name


async def test_refunds_disputes_and_fees_are_taken_off_at_once() -> None:
    books = Books(Terms(fee_basis_points=1000))
    old, older, disputed = books.sell(1000, OLD), books.sell(1000, OLD), books.sell(1000, OLD)
    books.book(bookkeeping.refund_requested(old, "r", Money(300, "CAD"), NOW))
    books.book(bookkeeping.dispute_opened(disputed, "d", Money(1000, "CAD"), NOW))
    assert older
    assert (await books.pay_out()).amounts == (Money(3 * 900 - 300 - 1000, "CAD"),)


async def test_a_refund_of_what_still_waits_does_not_shrink_what_is_due() -> None:
    books = Books()
    books.sell(1000, OLD)
    recent = books.sell(500, NEW)
    books.book(bookkeeping.refund_requested(recent, "r", recent.amount, NOW))
    books.book(bookkeeping.refund_completed(recent, "r", recent.amount, NOW, refunded_before=NOTHING, reference=""))
    assert (await books.pay_out()).amounts == (Money(1000, "CAD"),)


async def test_tax_is_paid_out_too_and_told_apart() -> None:
    books = Books()
    old, recent = books.sell(1190, OLD), books.sell(1190, NEW)
    for number, (deal, at) in enumerate([(old, OLD), (recent, NEW)]):
        books.book(bookkeeping.tax_invoiced(f"invoices/{number}", deal.payment, ORGANIZER, Money(190, "CAD"), at))
    payout = await books.pay_out()
    assert (payout.amounts, payout.taxes) == ((Money(1190, "CAD"),), (Money(190, "CAD"),))


async def test_those_who_share_get_their_part_as_entries_of_the_same_payout() -> None:
    books = Books(Terms(shares=(Share(OTHER, 2500),)))
    books.sell(1001, OLD)
    payout = await books.pay_out()
    assert {each.recipient: each.amount.minor_units for each in payout.transfers} == {ORGANIZER: 751, OTHER: 250}
    await books.ledger.chain()
    assert await books.ledger.balances(OTHER) == {(f"{OTHER}/payouts", "CAD"): -250}


async def test_a_repeated_request_gets_the_same_payout_and_another_payload_none() -> None:
    books = Books()
    books.sell(1000, OLD)
    first = await books.pay_out("once")
    assert await books.pay_out("once") == first
    with pytest.raises(InvalidArgument, match="REQUEST_ID_REUSED"):
        await create_payout(
            books.ledger, books.payouts, books.terms, ORGANIZER, new_id(), "u", cause=Cause("once", b"2"),
            clock=lambda: NOW,
        )  # fmt: skip


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(1, 5000), st.booleans()), max_size=8), st.integers(1, 4))
def test_however_many_ask_at_once_what_is_due_goes_out_once(sales: list[tuple[int, bool]], callers: int) -> None:
    """INVARIANT: see create_payout."""
    books = Books()
    for amount, old in sales:
        books.sell(amount, OLD if old else NEW)

    async def all_of_them() -> list[Payout | BaseException]:
        return await asyncio.gather(*(books.pay_out() for _ in range(callers)), return_exceptions=True)

    made = [each for each in asyncio.run(all_of_them()) if not isinstance(each, FailedPrecondition | Aborted)]
    due = sum(amount for amount, old in sales if old)
    assert sum(each.amounts[0].minor_units for each in made if isinstance(each, Payout)) == due
    assert len(made) == bool(due)

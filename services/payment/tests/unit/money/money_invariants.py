"""What must hold of all money after every step, whatever happened; read from the store and from the far ends alone."""

import functools
import itertools
from collections import Counter, defaultdict
from typing import NamedTuple

from far_gateway import FarGateway, expected_fee
from hypothesis.stateful import RuleBasedStateMachine, invariant
from money_books import Stored, expected, of_kind
from money_world import Platform

from payment_service.domain.attempt import Standing
from payment_service.domain.gateways import Progress
from payment_service.domain.ledger import AccountKind
from payment_service.domain.payment import Payment, refund_key
from payment_service.domain.refund import RefundState
from payment_service.domain.states import CAPTURED, LIFE, State
from payment_service.domain.verification import Verifier
from payment_service.outbound.ledger import BALANCES, BLOCKS, ENDS
from payment_service.outbound.ledger_documents import HEAD, block_of, head_of
from payment_service.outbound.repositories import COLLECTION
from usher.payment.v1 import domain_events_pb2 as pb
from usher.payment.v1 import payment_pb2

NEXT: dict[State, set[State]] = defaultdict(set)
for (_before, _), _after in LIFE.transitions.items():
    NEXT[_before].add(_after)


class Told(NamedTuple):
    """A domain event of a payment."""

    version: int
    type: str
    state: State


class Invariants(RuleBasedStateMachine):
    """For a machine with a `platform`, which calls `look` after each step."""

    platform: Platform
    stored: Stored
    corrected: dict[str, tuple[str, int]]  # entry → reference of a charge and the fee that it made
    paid_by_hand: set[tuple[str, str]]  # payment and refund
    told: dict[str, list[Told]]
    sums: Counter
    _rows: set[str]
    _links: list[bytes]

    def begin(self, platform: Platform) -> None:
        self.platform, self.stored = platform, Stored(platform)
        self.corrected, self.paid_by_hand = {}, set()
        self.told, self._rows, self._links = defaultdict(list), set(), []
        self._bodies: dict[str, bytes] = {}
        self._end: object = None
        self.look()

    def look(self) -> None:
        self.stored.look()
        rows = self.platform.journal.rows
        for key in rows:
            if key not in self._rows:
                self._rows.add(key)
                for each in rows[key]["ev"]:
                    if each["s"].startswith("payments/"):
                        self.told[each["s"]].append(_told(each))
        ids = {entry.id for entry, _ in (*self.stored.chained, *self.stored.waiting)}
        fees = {reference: fee for id, (reference, fee) in self.corrected.items() if id in ids}
        self.sums = expected(
            self.stored, lambda gateway, amount, reference: fees.get(reference, _expected(gateway, amount))
        )

    def agrees(self, *kinds: AccountKind) -> None:
        for kind in kinds:
            assert of_kind(self.stored.sums, kind) == of_kind(self.sums, kind)

    @property
    def far(self) -> list[FarGateway]:
        return self.platform.gateways.far

    def far_of(self, payment: Payment, number: int) -> FarGateway | None:
        """None: by hand."""
        far = self.platform.gateways.named(payment.attempt(number).gateway)
        return far if isinstance(far, FarGateway) else None

    @invariant()
    def every_currency_sums_to_zero(self):
        """INVARIANT: money is neither made nor lost in the books: in each currency all accounts sum to zero."""
        totals: Counter[str] = Counter()
        for (_, currency), amount in self.stored.sums.items():
            totals[currency] += amount
        assert not any(totals.values()), totals

    @invariant()
    def the_chain_is_sound_and_only_grows(self):
        """INVARIANT: every hash follows from the one before, every balance from the entries; none is ever rewritten."""
        collections = self.platform.journal.collections
        end = collections.get(ENDS, {}).get(HEAD)
        if end is self._end:
            return
        self._end, verifier = end, Verifier()
        blocks = [block_of(each) for _, each in sorted(collections[BLOCKS].items())]
        for each in blocks:
            verifier.block(each)
        balances = {(each["account"], each["currency"]): each["amount"] for each in collections[BALANCES].values()}
        assert verifier.end(head_of(end), balances) == []
        links = [each for block in blocks for each in block.links]
        assert links[: len(self._links)] == self._links
        self._links = links

    @invariant()
    def each_fact_is_booked_once_and_for_good(self):
        """INVARIANT: no entry is there twice, is changed, or is gone again, chained or not."""
        bodies = {entry.id: body for entry, body in (*self.stored.chained, *self.stored.waiting)}
        assert len(bodies) == len(self.stored.chained) + len(self.stored.waiting)
        assert self._bodies.items() <= bodies.items()
        self._bodies = bodies

    @invariant()
    def gateways_hold_what_came_less_what_went_back(self):
        """INVARIANT: clearing is charged − refunded − disputed − fees, for each gateway and currency."""
        self.agrees(AccountKind.CLEARING, AccountKind.FEES)

    @invariant()
    def refunds_on_their_way_are_in_the_books(self):
        """INVARIANT: what is to go back to buyers and has not gone is set aside, to the minor unit."""
        self.agrees(AccountKind.REFUNDS)

    @invariant()
    def what_is_disputed_is_set_aside(self):
        """INVARIANT: what payers' banks have taken, undecided, is what is left of the disputed payments."""
        self.agrees(AccountKind.DISPUTES)

    @invariant()
    def organizers_are_owed_what_is_theirs(self):
        """INVARIANT: payable is what came less refunds, lost disputes, platform fees, taxes and payouts."""
        self.agrees(AccountKind.PAYABLE, AccountKind.PAYOUTS)

    @invariant()
    def the_ledgers_tax_is_that_of_the_invoices(self):
        """INVARIANT: taxes in the books are those on invoices and credit notes, less what was paid out of them."""
        self.agrees(AccountKind.TAX)

    @invariant()
    def a_payout_is_its_parts(self):
        """INVARIANT: what is sent to whom is what was taken, in each currency; above zero, and tax no more than it."""
        for payout in self.stored.payouts:
            parts: Counter[str] = Counter()
            for each in payout.transfers:
                parts[each.amount.currency] += each.amount.minor_units
            amounts = {each.currency: each.minor_units for each in payout.amounts}
            assert parts == amounts
            assert all(each > 0 for each in amounts.values())
            assert all(each.minor_units <= amounts[each.currency] for each in payout.taxes)

    @invariant()
    def nothing_is_paid_out_twice(self):
        """INVARIANT: payouts of an organizer are together no more than all that ever came for it, in each currency."""
        left: Counter[tuple[str, str]] = Counter()
        for payment, _ in self.stored.orders_paid():
            left[payment.organizer, payment.amount.currency] += payment.amount.minor_units
        for payout in self.stored.payouts:
            for each in payout.amounts:
                left[payout.organizer, each.currency] -= each.minor_units
        assert all(each >= 0 for each in left.values())

    @invariant()
    def invoices_are_numbered_without_gaps(self):
        """INVARIANT: 1, 2, 3 … for each organizer, year and kind, one for each fact, over crashes."""
        numbers: dict[tuple[str, str], list[int]] = defaultdict(list)
        for each in self.stored.invoices:
            series, _, place = each.number.rpartition("-")
            numbers[each.seller.organizer, series].append(int(place))
        assert all(sorted(found) == list(range(1, len(found) + 1)) for found in numbers.values())
        assert len({each.source for each in self.stored.invoices}) == len(self.stored.invoices)

    @invariant()
    def credit_notes_never_exceed_their_invoice(self):
        """INVARIANT: neither money nor any tax is credited beyond what was invoiced; all of it when all went back."""
        left: dict[str, Counter[str]] = defaultdict(Counter)
        for each in self.stored.invoices:
            left[each.payment]["total"] += each.total.minor_units
            for tax in each.taxes:
                left[each.payment][tax.name] += tax.amount.minor_units
        for mine in left.values():
            assert all(each >= 0 for each in mine.values())
            assert mine["total"] or not any(mine.values())

    @invariant()
    def no_more_goes_back_than_came(self):
        """INVARIANT: of no charge more is refunded, disputed or on its way than came, here and at the far end."""
        for payment in self.stored.payments.values():
            going: Counter[int] = Counter()
            for each in payment.refunds:
                going[each.attempt] += each.amount.minor_units * (each.state is not RefundState.FAILED)
            for number, amount in going.items():
                paid = payment.attempt(number).standing is Standing.PAID
                assert amount <= payment.amount.minor_units * paid
        for gateway in self.far:
            for reference in gateway.refunds.keys() | gateway.disputes.keys():
                came = gateway.amounts[reference] * gateway.charges[reference]
                assert gateway.returned(reference) + gateway.disputed(reference) <= came

    @invariant()
    def nothing_is_booked_that_no_gateway_did(self):
        """INVARIANT: money that is said to have come, gone back or been lost did so at the far end, in that amount."""
        for payment, number in self.stored.orders_paid():
            far, reference = self.far_of(payment, number), payment.attempt(number).reference
            assert far is None or (far.charges[reference], far.money[reference]) == (1, payment.amount)
        for payment in self.stored.payments.values():
            for refund in payment.refunds:
                self._went_back(payment, refund)

    def _went_back(self, payment: Payment, refund) -> None:
        far, reference = self.far_of(payment, refund.attempt), payment.attempt(refund.attempt).reference
        if far is None:
            by_hand = (payment.name, refund.id) in self.paid_by_hand
            assert refund.state is RefundState.PENDING or by_hand, "nobody said that it went out"
        elif refund.charged_back:
            losses, gone = far.losses[reference], [each for each in payment.refunds if each.charged_back]
            gone = [each for each in gone if each.state is RefundState.COMPLETED]
            assert sum(each.amount.minor_units for each in gone) <= losses.most
            assert (refund.fee.minor_units if refund.fee else 0) in losses.fees
            assert refund.state is RefundState.COMPLETED or losses.back, "nobody said that it came back"
        elif refund.state is not RefundState.PENDING:
            made, amount = far.refunds.get(reference, {}).get(refund_key(payment, refund), (None, 0))
            succeeded = made is not None and made.progress is Progress.SUCCEEDED
            assert succeeded is (refund.state is RefundState.COMPLETED)
            assert not succeeded or amount == refund.amount.minor_units

    @invariant()
    def an_order_is_charged_once(self):
        """INVARIANT: however often it is asked for, at whatever gateway; and no two orders have one key."""
        assert all(times <= 1 for gateway in self.far for times in gateway.charges.values())
        keys = [each.key for payment in self.stored.payments.values() for each in payment.attempts]
        assert len(set(keys)) == len(keys)

    @invariant()
    def money_that_came_twice_goes_back(self):
        """INVARIANT: of the orders of a payment the money of one counts, that of any other is on its way back."""
        for payment, number in self.stored.orders_paid():
            back = sum(each.amount.minor_units for each in payment.refunds if each.attempt == number)
            assert payment.paid_by == number or back == payment.amount.minor_units

    @invariant()
    def only_the_last_order_may_still_be_paid(self):
        """INVARIANT: an order is resolved before the next begins."""
        for payment in self.stored.payments.values():
            assert all(each.standing is not Standing.OPEN for each in payment.attempts[:-1])

    @invariant()
    def each_payment_has_one_outcome(self):
        """INVARIANT: its money comes once, and is then taken by its booking or given back, once; nothing unpays it."""
        for name, told in self.told.items():
            assert [each.version for each in told] == list(range(1, len(told) + 1))
            assert sum(each.type == "PaymentSucceeded" for each in told) <= 1
            captured = [each.state in CAPTURED for each in told]
            assert captured == sorted(captured)
            payment = self.stored.payments[name]
            assert (told[-1].version, told[-1].state) == (payment.version, payment.state)
            assert captured[-1] is bool(payment.paid_by)
        claimed, unclaimed = self.platform.bookings.claimed, self.platform.bookings.unclaimed
        assert len(set(unclaimed)) == len(unclaimed)
        assert not claimed.keys() & set(unclaimed)

    @invariant()
    def states_are_left_as_the_table_has_it(self):
        """INVARIANT: no payment leaves a state in a way that the table does not have."""
        for told in self.told.values():
            assert all(after.state in _within(before.state, 3) for before, after in itertools.pairwise(told))

    @invariant()
    def whatever_is_unfinished_is_noted(self):
        """INVARIANT: what is still to be asked of a gateway is on the list of those who ask, and nothing else is."""
        stored = self.platform.journal.collections.get(COLLECTION, {})
        wanted = {name: each.work.value for name, each in self.stored.payments.items() if each.work}
        assert {name: each["work"] for name, each in stored.items() if each["awaited"]} == wanted

    @invariant()
    def nothing_of_the_payer_is_kept_when_it_is_decided(self):
        """INVARIANT: a token is there only while the gateway is at it."""
        for payment in self.stored.payments.values():
            assert not payment.token or payment.state is State.PROCESSING

    @invariant()
    def money_stays_in_its_currency(self):
        """INVARIANT: what is booked of a payment is in its currency, and of one organizer and its gateways."""
        for entry, _ in (*self.stored.chained, *self.stored.waiting):
            if entry.payment:
                payment = self.stored.payments[entry.payment]
                assert {each.amount.currency for each in entry.postings} == {payment.amount.currency}
                owners = {payment.organizer, "platform", *(f"gateways/{each.gateway}" for each in payment.attempts)}
                assert entry.owners <= owners


def _expected(gateway: str, amount) -> int:
    return expected_fee(gateway, amount).minor_units


def _told(event) -> Told:
    kind = event["t"].rpartition(".")[2]
    message = getattr(pb, kind).FromString(bytes(event["d"]))
    name = payment_pb2.PaymentState.Name(message.payment.state).removeprefix("PAYMENT_STATE_")
    return Told(event["v"], kind, State(name))


@functools.cache
def _within(state: State, steps: int) -> set[State]:
    found = {state}
    for _ in range(steps):
        found |= {after for each in found for after in NEXT[each]}
    return found

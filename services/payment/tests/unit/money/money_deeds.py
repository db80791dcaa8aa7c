"""What can be asked of the payment service, and what payers, banks and gateways do by themselves."""

from collections.abc import Callable

from far_gateway import FarGateway
from hypothesis.stateful import RuleBasedStateMachine
from money_books import Stored
from money_world import BUYER, TERMS, Platform
from payment_fakes import Crash

from domain_kit.money import Money
from payment_service.domain.gateways import Delivery, IntentState, MethodKind
from payment_service.domain.payment import Payment
from payment_service.domain.reconciliation import corrections, movements, reconciled
from payment_service.domain.refund import RefundState
from payment_service.domain.states import CAPTURED, UNDECIDED, State
from payment_service.domain.webhook_inbox import Kept
from payment_service.handlers.call_off_payment import cancel_payment
from payment_service.handlers.capture_payment import capture_payment
from payment_service.handlers.confirm_payment import confirm_payment
from payment_service.handlers.create_payment import Chosen, create_payment
from payment_service.handlers.create_payout import create_payout
from payment_service.handlers.issue_invoices import issue_invoices
from payment_service.handlers.mark_received import mark_received
from payment_service.handlers.mark_refund_paid import mark_refund_paid
from payment_service.handlers.receive_webhook import receive_webhook
from payment_service.handlers.refund_payment import refund_payment
from payment_service.outbound.ledger import booked
from payment_service.outbound.repositories import COLLECTION


class Deeds(RuleBasedStateMachine):
    """For a machine with a `platform` and what is `stored` in it."""

    platform: Platform
    stored: Stored
    answers: dict[str, object]

    # Those that are asked for.

    async def do_create(self, which: int, wish: str, request: int) -> None:
        p, booking = self.platform, self.booking_to_pay(which)
        chosen = Chosen("pay_at_door") if wish == "door" else Chosen("", wish)
        key = f"create|{booking}|{request}"
        payment = await create_payment(
            p.payments, p.bookings, p.gateways, f"{self.next():06}", booking, BUYER, chosen,
            cause=p.cause(key, wish), clock=p.now,
        )  # fmt: skip
        if key in p.journal.rows:  # else it was given one that was there
            self.first_answer(key, payment.name)

    async def do_confirm(self, which: int, token: str, request: int) -> None:
        p = self.platform
        if payment := self.some_payment(which, *UNDECIDED):
            cause = p.cause(f"confirm|{payment.name}|{request}", token)
            await confirm_payment(p.payments, p.gateways, payment.name, token, cause=cause, clock=p.now)

    async def do_capture(self, which: int, request: int) -> None:
        """All of it, or by every third request a half."""
        p = self.platform
        if payment := self.some_payment(which, State.AUTHORIZED):
            cause = p.cause(f"capture|{payment.name}|{request}", "")
            part = Money(-(-payment.amount.minor_units // 2), payment.amount.currency) if request % 3 == 2 else None
            await capture_payment(p.payments, p.gateways, payment.name, part, cause=cause, clock=p.now)

    async def do_cancel(self, which: int, request: int) -> None:
        p = self.platform
        if payment := self.some_payment(which, *UNDECIDED):
            cause = p.cause(f"cancel|{payment.name}|{request}", "")
            await cancel_payment(p.payments, p.gateways, payment.name, cause=cause, clock=p.now)

    async def do_refund(self, which: int, part: int | None, request: int) -> None:
        """part: percent."""
        p = self.platform
        if payment := self.some_payment(which, State.SUCCEEDED, State.PARTLY_REFUNDED):
            amount = None if part is None else payment.amount * part
            amount = None if amount is None else Money(max(1, amount.minor_units // 100), amount.currency)
            key = f"refund|{payment.name}|{request}"
            await refund_payment(
                p.payments, p.gateways, payment.name, f"r{self.next()}", amount, "", "users/f",
                cause=p.cause(key, part), clock=p.now,
            )  # fmt: skip

    async def do_receive(self, which: int, request: int) -> None:
        p = self.platform
        if payment := self.payment_by_hand(which, lambda each: which > 8 or not each.paid_by):
            await mark_received(
                p.payments, payment.name, cause=p.cause(f"receive|{payment.name}|{request}", ""), clock=p.now
            )

    async def do_pay_back(self, which: int, request: int) -> None:
        """Somebody says that a refund by hand went out."""
        p = self.platform
        if payment := self.payment_by_hand(which, lambda each: any(_by_hand(each))):
            id = _by_hand(payment)[0]
            self.paid_by_hand.add((payment.name, id))  # whether or not it can be written down
            cause = p.cause(f"pay back|{payment.name}|{request}", id)
            await mark_refund_paid(p.payments, payment.name, id, cause=cause, clock=p.now)

    async def do_pay_out(self, organizer: str, request: int) -> None:
        p, key = self.platform, f"pay out|{organizer}|{request}"
        payout = await create_payout(
            p.ledger, p.payouts, TERMS, organizer, f"{self.next():06}", BUYER, cause=p.cause(key, ""), clock=p.now
        )
        self.first_answer(key, payout)

    async def do_correct_fees(self, gateway: int) -> None:
        """As `usher ledger reconcile --correct`."""
        far = self.platform.gateways.far[gateway]
        ours = [entry for entry, _ in self.stored.chained if f"gateways/{far.name}" in entry.owners]
        made = corrections(far.name, movements(far.name, ours), far.report())
        self.corrected.update({each.id: (each.reference, far.fees[each.reference]) for each in made})
        await booked(self.platform.journal, made)

    # Those that happen by themselves.

    async def do_webhook(self, gateway: int, which: int) -> None:
        p, far = self.platform, self.platform.gateways.far[gateway]
        kept: list[Kept] = []
        if far.notices:
            await receive_webhook(
                p.inbox, far.name, far, Delivery(b"%d" % which, {}, ""), clock=p.now, on_kept=kept.extend
            )
        if which % 3:  # else it is applied when it is due
            await p.apply_webhooks(Crash, kept)

    async def do_webhooks(self) -> None:
        await self.platform.apply_webhooks(Crash)

    async def do_settle(self) -> None:
        await self.platform.settle_due(Crash)

    async def do_chain(self) -> None:
        await self.platform.ledger.chain()

    async def do_invoice(self) -> None:
        await issue_invoices(self.platform.book, clock=self.platform.now)

    async def do_hear_of(self, which: int) -> None:
        """What booking has told arrives, the newest most often."""
        if facts := self.platform.bookings.facts:
            await self.platform.hear_of(facts[-1 - which % len(facts)])

    def do_hear(self, which: int, luck: bool) -> None:
        """Booking hears of money that came."""
        bookings = self.platform.bookings
        heard = {*bookings.claimed, *bookings.unclaimed}
        waiting = [each for each in self.stored.payments.values() if each.succeed_time and each.name not in heard]
        if waiting:
            payment = waiting[which % len(waiting)]
            self.platform.keep_receipt(payment)
            bookings.hear(payment, luck)

    def do_browse(self, which: int, back: int, token: str) -> None:
        """A payer's browser with what it was once given, of this order or an earlier one."""
        payment = self.some_payment(which, *UNDECIDED)
        if payment and (far := self.far_end(payment, back)) and not far[0].silent:
            far[0].confirmed(far[1], token)

    def do_decide(self, which: int, passes: bool, what: str) -> None:
        payment = self.some_payment(which)
        if not payment or not (far := self.far_end(payment, 0)):
            return
        gateway, reference = far
        if what == "authenticate" and gateway.intents[reference].state is IntentState.ACTION_REQUIRED:
            gateway.authenticated(reference, passes)
        elif what == "decide":
            gateway.decide(reference, passes)
        else:
            gateway.end_refunds(reference, passes)

    def do_late(self, which: int) -> None:
        """Money comes for an order of ours that was called off."""
        off = [
            (far, attempt.reference)
            for payment in self.stored.payments.values()
            for attempt in payment.attempts
            if (far := self.far_of(payment, attempt.number)) and attempt.reference not in far.reserving
            if far.intents[attempt.reference].state is IntentState.CANCELLED
        ]
        if off:
            far, reference = off[-1 - which % len(off)]
            far.late(reference)

    def do_dispute(self, which: int) -> FarGateway | None:
        """Of money that counts, and that we know of; where."""
        payment = self.some_payment(which, State.SUCCEEDED, State.PARTLY_REFUNDED)
        payment = payment if payment and payment.paid_by else None
        far = self.far_end(payment, 0) if payment else None
        if far is None:
            return None
        far[0].dispute(far[1])
        return far[0]

    # When everybody was heard.

    def come_to_rest(self, *, backwards: bool = False) -> None:
        """Nothing fails any more, every webhook comes (`backwards`: the newest first), and every look is taken."""
        p = self.platform
        p.steps.fuse = None
        for far in p.gateways.far:
            far.faults, far.down = [], False
        self.loop.run_until_complete(self._rest(backwards))

    async def _rest(self, backwards: bool) -> None:
        p = self.platform
        for _ in range(30):
            before = len(p.journal.rows), len(p.inbox.kept)
            p.pass_time(3700)  # as long as a webhook waits between two tries at most
            for far in p.gateways.far:
                for notice in far.notices[:: -1 if backwards else 1]:
                    await p.inbox.keep(far.name, [notice], Delivery(b"", {}, ""), p.now())
            while await p.apply_webhooks(Crash):
                pass
            while await p.settle_due(Crash):
                pass
            if before == (len(p.journal.rows), len(p.inbox.kept)):
                break
        while await p.ledger.chain() or await issue_invoices(p.book, clock=p.now):
            pass
        orders = {order for each in p.journal.collections.get(COLLECTION, {}).values() for order in each["orders"]}
        left = {f"{kept.gateway}|{kept.notice.reference}" for kept, due in p.inbox.kept.values() if due is not None}
        assert not left & orders, "a webhook that cannot be applied"

    def far_ends_agree(self) -> None:
        """INVARIANT: charged − refunded − disputed at each gateway is what the books hold there, fees apart; and a
        comparison of both finds nothing but fees, and after a correction nothing.
        """
        for number, far in enumerate(self.platform.gateways.far):
            held: dict[str, int] = {}
            for reference, money in far.money.items():
                ended = [amount for made, amount in far.refunds.get(reference, {}).values() if _succeeded(made)]
                left = far.charges[reference] * money.minor_units - sum(ended) - far.disputed(reference)
                held[money.currency] = held.get(money.currency, 0) + left
            books = {
                currency: self.stored.sums[f"gateways/{far.name}/clearing", currency]
                + self.stored.sums[f"gateways/{far.name}/fees", currency]
                for currency in held
            }
            assert books == held, far.name
            self.loop.run_until_complete(self.do_correct_fees(number))
            while self.loop.run_until_complete(self.platform.ledger.chain()):
                pass
            self.look()
            ours = [entry for entry, _ in self.stored.chained if f"gateways/{far.name}" in entry.owners]
            lines = far.report()
            moved = [each for each in movements(far.name, ours) if each.kind != "dispute"]
            since, until = min((each.time for each in moved), default=self.platform.now()), self.platform.now()
            assert reconciled(moved, lines, since, until) == []

    def everybody_got_what_was_theirs(self) -> None:
        """INVARIANT: in the end every payment is what its gateway says, and money nobody wanted has gone back."""
        for payment in self.stored.payments.values():
            if not (far := self.far_end(payment, 0)):
                continue
            gateway, reference = far
            truth = gateway.intents[reference]
            assert (payment.state in CAPTURED) == (truth.state is IntentState.SUCCEEDED), (payment, truth)
            assert (payment.state is State.AUTHORIZED) == (truth.state is IntentState.AUTHORIZED), (payment, truth)
            open_dispute = reference in gateway.disputes and gateway.disputes[reference].state == "OPEN"
            # What has all gone back before its gateway told of the dispute, or since, leaves nothing to be set aside.
            assert (payment.state is State.DISPUTED) == (open_dispute and payment.refunded != payment.amount), (
                payment,
                truth,
            )

    # Which is meant.

    def next(self) -> int:
        return next(self._numbers)

    @property
    def _numbers(self):
        return self.platform.numbers

    def some_booking(self, which: int, state: str = "HELD") -> str:
        """0: the newest; in that state, but for 9."""
        known = self.platform.bookings.known
        found = [name for name, each in known.items() if each.state == state] if which < 9 else []
        found = found or list(known)
        return found[-1 - which % len(found)]

    def booking_to_pay(self, which: int) -> str:
        """The same among those that want money."""
        known = self.platform.bookings.known
        found = [name for name, each in known.items() if each.held_until] if which < 9 else []
        found = found or list(known)
        return found[-1 - which % len(found)]

    def some_payment(self, which: int, *states: State) -> Payment | None:
        """Of those as they were before this step; 0: the newest; in one of the states, but for 9."""
        known = list(self.stored.payments.values())
        found = [each for each in known if each.state in states] if which < 9 and states else known
        return found[-1 - which % len(found)] if found else None

    def payment_by_hand(self, which: int, wanted: Callable[[Payment], bool]) -> Payment | None:
        """The same among those that people pay."""
        found = [each for each in self.stored.payments.values() if each.current.kind is MethodKind.INSTRUCTIONS]
        found = [each for each in found if wanted(each)]
        return found[-1 - which % len(found)] if found else None

    def far_end(self, payment: Payment, back: int) -> tuple[FarGateway, str] | None:
        """Gateway and reference of its order, or of one of those before it; None: it is paid by hand."""
        attempt = payment.attempts[-1 - back % len(payment.attempts)] if back else payment.current
        gateway = self.platform.gateways.named(attempt.gateway)
        return (gateway, attempt.reference) if isinstance(gateway, FarGateway) else None

    def first_answer(self, key: str, answer: object) -> None:
        """INVARIANT: a request that comes again gets the answer that it got first."""
        assert self.answers.setdefault(key, answer) == answer


def _by_hand(payment: Payment) -> list[str]:
    kinds = {each.number: each.kind for each in payment.attempts}
    by_hand = [each for each in payment.refunds if kinds[each.attempt] is MethodKind.INSTRUCTIONS]
    return [each.id for each in by_hand if each.state is RefundState.PENDING]


def _succeeded(made) -> bool:
    return made.progress.value == "SUCCEEDED"

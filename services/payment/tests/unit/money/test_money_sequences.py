"""Any sequence of what happens to money, much of it at once, with deaths between any two steps: it is conserved.

Holds that run out, payments at gateways that fail, lose answers and are followed by others, webhooks that come twice
and in any order, refunds, disputes that are lost and won after all, money that comes late or twice, invoices, payouts
and corrections of fees, in five currencies. `make test-long` walks 100,000 steps. What hypothesis prints on a failure
is kept as a test of its own.
"""

import asyncio
import os
import time

import pytest
from far_gateway import LOST, OPEN
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule, run_state_machine_as_test
from money_deeds import Deeds
from money_invariants import Invariants
from money_world import ORGANIZERS, Platform
from payment_fakes import Crash

from domain_kit.money import Money
from domain_kit.refusals import Refusal
from payment_service.domain.payment_settings import PaymentSettings
from payment_service.domain.states import UNDECIDED

WHICH = st.integers(0, 9)
REQUESTS = st.integers(0, 3)
PARTS = st.none() | st.integers(1, 100)
TOKENS = st.sampled_from(
    ["pm_card_visa"] * 4
    + ["pm_card_chargeDeclined", "pm_card_authenticationRequired", "pm_card_pendingRefund", "pm_card_processing"]
    + ["pm_card_networkTrouble", "pm_bad"]
)
PLACES = st.tuples(
    st.integers(0, 2), st.sampled_from(["EUR", "JPY", "KWD", "MXN", "USD"]), st.sampled_from([1999, 1, 77, 50_000])
)
PAID_OUT = st.lists(st.sampled_from(sorted(ORGANIZERS)), max_size=4)
WISHES = st.sampled_from(["", "", "first", "second", "silent", "door"])
AT_ONCE = ["confirm", "confirm", "capture", "cancel", "refund", "webhooks", "settle", "receive"]
# What can happen; those in one list happen at once.
DEEDS = st.one_of(
    st.tuples(st.just("create"), WHICH, WISHES, REQUESTS),
    st.tuples(st.just("create"), WHICH, WISHES, REQUESTS),
    st.tuples(st.just("confirm"), WHICH, TOKENS, st.integers(0, 100)),
    st.tuples(st.just("confirm"), WHICH, TOKENS, st.integers(0, 100)),
    st.tuples(st.just("capture"), WHICH, REQUESTS),
    st.tuples(st.just("cancel"), WHICH, REQUESTS),
    st.tuples(st.just("refund"), WHICH, PARTS, st.integers(0, 100)),
    st.tuples(st.just("refund"), WHICH, PARTS, st.integers(0, 100)),
    st.tuples(st.just("receive"), WHICH, REQUESTS),
    st.tuples(st.just("pay_back"), WHICH, REQUESTS),
    st.tuples(st.just("hear_of"), WHICH),
    st.tuples(st.just("settle")),
    st.tuples(st.just("webhooks")),
    st.tuples(st.just("webhooks")),
    st.tuples(st.just("chain")),
    st.tuples(st.just("invoice")),
    st.tuples(st.just("pay_out"), st.sampled_from(sorted(ORGANIZERS)), REQUESTS),
    st.tuples(st.just("correct_fees"), st.integers(0, 2)),
)


class Sequence(Deeds, Invariants):
    """The machine."""

    STEPS = 0

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.begin(Platform())
        self.answers: dict[str, object] = {}

    def run(self, deeds) -> None:
        """All at once; a death takes the process with it, and another one takes its place."""

        async def all_at_once() -> list[object]:
            each = (getattr(self, f"do_{name}")(*rest) for name, *rest in deeds)
            return await asyncio.gather(*each, return_exceptions=True)

        results = self.loop.run_until_complete(all_at_once())
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, Refusal | Crash):
                raise result
        if any(isinstance(each, Crash) for each in results):
            self.platform.restart()
        self.step()

    def step(self) -> None:
        self.look()

    @invariant()
    def it_was_a_step(self):
        type(self).STEPS += 1

    @rule(place=PLACES)
    def somebody_holds(self, place):
        self.hold(*place)

    def hold(self, who, currency, amount):
        self.platform.bookings.hold(sorted(ORGANIZERS)[who], Money(amount, currency))
        self.step()

    @rule(deeds=st.lists(DEEDS, min_size=1, max_size=4))
    def happen(self, deeds):
        self.run(deeds)

    @initialize(whats=st.lists(st.tuples(PLACES, WISHES), min_size=1, max_size=3))
    def some_was_paid(self, whats):
        """Without this and the next, little would ever be paid."""
        for place, wish in whats:
            self.somebody_books_and_pays(place, wish, "pm_card_visa", True)

    @rule(place=PLACES, wish=WISHES, token=TOKENS, heard=st.booleans())
    def somebody_books_and_pays(self, place, wish, token, heard):
        self.hold(*place)
        self.pay(wish, token, heard)

    def pay(self, wish, token, heard):
        """For the newest booking that wants money."""
        self.run([("create", 0, wish, self.next())])
        self.run([("confirm", 0, token, self.next())])
        self.run([("receive", 0, self.next())])
        if heard:
            self.do_hear(0, True)
            self.step()

    @rule(which=WHICH, parts=st.lists(PARTS, min_size=1, max_size=3), crash=st.integers(0, 9))
    def money_goes_back(self, which, parts, crash):
        """Several refunds of one payment at once."""
        self.platform.steps.fuse = crash or None
        self.run([("refund", which, part, self.next()) for part in parts])

    @rule(which=WHICH, luck=st.booleans())
    def booking_hears_of_money(self, which, luck):
        self.do_hear(which, luck)
        self.step()

    @rule(which=WHICH, part=st.sampled_from([0, 50, 100]))
    def a_booking_is_called_off(self, which, part):
        self.platform.bookings.cancel(self.some_booking(which, "CONFIRMED"), part)
        self.step()

    @rule(which=WHICH, price=st.integers(1, 900), wish=WISHES, token=TOKENS)
    def a_booking_is_changed_for_a_price(self, which, price, wish, token):
        self.platform.bookings.change(self.some_booking(which, "CONFIRMED"), price)
        self.pay(wish, token, True)

    @rule(gateway=st.integers(0, 2), which=st.lists(st.integers(0, 60), min_size=1, max_size=4))
    def webhooks_come(self, gateway, which):
        """Any, in any order, perhaps twice."""
        self.run([("webhook", gateway, each) for each in which])
        self.run([("webhooks",)])

    @rule(which=WHICH, token=TOKENS, deeds=st.lists(st.sampled_from(AT_ONCE), min_size=2, max_size=5))
    def much_happens_to_one_payment(self, which, token, deeds):
        """Everybody is at it, with the newest webhook of its gateway among them."""
        payment = self.some_payment(which, *UNDECIDED)
        if payment and (far := self.far_end(payment, 0)):
            self.run([("webhook", self.far.index(far[0]), len(far[0].notices) - 1)])
        rest = {"confirm": [token, self.next()], "refund": [50, self.next()], "webhooks": [], "settle": []}
        self.run([(each, which, *rest.get(each, [self.next()])) if rest.get(each, [1]) else (each,) for each in deeds])

    @rule(which=WHICH, back=st.integers(0, 3), token=TOKENS)
    def a_browser_pays_by_itself(self, which, back, token):
        self.do_browse(which, back, token)
        self.step()

    @rule(which=WHICH, passes=st.booleans(), what=st.sampled_from(["authenticate", "decide", "refunds"]))
    def a_bank_decides(self, which, passes, what):
        self.do_decide(which, passes, what)
        self.step()

    @rule(which=WHICH)
    def money_comes_late(self, which):
        """For an order that was called off."""
        self.do_late(which)
        self.step()

    @rule(which=WHICH, heard=st.booleans())
    def a_payer_disputes(self, which, heard):
        if far := self.do_dispute(which):
            self.hear_of(far, heard)

    @precondition(lambda self: any(each.state == OPEN for far in self.far for each in far.disputes.values()))
    @rule(which=WHICH, wins=st.booleans(), fee=st.sampled_from([1500, 15, 0]), heard=st.booleans())
    def a_dispute_is_decided(self, which, wins, fee, heard):
        found = [(far, reference) for far in self.far for reference, each in far.disputes.items() if each.state == OPEN]
        far, reference = found[which % len(found)]
        far.decide_dispute(reference, wins, fee)
        self.hear_of(far, heard)

    @precondition(lambda self: any(each.state == LOST for far in self.far for each in far.disputes.values()))
    @rule(which=WHICH, heard=st.booleans())
    def a_lost_dispute_is_won_after_all(self, which, heard):
        found = [(far, reference) for far in self.far for reference, each in far.disputes.items() if each.state == LOST]
        far, reference = found[which % len(found)]
        far.give_back(reference)
        self.hear_of(far, heard)

    @rule(place=PLACES, part=PARTS, fails=st.booleans(), wins=st.booleans(), heard=st.booleans())
    def money_is_disputed_while_it_goes_back(self, place, part, fails, wins, heard):
        """Which is lost, and what was on its way ends somehow, in either order."""
        self.somebody_books_and_pays(place, "first", "pm_card_pendingRefund", True)
        self.run([("refund", 0, part, self.next())])
        payment = self.some_payment(0)
        far = self.do_dispute(0)
        if far is None or payment is None:
            return
        reference = payment.current.reference
        self.hear_of(far, heard)
        deeds = [lambda: far.decide_dispute(reference, wins, 15), lambda: far.end_refunds(reference, not fails)]
        for deed in deeds if heard else reversed(deeds):
            deed()
            self.hear_of(far, True)

    def hear_of(self, far, heard) -> None:
        """Of the last that it has to say, or not yet."""
        if heard:
            self.run([("webhook", self.far.index(far), len(far.notices) - 1)])
            self.run([("webhooks",)])
        self.step()

    @rule(fuse=st.integers(1, 12))
    def a_death_is_near(self, fuse):
        self.platform.steps.fuse = fuse
        self.step()

    @rule(gateway=st.integers(0, 2), faults=st.lists(st.sampled_from(["before", "after", ""]), max_size=3))
    def a_gateway_loses_answers(self, gateway, faults):
        self.far[gateway].faults = faults
        self.step()

    @rule(gateway=st.integers(0, 2), down=st.integers(0, 3))
    def a_gateway_goes_down_or_comes_back(self, gateway, down):
        self.far[gateway].down = down == 1
        self.step()

    @rule(gateway=st.integers(0, 2), surcharge=st.sampled_from([-1, 0, 3]))
    def a_gateway_changes_its_fees(self, gateway, surcharge):
        self.far[gateway].surcharge = surcharge
        self.step()

    @rule(reserve=st.integers(0, 3))
    def organizers_want_money_only_reserved_or_taken(self, reserve):
        self.platform.gateways.settings = PaymentSettings(reserve=reserve == 1)
        self.step()

    @rule(seconds=st.sampled_from([1, 90, 700]))
    def time_passes(self, seconds):
        self.platform.pass_time(seconds)
        self.step()

    @rule(
        backwards=st.booleans(),
        paid_out=st.lists(st.sampled_from(sorted(ORGANIZERS)), max_size=4),
        crash=st.integers(0, 9),
    )
    def a_day_passes(self, backwards, paid_out, crash):
        self.come_to_rest(backwards=backwards)
        self.platform.pass_time(26 * 3600)
        self.step()
        self.platform.steps.fuse = crash or None
        self.run([("pay_out", each, self.next()) for each in paid_out])

    @rule(backwards=st.booleans())
    def all_is_told(self, backwards):
        """INVARIANT: when everybody was heard, the books are those of the gateways, to the minor unit."""
        self.come_to_rest(backwards=backwards)
        self.step()
        self.far_ends_agree()

    def teardown(self) -> None:
        try:
            self.come_to_rest()
            self.look()
            self.far_ends_agree()
            self.everybody_got_what_was_theirs()
        finally:
            self.loop.close()


def walk(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        Sequence,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip


def test_money_is_conserved_whatever_happens() -> None:
    walk(examples=60, steps=50)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_money_is_conserved_over_a_hundred_thousand_steps() -> None:
    wanted, begun, before = int(os.environ.get("USHER_LONG_STEPS", "100000")), time.monotonic(), Sequence.STEPS
    while Sequence.STEPS - before < wanted:
        walk(examples=100, steps=100)
        print(f"{Sequence.STEPS - before} steps in {time.monotonic() - begun:.0f} s", flush=True)

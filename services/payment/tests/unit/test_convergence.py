"""Whatever happens in whatever order, with crashes between any two steps: charged once, and in the end true."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from domain_kit.money import Money
from domain_kit.refusals import Refusal
from event_backbone import Received
from payment_service.domain.attempt import Standing
from payment_service.domain.gateways import IntentState, Progress
from payment_service.domain.open_work import Work
from payment_service.domain.payment_settings import PaymentSettings
from payment_service.domain.refund import RefundState
from payment_service.domain.states import CAPTURED, State
from payment_service.handlers.call_off_payment import cancel_payment
from payment_service.handlers.capture_payment import capture_payment
from payment_service.handlers.confirm_payment import confirm_payment
from payment_service.handlers.create_payment import create_payment
from payment_service.handlers.receive_notice import receive_notice
from payment_service.handlers.refund_payment import refund_payment
from payment_service.handlers.settle_payment import settle_payment
from payment_service.inbound.consumers import booking_subscription
from payment_service.inbound.workers import SettlingWorker
from usher.booking.v1 import booking_pb2
from usher.booking.v1 import domain_events_pb2 as booking_facts

BOOKINGS = [f"events/e/bookings/{letter}" for letter in "ab"]
METHODS = st.sampled_from(
    [
        "pm_card_visa",
        "pm_card_chargeDeclined",
        "pm_card_authenticationRequired",
        "pm_card_pendingRefund",
        "pm_bad",
        "pm_card_networkTrouble",
    ]
)
WHICH = st.integers(0, 1)
REQUESTS = st.integers(0, 4)
# What can happen; those in one list happen at once.
DEEDS = st.one_of(
    st.tuples(st.just("create"), WHICH, REQUESTS),
    st.tuples(st.just("confirm"), WHICH, METHODS, REQUESTS),
    st.tuples(st.just("confirm"), WHICH, METHODS, st.integers(5, 100)),
    st.tuples(st.just("confirm"), WHICH, st.just("pm_card_visa"), st.integers(5, 100)),
    st.tuples(st.just("browse"), WHICH, METHODS, st.integers(0, 3)),
    st.tuples(st.just("authenticate"), WHICH, st.booleans()),
    st.tuples(st.just("notice"), st.integers(0, 60)),
    st.tuples(st.just("refund"), WHICH, st.none() | st.integers(1, 2000), REQUESTS),
    st.tuples(st.just("capture"), WHICH, REQUESTS),
    st.tuples(st.just("cancel"), WHICH, REQUESTS),
    st.tuples(st.just("finish"), WHICH, st.booleans()),
    st.tuples(st.just("cancelled"), WHICH, st.integers(0, 9)),
    st.tuples(st.just("unclaimed"), WHICH),
    st.tuples(st.just("look")),
)


def machine(world_of, crash):
    class Machine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.loop = asyncio.Runner()
            self.w = world_of()
            for booking in BOOKINGS:
                self.w.bookings.held(booking, "users/u")
            self.dead: set[str] = set()
            self.count = 0
            for which in range(2):
                self.loop.run(self.do_create(which, 0))

        @rule(deeds=st.lists(DEEDS, min_size=1, max_size=4))
        def happen(self, deeds) -> None:
            async def all_at_once() -> None:
                results = await asyncio.gather(
                    *(getattr(self, f"do_{name}")(*rest) for name, *rest in deeds), return_exceptions=True
                )
                for result in results:
                    if isinstance(result, BaseException) and not isinstance(result, Refusal | crash):
                        raise result

            self.loop.run(all_at_once())

        @rule(fuse=st.integers(1, 12))
        def crash_soon(self, fuse: int) -> None:
            self.w.steps.fuse = fuse

        @rule(faults=st.lists(st.sampled_from(["before", "after", ""]), max_size=3), which=WHICH)
        def gateway_fails(self, faults, which: int) -> None:
            self._gateways()[which % len(self._gateways())].faults = faults

        @rule(down=st.integers(0, 3), which=WHICH)
        def gateway_goes_down_or_comes_back(self, down: int, which: int) -> None:
            self._gateways()[which % len(self._gateways())].down = down == 1

        @rule(reserve=st.integers(0, 3))
        def organizer_wants_it_only_reserved_or_taken(self, reserve: int) -> None:
            self.w.gateways.settings = PaymentSettings(reserve=reserve == 1)

        @rule(seconds=st.sampled_from([1, 10, 90]))
        def time_passes(self, seconds: int) -> None:
            self.w.time += timedelta(seconds=seconds)

        @invariant()
        def never_charged_twice_and_never_more_back_than_came(self) -> None:
            per_booking: Counter[str] = Counter()
            for gateway in self._gateways():
                for reference, times in gateway.charges.items():
                    assert times <= 1
                    kept = times and gateway.paid_back(reference) < gateway.amounts[reference]
                    per_booking[gateway.bookings[reference]] += bool(kept)
                for reference in gateway.refunds:
                    assert gateway.paid_back(reference) <= gateway.amounts[reference] * gateway.charges[reference]
            assert all(times <= 1 for times in per_booking.values())
            for payment in self.loop.run(self._payments()):
                going = sum(each.amount.minor_units for each in payment.refunds if each.state is not RefundState.FAILED)
                assert going <= payment.amount.minor_units
                assert payment.state not in CAPTURED or self._of_payment(payment).charges[_reference(payment)] == 1
                assert all(each.standing is not Standing.OPEN for each in payment.attempts[:-1])
                assert len({each.key for each in payment.attempts}) == len(payment.attempts)

        def teardown(self) -> None:
            """The gateway answers again, nothing crashes, and webhooks never come: looking is enough."""
            self.w.steps.fuse = None
            for gateway in self._gateways():
                gateway.faults, gateway.down = [], False
            self.loop.run(self._converge())
            self.loop.close()

        async def _converge(self) -> None:
            for _ in range(4):
                self.w.time += timedelta(hours=7)
                for gateway in self._gateways():
                    for reference in list(gateway.refunds):
                        await gateway.finish_refunds(reference)
                await self.do_look()
            for payment in await self._payments():
                gateway = self._of_payment(payment)
                truth = gateway.intents[_reference(payment)]
                assert payment.work is not Work.URGENT
                assert (payment.state in CAPTURED) == (truth.state is IntentState.SUCCEEDED)
                over = payment.state is State.CANCELLED or payment.current.standing is Standing.CLOSED
                assert over == (truth.state is IntentState.CANCELLED)
                assert (payment.state is State.REQUIRES_ACTION) == (truth.state is IntentState.ACTION_REQUIRED)
                assert (payment.state is State.AUTHORIZED) == (truth.state is IntentState.AUTHORIZED)
                mine = gateway.refunds.get(_reference(payment), {})
                back = sum(amount for made, amount in mine.values() if made.progress is Progress.SUCCEEDED)
                assert payment.refunded == Money(back, "CAD")
                self._check_history(payment.name)

        def _gateways(self):
            return list(self.w.gateways.all.values())

        def _of_payment(self, payment):
            return self.w.gateways.named(payment.current.gateway)

        def _check_history(self, name: str) -> None:
            rows = sorted(self.w.journal.rows.values(), key=lambda row: row["ord"])
            events = [event for row in rows for event in row["ev"] if event["s"] == name]
            assert [event["v"] for event in events] == list(range(1, len(events) + 1))
            assert sum(event["t"].endswith("PaymentSucceeded") for event in events) <= 1

        async def _payments(self):
            names = list(self.w.journal.collections.get("payments", {}))
            return [await self.w.payments.get(name) for name in names]

        async def _of(self, which: int):
            found = [each for each in await self._payments() if each.booking == BOOKINGS[which]]
            return found[-1] if found else None

        async def do_create(self, which: int, request: int) -> None:
            if BOOKINGS[which] in self.dead:
                return
            self.count += 1
            w, id = self.w, f"{self.count}"
            await create_payment(
                w.payments, w.bookings, w.gateways, id, BOOKINGS[which], "users/u",
                cause=w.cause("users/u", "create", which, request), clock=w.now,
            )  # fmt: skip

        async def do_confirm(self, which: int, method: str, request: int) -> None:
            payment, w = await self._of(which), self.w
            if payment:
                cause = w.cause("users/u", "confirm", request, payload=(payment.name, method))
                await confirm_payment(w.payments, w.gateways, payment.name, method, cause=cause, clock=w.now)

        async def do_browse(self, which: int, method: str, back: int) -> None:
            """A payer's browser with what it was once given, of this order or an earlier one."""
            if payment := await self._of(which):
                attempt = payment.attempts[-1 - back % len(payment.attempts)]
                self.w.gateways.named(attempt.gateway).confirmed(attempt.reference, method)

        async def do_authenticate(self, which: int, passes: bool) -> None:
            if payment := await self._of(which):
                await self._of_payment(payment).authenticate(_reference(payment), passes)

        async def do_notice(self, which: int) -> None:
            w = self.w
            gateway = self._gateways()[which % len(self._gateways())]
            if gateway.notices:
                notice = gateway.notices[which // 2 % len(gateway.notices)]
                await receive_notice(w.payments, w.gateways, gateway.name, notice, clock=w.now)

        async def do_refund(self, which: int, amount: int | None, request: int) -> None:
            payment, w = await self._of(which), self.w
            if payment:
                self.count += 1
                money = None if amount is None else Money(amount, "CAD")
                cause = w.cause("users/f", "refund", request, payload=(payment.name, amount))
                await refund_payment(
                    w.payments,
                    w.gateways,
                    payment.name,
                    f"r{self.count}",
                    money,
                    "",
                    "users/f",
                    cause=cause,
                    clock=w.now,
                )

        async def do_capture(self, which: int, request: int) -> None:
            payment, w = await self._of(which), self.w
            if payment:
                cause = w.cause("users/f", "capture", request, payload=payment.name)
                await capture_payment(w.payments, w.gateways, payment.name, cause=cause, clock=w.now)

        async def do_cancel(self, which: int, request: int) -> None:
            payment, w = await self._of(which), self.w
            if payment:
                cause = w.cause("users/u", "cancel", request, payload=payment.name)
                await cancel_payment(w.payments, w.gateways, payment.name, cause=cause, clock=w.now)

        async def do_finish(self, which: int, succeeds: bool) -> None:
            if payment := await self._of(which):
                await self._of_payment(payment).finish_refunds(_reference(payment), succeeds)

        async def do_cancelled(self, which: int, luck: int) -> None:
            if luck:  # else little would ever be paid
                return
            self.dead.add(BOOKINGS[which])
            booking = booking_pb2.Booking(name=BOOKINGS[which])
            await self._hear(booking_facts.BookingCancelled(booking=booking), f"01C{which}")

        async def do_unclaimed(self, which: int) -> None:
            if payment := await self._of(which):
                await self._hear(booking_facts.PaymentUnclaimed(payment=payment.name), f"01U{payment.name[9:]}")

        async def _hear(self, fact, id: str) -> None:
            w = self.w
            received = Received(id, "", "", 1, w.now(), "", "")
            await booking_subscription(w.payments, w.gateways, w.known, w.now).handlers[type(fact)](fact, received)

        async def do_look(self) -> None:
            w = self.w

            async def settle(name: str):
                return await settle_payment(w.payments, w.gateways, name, clock=w.now)

            while await SettlingWorker(w.work, settle, w.now).do_due():
                pass

    return Machine


def _reference(payment) -> str:
    return payment.current.reference


@pytest.mark.parametrize(
    ("others", "keeps_tries"), [((), True), ((), False), (("second",), True), (("second",), False)]
)
def test_charged_once_and_true_in_the_end_whatever_happens(new_world, crash, others, keeps_tries: bool) -> None:
    """INVARIANT: a payment is captured once, a booking's money is kept once, at whichever gateway, never more goes back
    than came, and our state becomes the gateway's.
    """
    run_state_machine_as_test(
        machine(lambda: new_world(*others, keeps_tries=keeps_tries), crash),
        settings=settings(
            max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )

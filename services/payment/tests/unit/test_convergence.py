"""Whatever happens in whatever order, with crashes between any two steps: charged once, and in the end true."""

import asyncio
from collections import Counter
from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from domain_kit.money import Money
from domain_kit.refusals import Refusal
from event_backbone import Received
from payment_service.domain.gateway import IntentState, Progress
from payment_service.domain.open_work import Work
from payment_service.domain.refund import RefundState
from payment_service.domain.states import CAPTURED
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
    ["pm_card_visa", "pm_card_chargeDeclined", "pm_card_authenticationRequired", "pm_card_pendingRefund", "pm_bad"]
)
WHICH = st.integers(0, 1)
REQUESTS = st.integers(0, 4)
# What can happen; those in one list happen at once.
DEEDS = st.one_of(
    st.tuples(st.just("create"), WHICH, REQUESTS),
    st.tuples(st.just("confirm"), WHICH, METHODS, REQUESTS),
    st.tuples(st.just("confirm"), WHICH, st.just("pm_card_visa"), REQUESTS),
    st.tuples(st.just("browse"), WHICH, METHODS),
    st.tuples(st.just("authenticate"), WHICH, st.booleans()),
    st.tuples(st.just("notice"), st.integers(0, 30)),
    st.tuples(st.just("refund"), WHICH, st.none() | st.integers(1, 2000), REQUESTS),
    st.tuples(st.just("finish"), WHICH, st.booleans()),
    st.tuples(st.just("cancelled"), WHICH),
    st.tuples(st.just("unclaimed"), WHICH),
    st.tuples(st.just("look")),
)


def machine(new_world, crash):
    class Machine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.loop = asyncio.Runner()
            self.w = new_world()
            for booking in BOOKINGS:
                self.w.bookings.held(booking, "users/u")
            self.dead: set[str] = set()
            self.count = 0

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

        @rule(faults=st.lists(st.sampled_from(["before", "after", ""]), max_size=3))
        def gateway_fails(self, faults) -> None:
            self.w.gateway.faults = faults

        @rule(seconds=st.sampled_from([1, 10, 90]))
        def time_passes(self, seconds: int) -> None:
            self.w.time += timedelta(seconds=seconds)

        @invariant()
        def never_charged_twice_and_never_more_back_than_came(self) -> None:
            gateway = self.w.gateway
            per_booking: Counter[str] = Counter()
            for reference, times in gateway.charges.items():
                assert times <= 1
                kept = times and gateway.paid_back(reference) < gateway.amounts[reference]
                per_booking[gateway.bookings[reference]] += bool(kept)
            assert all(times <= 1 for times in per_booking.values())
            for reference in gateway.refunds:
                assert gateway.paid_back(reference) <= gateway.amounts[reference] * gateway.charges[reference]
            for payment in self.loop.run(self._payments()):
                going = sum(each.amount.minor_units for each in payment.refunds if each.state is not RefundState.FAILED)
                assert going <= payment.amount.minor_units
                assert payment.state not in CAPTURED or gateway.charges[payment.gateway_reference] == 1

        def teardown(self) -> None:
            """The gateway answers again, nothing crashes, and webhooks never come: looking is enough."""
            self.w.steps.fuse, self.w.gateway.faults = None, []
            self.loop.run(self._converge())
            self.loop.close()

        async def _converge(self) -> None:
            gateway = self.w.gateway
            for _ in range(4):
                self.w.time += timedelta(hours=7)
                for reference in list(gateway.refunds):
                    await gateway.finish_refunds(reference)
                await self.do_look()
            for payment in await self._payments():
                truth = gateway.intents[payment.gateway_reference]
                assert payment.work is not Work.URGENT
                assert (payment.state in CAPTURED) == (truth.state is IntentState.SUCCEEDED)
                assert (payment.state.name == "CANCELLED") == (truth.state is IntentState.CANCELLED)
                assert (payment.state.name == "REQUIRES_ACTION") == (truth.state is IntentState.ACTION_REQUIRED)
                mine = gateway.refunds.get(payment.gateway_reference, {})
                back = sum(amount for made, amount in mine.values() if made.progress is Progress.SUCCEEDED)
                assert payment.refunded == Money(back, "CAD")
                self._check_history(payment.name)

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
                w.payments, w.bookings, w.gateway, id, BOOKINGS[which], "users/u",
                cause=w.cause("users/u", "create", which, request), clock=w.now,
            )  # fmt: skip

        async def do_confirm(self, which: int, method: str, request: int) -> None:
            payment, w = await self._of(which), self.w
            if payment:
                cause = w.cause("users/u", "confirm", request, payload=(payment.name, method))
                await confirm_payment(w.payments, w.gateway, payment.name, method, cause=cause, clock=w.now)

        async def do_browse(self, which: int, method: str) -> None:
            if payment := await self._of(which):
                self.w.gateway.confirmed(payment.gateway_reference, method)

        async def do_authenticate(self, which: int, passes: bool) -> None:
            if payment := await self._of(which):
                await self.w.gateway.authenticate(payment.gateway_reference, passes)

        async def do_notice(self, which: int) -> None:
            w = self.w
            if w.gateway.notices:
                notice = w.gateway.notices[which % len(w.gateway.notices)]
                await receive_notice(w.payments, w.gateway, notice, clock=w.now)

        async def do_refund(self, which: int, amount: int | None, request: int) -> None:
            payment, w = await self._of(which), self.w
            if payment:
                self.count += 1
                money = None if amount is None else Money(amount, "CAD")
                cause = w.cause("users/f", "refund", request, payload=(payment.name, amount))
                await refund_payment(
                    w.payments,
                    w.gateway,
                    payment.name,
                    f"r{self.count}",
                    money,
                    "",
                    "users/f",
                    cause=cause,
                    clock=w.now,
                )

        async def do_finish(self, which: int, succeeds: bool) -> None:
            if payment := await self._of(which):
                await self.w.gateway.finish_refunds(payment.gateway_reference, succeeds)

        async def do_cancelled(self, which: int) -> None:
            self.dead.add(BOOKINGS[which])
            booking = booking_pb2.Booking(name=BOOKINGS[which])
            await self._hear(booking_facts.BookingCancelled(booking=booking), f"01C{which}")

        async def do_unclaimed(self, which: int) -> None:
            if payment := await self._of(which):
                await self._hear(booking_facts.PaymentUnclaimed(payment=payment.name), f"01U{payment.name[9:]}")

        async def _hear(self, fact, id: str) -> None:
            w = self.w
            received = Received(id, "", "", 1, w.now(), "", "")
            await booking_subscription(w.payments, w.gateway, w.now).handlers[type(fact)](fact, received)

        async def do_look(self) -> None:
            w = self.w

            async def settle(name: str):
                return await settle_payment(w.payments, w.gateway, name, clock=w.now)

            while await SettlingWorker(w.work, settle, w.now).settle_due():
                pass

    return Machine


def test_charged_once_and_true_in_the_end_whatever_happens(new_world, crash) -> None:
    """INVARIANT: a payment is captured once, a booking's money is kept once, never more goes back than came, and our
    state becomes the gateway's.
    """
    run_state_machine_as_test(
        machine(new_world, crash),
        settings=settings(
            max_examples=150, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )

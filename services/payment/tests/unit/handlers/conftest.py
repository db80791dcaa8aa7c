"""The handlers over a world in memory."""

from typing import Any

import pytest

from domain_kit.money import Money
from event_backbone import Received
from payment_service.domain.payment import Payment
from payment_service.domain.states import State
from payment_service.handlers.call_off_payment import cancel_payment
from payment_service.handlers.capture_payment import capture_payment
from payment_service.handlers.confirm_payment import confirm_payment
from payment_service.handlers.create_payment import Chosen, create_payment
from payment_service.handlers.mark_received import mark_received
from payment_service.handlers.mark_refund_paid import mark_refund_paid
from payment_service.handlers.refund_payment import refund_payment
from payment_service.handlers.settle_payment import settle_payment
from payment_service.inbound.consumers import booking_subscription

BOOKING = "events/e/bookings/b"
VISA, DECLINED, SECURE, SLOW = (
    "pm_card_visa", "pm_card_chargeDeclined", "pm_card_authenticationRequired", "pm_card_pendingRefund",
)  # fmt: skip


NO_WISH = Chosen()


class Shop:
    """The handlers over a world."""

    def __init__(self, world) -> None:
        self.world, self.ids = world, iter(range(1000))
        world.bookings.held(BOOKING, "users/u")

    async def create(self, request: str = "", payer: str = "users/u", chosen: Chosen = NO_WISH) -> Payment:
        w, id = self.world, next(self.ids)
        cause = w.cause(payer, "create", request or id)
        return await create_payment(
            w.payments, w.bookings, w.gateways, f"{id}", BOOKING, payer, chosen, cause=cause, clock=w.now
        )

    async def confirm(self, payment: Payment, method: str = VISA, request: str = "", **more: Any) -> Payment:
        w = self.world
        cause = w.cause("users/u", "confirm", request or next(self.ids), payload=method)
        return await confirm_payment(w.payments, w.gateways, payment.name, method, cause=cause, clock=w.now, **more)

    async def capture(self, payment: Payment, request: str = "", amount: Money | None = None) -> Payment:
        w, cause = self.world, self.world.cause("users/f", "capture", request or next(self.ids))
        return await capture_payment(w.payments, w.gateways, payment.name, amount, cause=cause, clock=w.now)

    async def cancel(self, payment: Payment, request: str = "") -> Payment:
        w, cause = self.world, self.world.cause("users/u", "cancel", request or next(self.ids))
        return await cancel_payment(w.payments, w.gateways, payment.name, cause=cause, clock=w.now)

    async def refund(self, payment: Payment, amount: int | None = None, request: str = "", reason: str = "") -> Payment:
        w, id = self.world, f"r{next(self.ids)}"
        cause = w.cause("users/f", "refund", request or id, payload=amount)
        money = None if amount is None else Money(amount, "CAD")
        return await refund_payment(
            w.payments, w.gateways, payment.name, id, money, reason, "users/f", cause=cause, clock=w.now
        )

    async def receive(self, payment: Payment) -> Payment:
        w, cause = self.world, self.world.cause("users/f", "receive", next(self.ids))
        return await mark_received(w.payments, payment.name, cause=cause, clock=w.now)

    async def pay_back(self, payment: Payment, refund: str, request: str = "") -> Payment:
        w, cause = self.world, self.world.cause("users/f", "pay back", request or next(self.ids), payload=refund)
        return await mark_refund_paid(w.payments, payment.name, refund, cause=cause, clock=w.now)

    async def settle(self, payment: Payment) -> Payment:
        w = self.world
        return await settle_payment(w.payments, w.gateways, payment.name, clock=w.now)

    async def hear(self, fact: object, id: str = "01EVENT") -> None:
        w = self.world
        received = Received(id, "", "", 1, w.now(), "", "")
        await booking_subscription(w.payments, w.gateways, w.known, w.now).handlers[type(fact)](fact, received)

    async def paid(self, method: str = VISA) -> Payment:
        payment = await self.confirm(await self.create(), method)
        assert payment.state is State.SUCCEEDED
        return payment

    def facts(self, payment: Payment) -> list[str]:
        rows = sorted(self.world.journal.rows.values(), key=lambda row: row["ord"])
        events = [event for row in rows for event in row["ev"] if event["s"] == payment.name]
        assert [event["v"] for event in events] == list(range(1, len(events) + 1))
        return [event["t"].rpartition(".")[2] for event in events]


@pytest.fixture
def shop(world) -> Shop:
    return Shop(world)


@pytest.fixture
def new_shop() -> type[Shop]:
    return Shop

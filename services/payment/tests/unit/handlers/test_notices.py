"""A gateway's word that says no more than is known already."""

import asyncio
from types import SimpleNamespace

from payment_service.domain.gateways import Delivery, Notice
from payment_service.handlers.receive_notice import is_applied, receive_notice
from payment_service.handlers.receive_webhook import receive_webhook
from payment_service.inbound.in_hand import InHand

VISA = "pm_card_visa"


async def test_a_notice_of_what_the_confirmation_under_way_is_about_to_write_tells_nothing_new(shop) -> None:
    w, confirming = shop.world, InHand()
    payment = await shop.create()
    notice = Notice("evt_fast", payment.current.key, payment.current.reference, paid=True)

    async def tells_nothing(notice: Notice = notice, patience: float = 5.0) -> bool:
        return await is_applied(w.payments, "stripe", notice, heard=confirming.heard, patience=patience)

    assert not await tells_nothing()
    with confirming.hold(payment.name):
        assert not await tells_nothing(patience=0.001)
        waiting = asyncio.create_task(tells_nothing())
        await asyncio.sleep(0)
        await shop.confirm(payment, VISA)
        assert not waiting.done()
    assert await waiting
    assert not await tells_nothing(Notice("evt_more", payment.current.key))  # it may be about a refund
    assert not await tells_nothing(Notice("evt_other", "another order", paid=True))


async def test_a_notice_may_come_before_the_answer_that_names_its_reference(shop) -> None:
    w, asked = shop.world, []
    early = Notice("evt_early", "", "pi_stripe_0", paid=True)

    async def all_heard(gateway: str) -> bool:
        asked.append(gateway)
        payment = await shop.create()
        assert payment.current.reference == early.reference
        await shop.confirm(payment, VISA)
        return True

    assert await is_applied(w.payments, "stripe", early, heard=InHand().heard, all_heard=all_heard)
    assert asked == ["stripe"]


async def test_a_notice_of_an_order_that_is_about_to_be_written_is_applied_then_and_not_a_second_later(shop) -> None:
    w, created = shop.world, []
    early = Notice("evt_early", "", "pi_stripe_0")

    async def all_heard(_: str) -> bool:
        created.append(await shop.create())
        w.gateway.confirmed(early.reference, VISA)
        return True

    await receive_notice(w.payments, w.gateways, "stripe", early, clock=w.now, all_heard=all_heard)
    assert shop.facts(created[0]) == ["PaymentCreated", "PaymentSucceeded"]


async def test_what_a_webhook_tells_of_many_orders_is_waited_for_together() -> None:
    notices, all_ask, kept = [Notice(f"evt_{number}") for number in range(4)], asyncio.Barrier(4), []

    class Inbox:
        async def keep(self, _gateway, _notices, _delivery, _now, *, applied):
            kept.extend(applied)
            return []

    async def waits(_gateway: str, notice: Notice) -> bool:
        await all_ask.wait()
        return notice.id != "evt_2"

    webhooks = SimpleNamespace(read=lambda *_: notices, acknowledgement="ok")
    async with asyncio.timeout(5):
        told = await receive_webhook(
            Inbox(), "adyen", webhooks, Delivery(b"", {}, ""), clock=lambda: None, on_kept=lambda _: None,
            is_applied=waits,
        )  # fmt: skip
    assert (told, kept) == ("ok", ["evt_0", "evt_1", "evt_3"])

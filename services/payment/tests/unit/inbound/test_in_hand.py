"""Who would ask a gateway can wait for who is asking it."""

import asyncio

from payment_service.inbound.in_hand import InHand


async def test_who_waits_for_what_a_confirmation_hears_goes_on_when_the_last_one_has() -> None:
    in_hand = InHand()
    assert not await in_hand.heard("payments/a")
    with in_hand.hold("payments/a"):
        with in_hand.hold("payments/a"):
            waiting = [asyncio.create_task(in_hand.heard("payments/a")) for _ in range(2)]
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not any(each.done() for each in waiting)
        assert not await in_hand.heard("payments/b")
    assert await asyncio.gather(*waiting) == [True, True]
    assert not await in_hand.heard("payments/a")

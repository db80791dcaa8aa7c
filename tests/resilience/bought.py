"""People who pay for places, and some who think better of it, while processes die under them."""

import asyncio
from collections.abc import Callable

from onsale import Sale, World

SOON_SECONDS = 5.0


class Payers:
    """Errands of people who pay for one place each; every call is repeated until it is answered."""

    def __init__(self, world: World, sale: Sale) -> None:
        self.world, self.sale = world, sale

    def some_pay_and_one_cancels(self) -> None:
        """Two keep their place, the third has it cancelled and gets the money back."""
        for keeps in (True, True, False):
            self.one_pays(keeps=keeps)

    def one_pays(self, *, keeps: bool) -> None:
        """With a card that is good."""
        token, name = self._held()
        payment = self.world.post("/v1/payments", {"booking": name}, token, preferredGateway="stripe")["name"]
        self.world.act(f"/v1/{payment}:confirm", token, paymentMethod="pm_card_visa")
        soon(lambda: self.world.api.get(f"/v1/{name}", token=token)["state"] == "BOOKING_STATE_CONFIRMED")
        if not keeps:
            self.world.act(f"/v1/{name}:cancel", token)

    def one_goes_away(self) -> None:
        """Before paying."""
        token, name = self._held()
        self.world.post("/v1/payments", {"booking": name}, token)
        self.world.act(f"/v1/{name}:cancel", token)

    def _held(self) -> tuple[str, str]:
        token = self.world.token(self.world.buyers[1])
        lines = [{"ticketType": self.sale.ticket_type, "quantity": 1}]
        name: str = self.world.post(f"/v1/{self.sale.event}/bookings", {"lines": lines}, token)["name"]
        return token, name


def soon(holds: Callable[[], bool]) -> None:
    """Wait a while; what has not come by then comes later."""
    asyncio.run(_until(holds))


async def _until(holds: Callable[[], bool]) -> None:
    try:
        async with asyncio.timeout(SOON_SECONDS):
            while not await asyncio.to_thread(holds):
                await asyncio.sleep(0.1)
    except TimeoutError:
        return

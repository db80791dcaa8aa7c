"""Money at the door: the payer brings it, whoever takes it says so.

Credentials: instructions (what the payer reads; may be empty).
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from payment_service.domain.gateways import Order
from payment_service.outbound.gateways.by_hand import ByHand


class Door(ByHand):
    """PaymentGateway and Refunds of payment_service.domain.gateways."""

    name = "door"

    def __init__(self, words: str) -> None:
        self._words = words or "Pay at the door."

    def instructions(self, order: Order) -> str:
        """The organizer's words, and how much."""
        return f"{self._words}\n{order.amount}"


@asynccontextmanager
async def open_gateway(
    credentials: Mapping[str, str],
    *,
    timeout: float,  # noqa: ARG001 nobody is called
    webhook_url: str = "",  # noqa: ARG001
) -> AsyncIterator[Door]:
    """Nothing to keep open."""
    yield Door(credentials.get("instructions", ""))

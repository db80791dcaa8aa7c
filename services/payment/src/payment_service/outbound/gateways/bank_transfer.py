"""Money by bank transfer: the payer sends it, the organizer finds it on the account and says so.

Credentials: holder, iban, bic (may be empty).
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from payment_service.domain.gateways import Order
from payment_service.outbound.gateways.by_hand import ByHand


class BankTransfer(ByHand):
    """PaymentGateway and Refunds of payment_service.domain.gateways."""

    name = "bank_transfer"

    def __init__(self, holder: str, iban: str, bic: str) -> None:
        self._account = "\n".join(filter(None, [holder, iban, bic]))

    def instructions(self, order: Order) -> str:
        """Account, amount and what to write, which is how the organizer finds it again."""
        return f"{self._account}\n{order.amount}\nUSHER {order.key[:12].upper()}"


@asynccontextmanager
async def open_gateway(
    credentials: Mapping[str, str],
    *,
    timeout: float,  # noqa: ARG001 nobody is called
    webhook_url: str = "",  # noqa: ARG001
) -> AsyncIterator[BankTransfer]:
    """Nothing to keep open."""
    yield BankTransfer(credentials["holder"], credentials["iban"], credentials.get("bic", ""))

"""The payment service, asked over gRPC what organizers can be paid in."""

import logging
from collections.abc import Awaitable, Callable, Collection
from typing import Protocol

from domain_kit.refusals import Refusal
from usher.payment.v1.payment_service_pb2 import ListPaymentCurrenciesRequest, ListPaymentCurrenciesResponse

SECONDS = 2.0
log = logging.getLogger(__name__)


class PaymentStub(Protocol):
    """What is used of the generated stub."""

    @property
    def ListPaymentCurrencies(self) -> Callable[..., Awaitable[ListPaymentCurrenciesResponse]]:  # noqa: N802 named by the contract
        """What an organizer can be paid in."""


class PaymentClient:
    """event_service.handlers.check_currencies.Takings."""

    def __init__(self, stub: PaymentStub) -> None:
        self._stub = stub

    async def currencies(self, organizer: str) -> Collection[str] | None:
        """None where payment is away, or older than this question: an event goes on sale all the same."""
        try:
            asked = ListPaymentCurrenciesRequest(parent=organizer)
            answer = await self._stub.ListPaymentCurrencies(asked, timeout=SECONDS)
        except Refusal as refusal:
            log.warning("currencies are not checked", extra={"organizer": organizer, "reason": refusal.reason})
            return None
        return frozenset(answer.currency_codes)

"""A payment gateway with time limits, repeats, a breaker and a bulkhead around every call."""

from collections.abc import Awaitable, Callable, Mapping
from typing import ParamSpec, TypeVar

from domain_kit.money import Money
from domain_kit.refusals import DeadlineExceeded, Unavailable
from payment_service.domain.gateway import GatewayRefund, Intent, RefundingGateway
from resilience import Resilient

P = ParamSpec("P")
T = TypeVar("T")


class ResilientGateway:
    """PaymentGateway and Refunds over another. Every call either reads or carries a key, so each may be repeated."""

    def __init__(self, gateway: RefundingGateway, guard: Resilient) -> None:
        self._gateway, self._guard = gateway, guard

    @property
    def name(self) -> str:
        """Of the gateway inside."""
        return self._gateway.name

    def check_amount(self, amount: Money) -> None:
        """As the gateway inside."""
        self._gateway.check_amount(amount)

    async def create_intent(self, amount: Money, *, payment: str, booking: str, key: str) -> Intent:
        """As the gateway inside."""
        return await self._call(self._gateway.create_intent, amount, payment=payment, booking=booking, key=key)

    async def confirm_intent(self, reference: str, method: str, *, key: str) -> Intent:
        """As the gateway inside."""
        return await self._call(self._gateway.confirm_intent, reference, method, key=key)

    async def retrieve_intent(self, reference: str) -> Intent:
        """As the gateway inside."""
        return await self._call(self._gateway.retrieve_intent, reference)

    async def cancel_intent(self, reference: str, *, key: str) -> Intent:
        """As the gateway inside."""
        return await self._call(self._gateway.cancel_intent, reference, key=key)

    async def refund(self, reference: str, amount: Money, *, id: str) -> GatewayRefund:
        """As the gateway inside."""
        return await self._call(self._gateway.refund, reference, amount, id=id)

    async def refunds_of(self, reference: str) -> Mapping[str, GatewayRefund]:
        """As the gateway inside."""
        return await self._call(self._gateway.refunds_of, reference)

    async def _call(self, fn: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await self._guard.call_idempotent(fn, *args, **kwargs)
        except DeadlineExceeded as refusal:
            if refusal.reason != "CALL_TIMED_OUT":
                raise
            raise Unavailable(
                "GATEWAY_UNAVAILABLE",
                "The payment gateway did not answer in time; ask again with the same request id.",
                metadata=refusal.metadata,
            ) from refusal

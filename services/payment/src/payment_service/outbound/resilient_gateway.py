"""A payment gateway with time limits, repeats, a breaker and a bulkhead around every call, and a memory of them."""

import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

from domain_kit.money import Money
from domain_kit.refusals import DeadlineExceeded, FailedPrecondition, Unavailable
from payment_service.domain.gateways import FailureKind, GatewayRefund, Intent, Order
from payment_service.domain.routing import Health
from payment_service.domain.saved_methods import SavedMethod, Saving
from payment_service.outbound.capability_files import capabilities_of
from resilience import Breaker, Resilient

P = ParamSpec("P")
T = TypeVar("T")
# What is remembered of calls: so many, and so long (seconds).
REMEMBERED, REMEMBERED_SECONDS = 200, 600.0


class Record:
    """How calls of a gateway have gone of late."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._calls: deque[tuple[float, bool]] = deque(maxlen=REMEMBERED)

    def note(self, went_well: bool) -> None:
        """One more."""
        self._calls.append((self._clock(), went_well))

    def health(self, breaker: str) -> Health:
        """With the state of its breaker."""
        since = self._clock() - REMEMBERED_SECONDS
        recent = [well for when, well in self._calls if when >= since]
        return Health(sum(recent) / len(recent) if recent else 1.0, len(recent), breaker)


class ResilientGateway:
    """payment_service.domain.ports.Gateway over an adapter. Every call either reads or carries a key, so each may be
    repeated.
    """

    def __init__(self, gateway: Any, guard: Resilient, breaker: Breaker | None = None) -> None:
        self._gateway, self._guard, self._breaker = gateway, guard, breaker
        self._record = Record()

    @property
    def name(self) -> str:
        """Of the gateway inside."""
        return str(self._gateway.name)

    @property
    def keeps_tries(self) -> bool:
        """As the gateway inside; those that do not say so do not."""
        return bool(getattr(self._gateway, "keeps_tries", False))

    @property
    def health(self) -> Health:
        """Of late."""
        return self._record.health("closed" if self._breaker is None else self._breaker.state)

    def check_amount(self, amount: Money) -> None:
        """As the gateway inside."""
        self._gateway.check_amount(amount)

    async def begin(self, order: Order) -> Intent:
        """As the gateway inside."""
        return await self._call(self._gateway.begin, order)

    async def confirm(self, order: Order, reference: str) -> Intent:
        """As the gateway inside."""
        return await self._call(self._gateway.confirm, order, reference)

    async def find(self, order: Order, reference: str) -> Intent | None:
        """As the gateway inside."""
        found: Intent | None = await self._call(self._gateway.find, order, reference)
        return found

    async def cancel(self, order: Order, reference: str) -> Intent:
        """As the gateway inside."""
        return await self._call(self._gateway.cancel, order, reference)

    async def capture(self, order: Order, reference: str, amount: Money) -> Intent:
        """As the gateway inside; FailedPrecondition CAPTURE_NOT_TAKEN, CAPTURE_IN_PART_NOT_TAKEN."""
        if not hasattr(self._gateway, "capture"):
            raise FailedPrecondition("CAPTURE_NOT_TAKEN", "This gateway cannot reserve money.")
        if amount != order.amount and not capabilities_of(self.name).partial_captures:
            raise FailedPrecondition("CAPTURE_IN_PART_NOT_TAKEN", "This gateway takes all of what is reserved.")
        return await self._call(self._gateway.capture, order, reference, amount)

    async def refund(self, order: Order, reference: str, amount: Money, *, id: str) -> GatewayRefund:
        """As the gateway inside."""
        made: GatewayRefund = await self._call(self._gateway.refund, order, reference, amount, id=id)
        return made

    async def refunds_of(self, order: Order, reference: str, ids: Mapping[str, str]) -> Mapping[str, GatewayRefund]:
        """As the gateway inside."""
        known: Mapping[str, GatewayRefund] = await self._call(self._gateway.refunds_of, order, reference, ids)
        return known

    async def keeper(self, payer: str) -> str:
        """As the gateway inside."""
        return str(await self._call(self._keeping.keeper, payer))

    async def save(self, keeper: str, token: str, *, id: str, return_uri: str) -> Saving:
        """As the gateway inside."""
        made: Saving = await self._call(self._keeping.save, keeper, token, id=id, return_uri=return_uri)
        return made

    async def saved(self, keeper: str) -> Sequence[SavedMethod]:
        """As the gateway inside."""
        found: Sequence[SavedMethod] = await self._call(self._keeping.saved, keeper)
        return found

    async def forget(self, keeper: str, reference: str) -> None:
        """As the gateway inside."""
        await self._call(self._keeping.forget, keeper, reference)

    @property
    def _keeping(self) -> Any:
        if not hasattr(self._gateway, "save"):
            raise FailedPrecondition("SAVING_NOT_TAKEN", "This gateway keeps no way to pay for anybody.")
        return self._gateway

    async def _call(self, fn: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            answer = await self._guard.call_idempotent(fn, *args, **kwargs)
        except Unavailable:
            self._record.note(False)
            raise
        except DeadlineExceeded as refusal:
            if refusal.reason != "CALL_TIMED_OUT":
                raise
            self._record.note(False)
            raise Unavailable(
                "GATEWAY_UNAVAILABLE",
                "The payment gateway did not answer in time; ask again with the same request id.",
                metadata=refusal.metadata,
            ) from refusal
        self._record.note(not _is_trouble(answer))
        return answer


def _is_trouble(answer: object) -> bool:
    """An answer may say itself that the gateway is in trouble; a decline speaks for nobody."""
    failure = answer.failure if isinstance(answer, Intent) else None
    return failure is not None and failure.kind is FailureKind.GATEWAY

"""The gateways that are configured: opened, guarded, ranked."""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from domain_kit.refusals import NotFound, Unavailable
from payment_service.domain.gateways import Webhooks
from payment_service.domain.ports import Gateway, PaymentSettingsRepository
from payment_service.domain.routing import NO_PRIORITY, Offer, Ranking, Wish, currencies, rank
from payment_service.outbound.capability_files import capabilities_of
from payment_service.outbound.resilient_gateway import ResilientGateway
from resilience import Breaker, Resilient

# Name → module in `outbound/gateways`, imported only where the gateway is configured: SDKs cost memory.
KNOWN = (
    "stripe", "paypal", "square", "adyen", "razorpay", "alipay", "wechat", "mercadopago", "bank_transfer", "door",
)  # fmt: skip
# Of a gateway's entry in the file, what is ours: its place among equals, the lower the earlier.
PRIORITY = "priority"

Guard = Callable[[str, Breaker], Resilient]


def read_credentials(path: str) -> Mapping[str, Mapping[str, str]]:
    """Gateway → its credentials, from the mounted JSON file; ValueError says what is wrong, and no credentials."""
    try:
        given = json.loads(Path(path).read_text("utf-8"))
    except ValueError:
        raise ValueError(f"{path} is no JSON") from None
    if not isinstance(given, dict) or not all(_is_entry(each) for each in given.values()):
        raise ValueError(f"{path}: an object of objects of text is needed")
    if unknown := sorted(given.keys() - set(KNOWN)):
        raise ValueError(f"{path}: {', '.join(unknown)}")
    if not given:
        raise ValueError(f"{path}: no gateway is configured")
    return given


class GatewayRegistry:
    """payment_service.domain.ports.Gateways, and who reads their webhooks."""

    def __init__(
        self,
        gateways: Mapping[str, ResilientGateway],
        adapters: Mapping[str, Any],
        priorities: Mapping[str, int],
        settings: PaymentSettingsRepository,
        *,
        return_uri: str,
    ) -> None:
        self.return_uri = return_uri
        self._gateways, self._adapters, self._priorities = gateways, adapters, priorities
        self._settings = settings

    def named(self, name: str) -> Gateway:
        """Unavailable GATEWAY_NOT_CONFIGURED."""
        if name not in self._gateways:
            raise Unavailable("GATEWAY_NOT_CONFIGURED", f"{name} is not configured here.")
        return self._gateways[name]

    def webhooks(self, name: str) -> Webhooks:
        """NotFound GATEWAY_UNKNOWN for one that is not configured, or that tells nothing."""
        adapter = self._adapters.get(name)
        if adapter is None or not hasattr(adapter, "read"):
            raise NotFound("GATEWAY_UNKNOWN", "No such gateway sends webhooks here.")
        webhooks: Webhooks = adapter
        return webhooks

    async def ranking(self, wish: Wish, organizer: str) -> Ranking:
        """All ways to pay, best first, as the organizer wants it and as they have been doing."""
        return rank(self._offers(), wish, await self._settings.lately(organizer))

    async def currencies(self, organizer: str) -> Sequence[str]:
        """Those that an organizer can be paid in, as far as the files of figures say."""
        return currencies(self._offers(), await self._settings.of(organizer))

    def _offers(self) -> list[Offer]:
        return [
            Offer(capabilities_of(name), each.health, self._priorities[name]) for name, each in self._gateways.items()
        ]


@asynccontextmanager
async def open_gateways(
    credentials: Mapping[str, Mapping[str, str]],
    settings: PaymentSettingsRepository,
    *,
    public_url: str,
    timeout: float,
    new_breaker: Callable[[str], Breaker],
    guard: Guard,
) -> AsyncIterator[GatewayRegistry]:
    """All that have an entry, each with a breaker, a bulkhead and time limits of its own."""
    gateways: dict[str, ResilientGateway] = {}
    adapters: dict[str, Any] = {}
    priorities = {name: int(given.get(PRIORITY, NO_PRIORITY)) for name, given in credentials.items()}
    async with AsyncExitStack() as stack:
        for name, given in credentials.items():
            module = import_module(f"payment_service.outbound.gateways.{name}")
            own = {key: value for key, value in given.items() if key != PRIORITY}
            url = f"{public_url.rstrip('/')}/v1/webhooks/{name}"
            adapter = await stack.enter_async_context(module.open_gateway(own, timeout=timeout, webhook_url=url))
            breaker = new_breaker(name)
            adapters[name], gateways[name] = adapter, ResilientGateway(adapter, guard(name, breaker), breaker)
        yield GatewayRegistry(gateways, adapters, priorities, settings, return_uri=public_url)


def _is_entry(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())

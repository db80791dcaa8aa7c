"""The Stripe SDK over connections of ours."""

from collections.abc import Mapping
from typing import Any

import stripe

from payment_service.outbound.gateways.connections import Connections, NoAnswer


class AiohttpTransport(stripe.HTTPClient):
    """Made where a loop runs. timeout: see Connections."""

    name = "usher"

    def __init__(self, timeout: float) -> None:
        super().__init__()
        self._connections = Connections(timeout)

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Body, status and headers; APIConnectionError where there is no answer, which may be after it was acted on."""
        try:
            answer = await self._connections.request(method, url, headers=headers, content=post_data)
        except NoAnswer as none:
            problem: Exception = stripe.APIConnectionError(f"no answer: {none}")  # type: ignore[no-untyped-call]  # the SDK does not say
            raise problem from none
        return answer.content, answer.status_code, answer.headers

    async def close_async(self) -> None:
        """Close the connections."""
        await self._connections.close()

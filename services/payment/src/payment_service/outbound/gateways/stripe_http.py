"""The Stripe SDK over httpx, kept here because the SDK's own client still calls httpx in a way that is deprecated."""

from collections.abc import Mapping
from typing import Any

import httpx
import stripe


class HttpxTransport(stripe.HTTPClient):
    """One connection pool; nothing is repeated. `timeout` is in seconds, for connecting and for each read."""

    name = "httpx"

    def __init__(self, timeout: float) -> None:
        super().__init__()
        self._client = httpx.AsyncClient(timeout=timeout)

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Body, status and headers; APIConnectionError where there is no answer, which may be after it was acted on."""
        try:
            answer = await self._client.request(method, url, headers=dict(headers), content=post_data or None)
        except httpx.HTTPError as error:
            problem: Exception = stripe.APIConnectionError(f"no answer: {type(error).__name__}")  # type: ignore[no-untyped-call]
            raise problem from error
        return answer.content, answer.status_code, answer.headers

    async def close_async(self) -> None:
        """Close the connections."""
        await self._client.aclose()

"""The Stripe SDK over aiohttp: a call costs a tenth of what it costs over httpx (docs/performance.md)."""

from collections.abc import Mapping
from typing import Any
from urllib.request import getproxies

import aiohttp
import stripe


class AiohttpTransport(stripe.HTTPClient):
    """One pool of kept connections; nothing is repeated. Made where a loop runs.

    timeout: seconds for connecting and for each read. Proxies are those of the environment.
    """

    name = "aiohttp"

    def __init__(self, timeout: float) -> None:
        super().__init__()
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None, connect=timeout, sock_read=timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=bool(getproxies()),
        )

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Body, status and headers; APIConnectionError where there is no answer, which may be after it was acted on."""
        try:
            async with self._session.request(
                method, url, headers=headers, data=post_data or None, allow_redirects=False
            ) as answer:
                return await answer.read(), answer.status, answer.headers
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            problem: Exception = stripe.APIConnectionError(f"no answer: {type(error).__name__}")  # type: ignore[no-untyped-call]
            raise problem from error

    async def close_async(self) -> None:
        """Close the connections."""
        await self._session.close()

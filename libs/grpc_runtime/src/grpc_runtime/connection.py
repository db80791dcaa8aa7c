"""The grpc channel under a `Channel`: opened anew when the certificate of this process was renewed."""

import asyncio
from collections.abc import Sequence
from typing import Any

import grpc
import grpc.aio

from grpc_runtime.identity import Identity, Pem, channel_credentials

LAST_CALLS_SECONDS = 30.0  # how long calls over a channel with the old certificate may take to finish


class Connection:
    """To `address`; plain without an identity."""

    def __init__(self, address: str, options: Sequence[tuple[str, Any]], identity: Identity | None) -> None:
        self._address, self._options, self._identity = address, list(options), identity
        self._pem = identity.current() if identity else None
        self._open = self._opened(self._pem)
        self._leaving: set[asyncio.Task[None]] = set()

    @property
    def channel(self) -> grpc.aio.Channel:
        """The one to call over now."""
        if self._identity is not None and (pem := self._identity.current()) is not self._pem:
            old, self._open, self._pem = self._open, self._opened(pem), pem
            leaving = asyncio.ensure_future(old.close(LAST_CALLS_SECONDS))
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)
        return self._open

    async def close(self, grace: float | None) -> None:
        """Break off calls still under way after `grace` seconds and close."""
        for leaving in tuple(self._leaving):
            leaving.cancel()
        await asyncio.gather(*self._leaving, return_exceptions=True)
        await self._open.close(grace)

    def _opened(self, pem: Pem | None) -> grpc.aio.Channel:
        if pem is None:
            return grpc.aio.insecure_channel(self._address, options=self._options)
        return grpc.aio.secure_channel(self._address, channel_credentials(pem), options=self._options)

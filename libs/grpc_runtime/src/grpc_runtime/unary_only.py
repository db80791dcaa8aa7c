"""Keeps OpenTelemetry's interceptor away from streams."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio

if TYPE_CHECKING:  # generic in the stubs only
    RpcHandler = grpc.RpcMethodHandler[Any, Any] | None


class UnaryOnly(grpc.aio.ServerInterceptor):
    """Applies `inner` to unary rpcs.

    OpenTelemetry's takes streams only from async generators, and loses its context when a client stops reading; the
    Telemetry interceptor opens the span of a stream.
    """

    def __init__(self, inner: grpc.aio.ServerInterceptor) -> None:
        self._inner = inner

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable["RpcHandler"]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "RpcHandler":
        """The handler, with a span around it when it is unary."""
        handler = await continuation(handler_call_details)
        if handler is None or handler.response_streaming:
            return handler

        async def found(_details: grpc.HandlerCallDetails) -> "RpcHandler":
            return handler

        return await self._inner.intercept_service(found, handler_call_details)
